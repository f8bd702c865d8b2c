"""`answers`: planted models whose likelihoods are known in closed form; shots, faults, limits; same bytes always."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from corpora import Counted, contents, counts, decided, source, workers

from conf.task import Task
from model import checkpoint
from model.config import Architecture
from model.gpt import GPT
from model.score import load
from tasks.decontaminate.benchmark import benchmark
from tasks.evaluation.answers import answers
from tasks.evaluation.asking.table import answers_of
from tasks.models.files import MODEL_FILES, model_folder
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage
from tasks.tokens.tokenizer import tokenizer, tokenizer_file, vocabulary_of

CONTEXT = 64
TEXTS = [f"the mill number {n} races, the river number {n * 7} rests." for n in range(120)]
CLOZE = [{"context": f"river {n} of the mill is", "continuation": f"number{n}"} for n in range(12)]
CHOICE = [
    {
        "query": f"what races {n}?",
        "choices": ["the mill", f"river {n} and river {n + 1} ", "x"][: 2 + n % 2],
        "gold": n % 2,
    }
    for n in range(12)
]


@stage("pretrain", kind="fit", version="planted")
def planted(job: Job, *, tokenizer: Artifact, seed: int) -> Counted:
    """A model that says each token with a probability of its own, whatever stands before: logit of token t is
    sin(seed t). Its trunk gives the same vector everywhere, and the embedding holds the logits."""
    size = vocabulary_of(tokenizer)
    architecture = Architecture(layers=1, width=16, heads=2, context=CONTEXT, vocabulary=size)
    model = GPT(architecture)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.tokens.weight[:, 0] = torch.sin(seed * torch.arange(size, dtype=torch.float32))
        assert model.norm is not None
        model.norm.bias[0] = 1.0
    end = vocabulary_of(tokenizer) - 1
    checkpoint.publish(
        job.workspace, model, tokenizer_file(tokenizer), tokenizer.fingerprint, end, asdict(architecture)
    )
    for name in MODEL_FILES:
        job.put(name, job.workspace / name)
    return Counted()


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> tuple[Run, Artifact]:
    """A run and a planted model."""
    run = Run(tmp_path_factory.mktemp("store"), workers(1))
    documents = source(run, "web", TEXTS, shards=2)
    by = run(
        tokenizer, "bpe", documents={"web": documents}, decisions={"web": decided(run, documents)},
        shares={"web": 1.0}, vocabulary=300, sample=10_000, validation=0.3, seed=1,
    )  # fmt: skip
    return run, run(planted, "tiny", tokenizer=by, seed=3)


def laws(model: Artifact) -> tuple[Any, np.ndarray]:
    """The planted model's tokenizer, and its log-probability of each token."""
    gpt, words, _ = load(model_folder(model))
    logits = np.sin(3 * np.arange(gpt.architecture.vocabulary, dtype=np.float32)).astype(np.float64)
    return words, logits - np.log(np.exp(logits).sum())


def quiz(run: Run, folder: Path, name: str, records: list[Any]) -> Artifact:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    text = [next(iter(records[0]))]
    return run(benchmark, name, files=[{"path": str(path), "records": records}], inside=None, text=text)


FORMS: dict[str, dict[str, Any]] = {
    "cloze": {"form": "cloze", "question": "{{ context }}", "answer": "{{ continuation }}"},
    "choice": {"form": "choice", "question": "{{ query }}", "choices": "choices", "gold": "gold"},
    "rest": {"form": "rest", "before": "{{ before }}", "choices": "choices", "gold": "gold", "rest": "{{ rest }}"},
    "free": {"form": "free", "question": "{{ context }}", "references": "continuation"},
}


def asked(base, folder: Path, records: list[Any], form: str, **how: Any) -> tuple[Artifact, list[dict[str, Any]]]:
    """The answers to a task over records, with the record of each."""
    run, model = base
    stage_keys = {"shots": 0, "items": None, "step": None, "seed": 1, "solved": None}
    given = {key: how.pop(key, value) for key, value in stage_keys.items()}
    items = quiz(run, folder, "task", records)
    if isinstance(given["solved"], list):
        given["solved"] = quiz(run, folder, "train", given["solved"])
    made = run(answers, "tiny.task", model=model, benchmark=items, way=way(form, **how), **given)
    rows = answers_of(made).to_pylist()
    by_id = dict(zip(answers_ids(items), records, strict=True))
    return made, [{**row, "record": by_id[row["item"]]} for row in rows]


