"""`evaluate`: its arithmetic against log-likelihoods asked for directly, its shots, and its clean and dirty scores."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import Counted, contents, counts, decided, source, workers

from model import checkpoint
from model.config import Architecture
from model.gpt import GPT
from model.held_out import estimate
from model.score import load, log_likelihoods, window_losses
from model.windows import Windows
from tasks.decontaminate.benchmark import benchmark, items_of
from tasks.evaluation.evaluate import evaluate
from tasks.models.files import model_folder
from tasks.models.pretrain import FILES, METRICS
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage
from tasks.tokens.mixture import mixture, mixture_file
from tasks.tokens.tokenizer import tokenizer, tokenizer_file, vocabulary_of
from tasks.tokens.tokens import tokens

SPLIT = {"validation": 0.3, "seed": 1}
CONTEXT = 64
TEXTS = [f"the mill number {n} races, the river number {n * 7} rests." for n in range(120)]
CLOZE = [{"context": f"river {n} of the mill is ", "continuation": f" number{n}"} for n in range(12)]
CHOICE = [
    {
        "query": f"what races {n}?",
        "choices": ["the mill", f"river {n} and river {n + 1} ", "x"][: 2 + n % 2],
        "gold": n % 2,
    }
    for n in range(12)
]


@stage("pretrain", kind="fit", version="untrained")
def untrained(job: Job, *, tokenizer: Artifact, seed: int) -> Counted:
    """A model as it is initialised: a score of it is a number like any other."""
    size = vocabulary_of(tokenizer)
    architecture = Architecture(layers=1, width=16, heads=2, context=CONTEXT, vocabulary=size)
    model = GPT(architecture).initialise(seed)
    out = job.workspace
    path = tokenizer_file(tokenizer)
    checkpoint.publish(out, model, path, tokenizer.fingerprint, size - 1, asdict(architecture))
    (out / METRICS).write_bytes(b"")
    for name in FILES:
        job.put(name, out / name)
    return Counted()


@stage("overlap", kind="measure", version="said")
def said(job: Job, *, benchmark: Artifact, states: list[str]) -> Counted:
    """States of a benchmark's items, in turn."""
    items = items_of(benchmark, ["item"]).column("item").to_pylist()
    rows = [
        {"rule": "gpt3", "benchmark": benchmark.name, "item": item, "state": states[n % len(states)]}
        for n, item in enumerate(items)
    ]
    with job.publish("items.parquet") as file:
        pq.write_table(pa.Table.from_pylist(rows), file)
    return Counted()


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> tuple[Run, dict[str, Any]]:
    """A run, and what all evaluations share."""
    run = Run(tmp_path_factory.mktemp("store"), workers(1))
    documents = source(run, "web", TEXTS, shards=2)
    cut = decided(run, documents)
    by = run(
        tokenizer, "bpe", documents={"web": documents}, decisions={"web": cut}, shares={"web": 1.0}, vocabulary=300,
        sample=10_000, **SPLIT,
    )  # fmt: skip
    made = run(tokens, "web", documents=documents, decision=cut, tokenizer=by, **SPLIT)
    how = {"context": CONTEXT, "validation_windows": 4, **SPLIT}
    plan = run(mixture, "tiny", tokens={"web": made}, groups={"web": "web"}, weights={}, budget=1000, **how)
    return run, {"model": run(untrained, "tiny", tokenizer=by, seed=3), "mixture": plan, "overlap": None, "seed": 1}


def quiz(run: Run, folder: Path, name: str, records: list[dict]) -> Artifact:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    text = [next(iter(records[0]))]
    return run(benchmark, name, files=[{"path": str(path), "records": records}], inside=None, text=text)


def asked(base, folder: Path, name: str, records: list[dict], **settings: Any) -> tuple[dict[str, Any], list[dict]]:
    """The score of one task, and its answers."""
    run, shared = base
    overlap = settings.pop("overlap", None)
    kind = "choice" if "choices" in records[0] else "cloze"
    items = quiz(run, folder, name, records)
    tasks = {name: {"kind": kind, "shots": 0, "limit": None, **settings}}
    inputs = {**shared, "overlap": overlap and overlap(items)}
    result = run(evaluate, "tiny", benchmarks={name: items}, tasks=tasks, **inputs)
    answers = [json.loads(line) for line in (result.folder / "answers.jsonl").read_text().splitlines()]
    named = dict(zip(items_of(items, ["item"]).column("item").to_pylist(), records, strict=True))
    return counts(result)["tasks"][name], [{**answer, "record": named[answer["item"]]} for answer in answers]


def test_cloze(base, tmp_path):
    score, answers = asked(base, tmp_path, "cloze", CLOZE)
    model, encode = load(model_folder(base[1]["model"]))[0], load(model_folder(base[1]["model"]))[1].encode
    assert len(answers) == 12
    for answer in answers:
        record = answer["record"]
        pair = encode(record["context"].rstrip()), encode(" " + record["continuation"].strip())
        ((total, count, greedy),) = log_likelihoods(model, [pair])
        assert answer["log_likelihoods"] == [pytest.approx(total / count, abs=2e-6)]
        assert answer["right"] == greedy and answer["chance"] == 0
    assert score["accuracy"] == round(sum(answer["right"] for answer in answers) / 12, 6)
    assert score["items"] == 12 and score["chance"] == 0 and score["kind"] == "cloze"
    assert score["log_likelihood"] == pytest.approx(np.mean([a["log_likelihoods"][0] for a in answers]), abs=2e-6)


def greedy_words(base, context: str) -> str:
    """What the model would say: the likeliest tokens after the context that make a word with a space before it."""
    model, tokenizer, _ = load(model_folder(base[1]["model"]))
    vocabulary = [tokenizer.decode([n]) for n in range(tokenizer.vocabulary - 1)]
    words = [text for text in vocabulary if text.startswith(" ") and text[1:].isalpha() and text.isascii()]
    pairs = [(tokenizer.encode(context), tokenizer.encode(text)) for text in words]
    found = log_likelihoods(model, pairs)
    return next((text for text, (_, _, greedy) in zip(words, found, strict=True) if greedy), "")


def test_a_cloze_is_right_where_the_model_would_say_it(base, tmp_path):
    contexts = [text[:cut] for text in TEXTS for cut in range(5, 40, 5)]
    likely = next((c, word) for c in contexts if (word := greedy_words(base, c.rstrip())))
    records = [{"context": likely[0], "continuation": word} for word in (likely[1], " zq")]
    score, answers = asked(base, tmp_path, "two", records)
    assert {answer["record"]["continuation"]: answer["right"] for answer in answers} == {likely[1]: True, " zq": False}
    assert score["accuracy"] == 0.5


def test_choice(base, tmp_path):
    score, answers = asked(base, tmp_path, "choice", CHOICE)
    model, encode = load(model_folder(base[1]["model"]))[0], load(model_folder(base[1]["model"]))[1].encode
    for answer in answers:
        record = answer["record"]
        pairs = [(encode(record["query"]), encode(" " + choice.strip())) for choice in record["choices"]]
        rates = [total / count for total, count, _ in log_likelihoods(model, pairs)]
        assert answer["log_likelihoods"] == pytest.approx(rates, abs=2e-6)
        assert answer["answer"] == int(np.argmax(rates))
        assert answer["right"] == (answer["answer"] == record["gold"])
        assert answer["chance"] == 1 / len(record["choices"])
    assert len({answer["answer"] for answer in answers}) > 1
    assert score["accuracy"] == round(sum(answer["right"] for answer in answers) / 12, 6)
    assert score["chance"] == round((6 / 2 + 6 / 3) / 12, 6)


@pytest.fixture
def seen(monkeypatch) -> list[str]:
    """The prompts that the model is asked, decoded."""
    import model.score

    prompts: list[str] = []
    original, opened = model.score.log_likelihoods, model.score.load
    tokenizers = []

    def open_(*arguments):
        made = opened(*arguments)
        tokenizers.append(made[1])
        return made

    def ask(gpt, pairs, *more):
        prompts.extend(tokenizers[-1].decode(context) for context, _ in pairs)
        return original(gpt, pairs, *more)

    monkeypatch.setattr(model.score, "load", open_)
    monkeypatch.setattr(model.score, "log_likelihoods", ask)
    return prompts


SHORT = [{"context": f"q{n}", "continuation": f"a{n}"} for n in range(5)]


@pytest.mark.parametrize(("shots", "shown"), [(1, 1), (3, 3), (4, 4), (50, 4)])
def test_shots_are_other_items_solved(base, tmp_path, seen, shots, shown):
    _, answers = asked(base, tmp_path, f"shots{shots}", SHORT, shots=shots)
    assert len(seen) == len(answers) == 5
    for prompt, answer in zip(seen, answers, strict=True):
        *examples, question = prompt.split("\n\n")
        assert question == answer["record"]["context"]
        solved = [f"{one['context']} {one['continuation']}" for one in SHORT]
        own = solved[SHORT.index(answer["record"])]
        assert len(examples) == len(set(examples)) == shown
        assert set(examples) <= set(solved) - {own}


def test_shots_of_choices_show_the_right_one(base, tmp_path, seen):
    records = [{"query": f"q{n}", "choices": ["no", "yes"], "gold": n % 2} for n in range(4)]
    asked(base, tmp_path, "solved", records, shots=2)
    examples = {example for prompt in seen for example in prompt.split("\n\n")[:-1]}
    assert examples <= {"q0 no", "q1 yes", "q2 no", "q3 yes"} and len(examples) > 1


def test_shots_that_do_not_fit_are_left_out(base, tmp_path, seen):
    records = [{"context": f"{n} " + "mill " * 18, "continuation": "x"} for n in range(6)]
    _, answers = asked(base, tmp_path, "long", records, shots=5)
    encode = load(model_folder(base[1]["model"]))[1].encode
    for prompt, answer in zip(seen, answers, strict=True):
        *examples, question = prompt.split("\n\n")
        assert question == answer["record"]["context"].rstrip()
        assert 1 <= len(examples) < 5
        assert len(encode(prompt)) + 1 <= CONTEXT