def way(form: str, **how: Any) -> dict[str, Any]:
    return Task(title="t", **{**FORMS[form], **how}).way("default")


def answers_ids(items: Artifact) -> list[str]:
    from tasks.decontaminate.benchmark import items_of

    found: list[str] = items_of(items, ["item"])["item"].to_pylist()
    return found


def scored(words: Any, law: np.ndarray, text: str) -> tuple[float, int, bool]:
    """Of a text in its own tokens: nats, tokens, whether all are the likeliest."""
    ids = words.encode(text)
    return float(law[ids].sum()), len(ids), all(token == law.argmax() for token in ids)


def test_cloze_and_choice_in_closed_form(base, tmp_path):
    """A unigram model's likelihood is the sum of its tokens', whatever stands before."""
    words, law = laws(base[1])
    for form, records in (("cloze", CLOZE), ("choice", CHOICE)):
        folder = tmp_path / form
        folder.mkdir()
        made, rows = asked(base, folder, records, form, neutral="Answer:")
        assert len(rows) == 12 and counts(made) == {"items": 12, "asked": 12, "faults": {}, "shots": 0, "left_out": 0}
        for row in rows:
            record = row["record"]
            texts = record["choices"] if form == "choice" else [record["continuation"]]
            assert row["choices"] == texts and row["gold"] == [record.get("gold", 0)]
            assert row["prompt"] == record["query" if form == "choice" else "context"]
            for place, text in enumerate(texts):
                nats, count, greedy = scored(words, law, " " + text)
                assert row["log_likelihoods"][place] == pytest.approx(nats, abs=2e-4)
                assert row["unconditional"][place] == pytest.approx(
                    nats, abs=2e-4
                )  # what stands before is nothing to it
                assert (row["tokens"][place], row["greedy"][place]) == (count, greedy)
                assert row["bytes"][place] == len(text.encode())


def test_an_answer_is_never_rewritten(base, tmp_path):
    """`'s` follows without a blank; two blanks stay two."""
    words, law = laws(base[1])
    records = [{"context": "the mill", "continuation": "'s river"}, {"context": "the", "continuation": "  mill "}]
    _, rows = asked(base, tmp_path, records, "cloze", delimiter="")
    for row in rows:
        nats, _, _ = scored(words, law, row["record"]["continuation"])
        assert row["log_likelihoods"] == [pytest.approx(nats, abs=2e-4)]


def test_the_rest_of_the_sentence_is_scored(base, tmp_path):
    """Partial evaluation: of the trophy and the suitcase, the one after which the rest is likelier."""
    words, law = laws(base[1])
    record = {"before": "the mill rests, for ", "choices": ["the mill", "the river"], "rest": " races.", "gold": 1}
    _, (row,) = asked(base, tmp_path, [record], "rest")
    nats, count, _ = scored(words, law, " races.")
    assert row["log_likelihoods"] == [pytest.approx(nats, abs=2e-4)] * 2 and row["tokens"] == [count] * 2
    both = tmp_path / "both"
    both.mkdir()
    _, (row,) = asked(base, both, [record], "rest", scored="choice and rest")
    for place, choice in enumerate(record["choices"]):
        nats, count, _ = scored(words, law, f" {choice} races.")  # the blank before it is the answer's
        assert row["log_likelihoods"][place] == pytest.approx(nats, abs=2e-4) and row["tokens"][place] == count


def test_free_form_is_the_likeliest_token_again_and_again(base, tmp_path):
    words, law = laws(base[1])
    _, rows = asked(base, tmp_path, CLOZE, "free", length=5)
    for row in rows:
        assert row["texts"] == [words.decode([int(law.argmax())] * 5)] and row["references"] == [
            row["record"]["continuation"]
        ]
        assert row["text_log_likelihoods"] == [pytest.approx(5 * law.max(), abs=2e-4)]


SHORT = [{"context": f"q{n}", "continuation": f"a{n}"} for n in range(5)]