def test_clean_and_dirty(base, tmp_path):
    run, _ = base
    states = ["clean", "dirty", "clean", "uncheckable"]
    score, answers = asked(
        base, tmp_path, "split", CHOICE, overlap=lambda items: run(said, "all", benchmark=items, states=states)
    )
    assert [answer["state"] for answer in sorted(answers, key=lambda a: CHOICE.index(a["record"]))] == states * 3
    clean = [answer["right"] for answer in answers if answer["state"] == "clean"]
    assert score["clean_items"] == len(clean) == 6
    assert score["clean_accuracy"] == round(sum(clean) / 6, 6)
    assert score["accuracy"] == round(sum(answer["right"] for answer in answers) / 12, 6)


def test_without_an_overlap_nothing_is_called_clean(base, tmp_path):
    score, answers = asked(base, tmp_path, "unchecked", CLOZE)
    assert {answer["state"] for answer in answers} == {"unchecked"}
    assert (score["clean_items"], score["clean_accuracy"]) == (0, None)


def test_a_limit_draws_the_same_items_in_any_order(base, tmp_path):
    """By hash of seed and item: a file sorted anew asks the same ones."""
    found = []
    for records in (CLOZE, CLOZE[::-1]):
        folder = tmp_path / str(len(found))
        folder.mkdir()
        _, answers = asked(base, folder, "some", records, limit=5)
        found.append({answer["record"]["continuation"]: answer["log_likelihoods"] for answer in answers})
    assert found[0].keys() == found[1].keys() and len(found[0]) == 5
    assert all(found[0][key] == pytest.approx(found[1][key], abs=2e-6) for key in found[0])


def test_perplexity_is_of_each_sources_validation_text(base, tmp_path):
    run, shared = base
    result = run(evaluate, "tiny", benchmarks={}, tasks={}, **shared)
    model = load(model_folder(shared["model"]))[0]
    a = model.architecture
    windows = Windows(mixture_file(shared["mixture"]), run.store.url, a.context, a.vocabulary, 0)
    held_out = windows.validation["web"]
    losses = window_losses(model, list(held_out.read()))
    nats, count = sum(loss for loss, _ in losses), sum(tokens for _, tokens in losses)
    expected = estimate(losses, held_out.documents())
    assert expected is not None
    found = counts(result)["perplexity"]
    decode = load(model_folder(shared["model"]))[1].decode
    texts = [decode([t for t in window[1:] if t != model.end_of_text]) for window in held_out.read()]
    assert found == {
        "web": {
            "loss": pytest.approx(nats / count, abs=2e-6),
            "perplexity": pytest.approx(math.exp(nats / count), abs=2e-4),
            "tokens": count,
            "stderr": pytest.approx(expected.stderr, abs=2e-6),
            "windows": len(losses),
            "documents": len(losses),
            "bits_per_byte": pytest.approx(nats / math.log(2) / sum(len(t.encode()) for t in texts), abs=2e-6),
        }
    }
    assert count == held_out.stream.tokens > 300 and len(losses) < 64, "all that is held out, each token predicted once"


def test_twice_the_same_bytes(base, tmp_path):
    run, shared = base
    tasks = {"again": {"kind": "choice", "shots": 2, "limit": None}}
    items = {"again": quiz(run, tmp_path, "again", CHOICE)}
    found = [contents(run(evaluate, place, benchmarks=items, tasks=tasks, **shared)) for place in ("one", "two")]
    assert found[0] == found[1] and found[0].keys() == {"answers.jsonl"}


@pytest.mark.parametrize(
    ("record", "said_"),
    [
        ({"query": "x", "choices": ["a", "b"]}, "no field 'gold', which a task of kind choice needs"),
        ({"query": "x", "choices": "ab", "gold": 0}, "choices"),
        ({"query": "x", "choices": [], "gold": 0}, "choices"),
        ({"query": "x", "choices": ["a", "b"], "gold": "A"}, "gold"),
        ({"query": "x", "choices": ["a", "b"], "gold": 2}, "gold"),
        ({"query": ["x"], "choices": ["a", "b"], "gold": 0}, "query"),
    ],
)
def test_a_record_that_cannot_be_asked_is_named(base, tmp_path, record, said_):
    with pytest.raises(Mistake, match=rf"bad.jsonl:13: .*{said_}.*benchmark bad"):
        asked(base, tmp_path, "bad", [*CHOICE, record])


def test_a_cloze_without_its_field(base, tmp_path):
    with pytest.raises(Mistake, match=r"bad.jsonl:2: no field 'continuation', which a task of kind cloze needs"):
        asked(base, tmp_path, "bad", [CLOZE[0], {"context": "x", "other": 1}])