@pytest.mark.parametrize(("shots", "shown"), [(1, 1), (3, 3), (4, 4), (50, 4)])
@pytest.mark.parametrize("draw", ["item", "task"])
def test_shots_are_other_items_solved(base, tmp_path, shots, shown, draw):
    made, rows = asked(base, tmp_path, SHORT, "cloze", shots=shots, draw=draw)
    assert counts(made)["shots"] == 5 * shown and counts(made)["left_out"] == 5 * (shots - shown)
    for row in rows:
        *examples, question = row["prompt"].split("\n\n")
        assert question == row["record"]["context"] and row["shots"] == shown
        solved = [f"{one['context']} {one['continuation']}" for one in SHORT]
        own = solved[SHORT.index(row["record"])]
        assert len(examples) == len(set(examples)) == shown
        assert set(examples) <= set(solved) - {own}
    if shown < 4:
        beginnings = {row["prompt"].split("\n\n")[0] for row in rows}
        assert (len(beginnings) <= 2) == (draw == "task")  # an item that is an example has the next one instead


def test_shots_come_from_training_items_where_there_are_some(base, tmp_path):
    train = [{"context": f"t{n}", "continuation": f"u{n}"} for n in range(4)] + [SHORT[0]]
    _, rows = asked(base, tmp_path, SHORT, "cloze", shots=4, solved=train)
    for row in rows:
        *examples, _ = row["prompt"].split("\n\n")
        own = f"{row['record']['context']} {row['record']['continuation']}"
        assert len(set(examples)) == 4 and own not in examples, "nor is the item itself, where training holds it"


@pytest.mark.parametrize("draw", ["item", "task"])
def test_shots_have_in_common_what_the_task_says(base, tmp_path, draw):
    """MMLU's subject: of 2 subjects in `solved` each item's examples are its own; of a third there is none; a record
    that names no subject is no example, and no item."""
    solved = [
        {"context": f"{subject} {n}", "continuation": "x", "subject": subject} for subject in "ab" for n in range(4)
    ]
    records = [{"context": f"item {n}", "continuation": "y", "subject": subject} for n, subject in enumerate("abca")]
    made, rows = asked(
        base, tmp_path, [*records, {"context": "z", "continuation": "y"}], "cloze", shots=3, draw=draw, same="subject",
        solved=[*solved, {"context": "lost", "continuation": "x"}], description="About {{ subject }}: ", between=";",
    )  # fmt: skip
    shown = {}
    for row in rows[:4]:
        about, *examples, question = row["prompt"].removeprefix("About ").replace(": ", ";", 1).split(";")
        assert about == row["record"]["subject"] and question == row["record"]["context"]
        assert len(examples) == row["shots"] == (0 if about == "c" else 3)
        assert {example.split()[0] for example in examples} <= {about}
        shown[question] = examples
    assert (shown["item 0"] == shown["item 3"]) == (draw == "task")
    assert "'subject' is undefined" in rows[4]["fault"]
    assert counts(made)["left_out"] == 3 and counts(made)["faults"] == {"record": 1}


def test_another_draw_shows_other_examples(base, tmp_path):
    prompts = []
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        prompts.append([row["prompt"] for row in asked(base, folder, SHORT, "cloze", shots=2, seed=seed)[1]])
    assert prompts[0] != prompts[1]


def test_the_longest_examples_leave_first(base, tmp_path):
    records = [{"context": f"{n} " + "mill " * (4 * n), "continuation": "x"} for n in range(6)]
    _, rows = asked(base, tmp_path, records, "cloze", shots=5)
    words, _ = laws(base[1])
    for row in rows:
        *examples, question = row["prompt"].split("\n\n")
        assert question == row["record"]["context"]
        assert len(words.encode(row["prompt"])) + 1 <= CONTEXT + 1
        shown = {int(example.split()[0]) for example in examples}
        others = set(range(6)) - {records.index(row["record"])}
        assert shown == set(sorted(others)[: len(shown)]) and len(shown) < 5, "the shortest stay"


def test_what_does_not_fit_is_named(base, tmp_path):
    """A prompt that fills the context exactly, and one token more."""
    words, _ = laws(base[1])
    text = " mill"
    while len(words.encode(text)) < CONTEXT:
        text += " mill"
    exactly = words.decode(words.encode(text)[:CONTEXT])
    assert len(words.encode(exactly)) == CONTEXT
    records = [
        {"context": exactly, "continuation": "x"[:1]},
        {"context": exactly + " mill", "continuation": "x"},
        {"context": "q" * 100_000, "continuation": "x"},
        {"context": "a\0b", "continuation": "x"},
        {"context": "", "continuation": "x"},
        {"context": "q", "continuation": ""},
        {"context": "q"},
        {"context": "q", "continuation": "x", "more": {"nested": [1]}},
    ]
    made, rows = asked(base, tmp_path, records, "cloze", delimiter="")
    faults = [row["fault"] for row in rows]
    assert [fault is None for fault in faults] == [True, False, False, True, True, False, False, True]
    assert all(f"tokens, and the model reads {CONTEXT}" in faults[place] for place in (1, 2))
    assert "an answer is empty" in faults[5] and "continuation" in faults[6]
    assert counts(made)["faults"] == {"empty": 1, "record": 1, "too long": 2} and counts(made)["asked"] == 4
    assert all(math.isfinite(row["log_likelihoods"][0]) for row in rows if row["fault"] is None)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"query": "x", "choices": ["a", "b"]}, "gold"),
        ({"query": "x", "choices": {"a": 1}, "gold": 0}, "choices is no list of texts"),
        ({"query": "x", "choices": [], "gold": 0}, "choices is no list of texts"),
        ({"query": "x", "choices": ["a", "b"], "gold": "A"}, "gold is 'A'"),
        ({"query": "x", "choices": ["a", "b"], "gold": 2}, "gold is 2"),
        ({"query": "x", "choices": ["a", "b"], "gold": []}, "gold names no choice"),
    ],
)
def test_a_record_that_cannot_be_asked_is_named(base, tmp_path, record, said):
    made, rows = asked(base, tmp_path, [*CHOICE, record], "choice")
    assert counts(made)["faults"] == {"record": 1} and said in rows[-1]["fault"] and rows[-1]["log_likelihoods"] is None
    only = tmp_path / "only"
    only.mkdir()
    with pytest.raises(Mistake, match=r"task.jsonl:1: .*`fields` of the task"):
        asked(base, only, [record], "choice")


def test_two_right_choices_and_an_empty_one(base, tmp_path):
    records = [
        {"query": "q", "choices": ["", "b", "c"], "gold": [0, 2]},
        {"query": "q", "choices": ["yes"], "gold": "yes"},
    ]
    _, rows = asked(base, tmp_path, records, "choice")
    assert [row["gold"] for row in rows] == [[0, 2], [0]] and rows[0]["tokens"][0] == 1  # its delimiter alone


def test_a_records_own_names(base, tmp_path):
    """OpenAI's files say `completion`."""
    records = [{"context": "Q: 2 plus 2?\n\nA:", "completion": " 4"}] * 1
    _, (row,) = asked(base, tmp_path, records, "cloze", delimiter="", fields={"continuation": "completion"})
    assert row["choices"] == [" 4"] and row["fault"] is None


def test_a_limit_asks_the_same_items_in_any_order(base, tmp_path):
    """By hash of seed and item: a file sorted anew asks the same ones."""
    found = []
    for records in (CLOZE, CLOZE[::-1]):
        folder = tmp_path / str(len(found))
        folder.mkdir()
        _, rows = asked(base, folder, records, "cloze", items=5, shots=2)
        found.append({row["record"]["continuation"]: row["log_likelihoods"] for row in rows})
    assert found[0] == found[1] and len(found[0]) == 5


def test_the_same_bytes_on_any_number_of_workers(tmp_path, base):
    """600 items are three blocks."""
    records = [{"context": f"q{n}", "continuation": f"mill {n}"} for n in range(600)]
    model = base[1]
    found = []
    for count in (1, 3):
        run = Run(base[0].store, workers(count))
        items = quiz(run, tmp_path, "many", records)
        made = run(
            answers, f"w{count}", model=model, benchmark=items, solved=None, way=way("cloze"), shots=3, items=None,
            step=None, seed=1,
        )  # fmt: skip
        found.append(contents(made))
    assert found[0] == found[1] and len(found[0]) == 3
