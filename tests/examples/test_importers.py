"""Records of other projects, as ours; each format by hand, and the published files of three of them."""

import gzip
import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from corpora import REAL
from examples_made import labelled_made, write_jsonl
from hypothesis import given
from hypothesis import strategies as st

from conf.examples import FORMATS as IN_CONF
from conf.examples import Examples
from tasks.examples.fields import REASONS as OF_FIELDS
from tasks.examples.importers import FORMATS, REASONS, hh_rlhf, self_instruct, summarize_from_feedback, t0
from tasks.examples.labelled import Labelled
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.runtime.shards import read
from tasks.sources.rejects import Bad


def refused(read, record):
    with pytest.raises(Bad) as caught:
        read(record)
    assert caught.value.reason in {**OF_FIELDS, **REASONS}
    return caught.value.reason


# ---- hh-rlhf


def dialogue(*turns: str) -> str:
    return "".join(f"\n\n{('Human', 'Assistant')[number % 2]}: {turn}" for number, turn in enumerate(turns))


def test_two_dialogues_are_a_prompt_with_two_answers():
    (made,) = hh_rlhf(
        {"chosen": dialogue("hi", "yes?", "a pen", "No."), "rejected": dialogue("hi", "yes?", "a pen", "Ok.")}
    )
    assert made == {
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "yes?"},
            {"role": "user", "content": "a pen"},
        ],
        "answers": ["No.", "Ok."],
        "ranks": [1, 2],
    }


SAID = (
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    .map(str.strip)
    .filter(lambda said: said and "\n\nHuman:" not in f"\n\n{said}" and "\n\nAssistant:" not in f"\n\n{said}")
)


@given(st.lists(SAID, min_size=1, max_size=5).filter(lambda turns: len(turns) % 2), SAID, SAID)
def test_whatever_is_said_comes_back(turns, better, worse):
    record = {"chosen": dialogue(*turns, better), "rejected": dialogue(*turns, worse)}
    if better == worse:
        assert refused(hh_rlhf, record) == "same-answers"
        return
    (made,) = hh_rlhf(record)
    assert [message["content"] for message in made["messages"]] == turns and made["answers"] == [better, worse]


@pytest.mark.parametrize(
    ("chosen", "rejected", "reason"),
    [
        (dialogue("a", "b"), dialogue("a", "b"), "same-answers"),
        (dialogue("a", "b"), dialogue("c", "d"), "turns-differ"),  # not a word in common
        (dialogue("a", "b", "c", "d"), dialogue("a", "x", "c", "d"), "turns-differ"),  # they part too early
        (dialogue("a", "b"), dialogue("a"), "turns-differ"),  # one has no answer at all
        ("\n\nHuman: a\n\nAssistant: b\n\nAssistant: c", dialogue("a", "b"), "turns-differ"),  # met in the real file
        (dialogue("a", "b", "c"), dialogue("a", "b", "d"), "turns-differ"),  # they end with the human
        (dialogue("a", ""), dialogue("a", "b"), "no-answer"),
        (dialogue("a", "", "b", "c"), dialogue("a", "b"), "no-text"),
        ("Human: a", dialogue("a", "b"), "not-of-format"),
        (None, dialogue("a", "b"), "not-of-format"),
    ],
)
def test_dialogues_that_are_no_comparison(chosen, rejected, reason):
    assert refused(hh_rlhf, {"chosen": chosen, "rejected": rejected}) == reason


# ---- summarize-from-feedback


def comparison(**keys):
    return {
        "info": {"id": "t3_1", "post": "I lost it.", "title": "My cat", "subreddit": "pets"},
        "summaries": [{"text": " Cat lost.", "policy": "sup4"}, {"text": " A cat.", "policy": "ref"}],
        "choice": 1, "worker": "w7", "batch": "b", "split": "train", "extra": {},
    } | keys  # fmt: skip


def test_a_post_and_two_summaries():
    (made,) = summarize_from_feedback(comparison())
    query = "SUBREDDIT: r/pets\n\nTITLE: My cat\n\nPOST: I lost it.\n\nTL;DR:"
    assert made == {
        "messages": [{"role": "user", "content": query}],
        "answers": ["Cat lost.", "A cat."],
        "ranks": [2, 1],  # the second was chosen
        "labeler": "w7",
    }
    (first,) = summarize_from_feedback(comparison(choice=0))
    assert first["ranks"] == [1, 2]


def test_an_article_and_two_summaries():
    (made,) = summarize_from_feedback(comparison(info={"id": "x", "article": "It rained.", "post": None}))
    assert made["messages"][0]["content"] == "Article:\n\nIt rained.\n\nTL;DR:"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"choice": 2}, "not-of-format"),
        ({"choice": None}, "not-of-format"),
        ({"choice": True}, "not-of-format"),
        ({"info": {"id": "x"}}, "not-of-format"),
        ({"summaries": [{"text": "one"}]}, "not-of-format"),
        ({"summaries": [{"text": "a"}, {"text": " "}]}, "no-answer"),
        ({"summaries": [{"text": "a"}, {"text": " a"}]}, "same-answers"),
    ],
)
def test_summaries_that_are_no_comparison(keys, reason):
    assert refused(summarize_from_feedback, comparison(**keys)) == reason


# ---- self-instruct and T0


def test_a_task_is_a_demonstration_an_instance():
    record = {
        "id": "seed_1",
        "instruction": "Add.",
        "instances": [{"input": "1 2", "output": "3"}, {"input": "", "output": "0"}],
    }
    assert [(made["id"], made["messages"], made["answer"]) for made in self_instruct(record)] == [
        ("seed_1#0", [{"role": "user", "content": "Add.\n\n1 2"}], "3"),
        ("seed_1#1", [{"role": "user", "content": "Add."}], "0"),
    ]
    assert self_instruct(record | {"instances": record["instances"][:1]})[0]["id"] == "seed_1"


def test_a_filled_template_is_a_demonstration():
    (made,) = t0({"prompt": "Is it so?\n", "completion": "yes<|endoftext|>"})
    assert made == {"messages": [{"role": "user", "content": "Is it so?"}], "answer": "yes"}


def test_demonstrations_without_an_answer():
    assert refused(t0, {"prompt": "Is it?", "completion": "<|endoftext|>"}) == "no-answer"  # met in the real file
    assert refused(t0, {"prompt": "Is it?"}) == "not-of-format"
    assert refused(self_instruct, {"instruction": "Add.", "instances": []}) == "no-answer"
    assert refused(self_instruct, {"instruction": "Add.", "instances": [{"input": "", "output": " "}]}) == "no-answer"
    assert refused(self_instruct, {"instruction": "Add.", "instances": ["3"]}) == "not-of-format"


def test_conf_knows_every_format_and_its_forms():
    assert {name: one.forms for name, one in FORMATS.items()} == IN_CONF


# ---- the published files


def outcomes(name: str, records) -> Counter[str]:
    seen: Counter[str] = Counter()
    for record in records:
        try:
            seen["made"] += len(FORMATS[name].records(record))
        except Bad as bad:
            seen[bad.reason] += 1
    return seen


@pytest.mark.real
def test_hh_rlhf_as_published():
    with gzip.open(REAL / "preferences/hh-rlhf-harmless-base-test.even.jsonl.gz", "rt", encoding="utf-8") as lines:
        assert outcomes("hh-rlhf", map(json.loads, lines)) == {"made": 1149, "turns-differ": 5, "no-answer": 2}


@pytest.mark.real
def test_seed_tasks_as_published():
    lines = (REAL / "preferences/self-instruct-seed_tasks.jsonl").read_text(encoding="utf-8").splitlines()
    assert outcomes("self-instruct", map(json.loads, lines)) == {"made": 175}


@pytest.mark.real
def test_t0_templates_as_published():
    seen: Counter[str] = Counter()
    with tarfile.open(REAL / "preferences/self-instruct-t0-templates.tar.gz") as archive:
        for member in archive:
            seen += outcomes("t0", map(json.loads, archive.extractfile(member)))
    assert seen == {"made": 3000, "no-answer": 200}  # the 200 of trec have none


# ---- through the stage


def made_of(run: Run, folder: Path, records: list[dict], **declared: str) -> Artifact:
    write_jsonl(folder / "records.jsonl", records)
    return labelled_made(
        run, "theirs", folder, {"files": str(folder / "records.jsonl"), "reject_share": 0.9, **declared}
    )


def test_their_records_are_ours_and_what_does_not_fit_is_counted(run: Run, tmp_path: Path) -> None:
    records = [
        {"chosen": dialogue("hi", "yes"), "rejected": dialogue("hi", "no")},
        {"chosen": dialogue("hi", "yes"), "rejected": dialogue("hi", "yes")},
        {"chosen": dialogue("a", "b", "c", "d"), "rejected": dialogue("a", "x", "c", "d")},
        {"prompt": "not theirs"},
    ]
    made = made_of(run, tmp_path / "compare", records, form="compare", format="hh-rlhf")
    assert (told := made.counts(Labelled)).documents == 1
    assert told.rejects == {"not-of-format": 1, "same-answers": 1, "turns-differ": 1}
    (record,) = read(made.shards()[0], ["meta"])["meta"].to_pylist()
    assert json.loads(record)["answers"] == ["yes", "no"]
    asked = made_of(run, tmp_path / "prompt", records, form="prompt", format="hh-rlhf")
    assert asked.counts(Labelled).documents == 1


def test_a_record_of_several_instances_is_several(run: Run, tmp_path: Path) -> None:
    two = [{"input": "1 2", "output": "3"}, {"input": "", "output": "0"}]
    records = [{"id": "a", "instruction": "Add.", "instances": two}]
    made = made_of(run, tmp_path, records, form="chat", format="self-instruct")
    table = read(made.shards()[0], ["id", "line", "asked"])
    assert table["line"].to_pylist() == [1, 1] and len(set(table["id"].to_pylist())) == 2


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({"form": "chat", "format": "hh-rlhf"}, "of hh-rlhf make examples of the form compare or prompt, not chat"),
        ({"form": "compare", "format": "hh-rlhf", "answers": "a"}, "says which field is what: answers must go"),
    ],
)
def test_a_format_that_does_not_go_with_a_form(declared: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Examples.model_validate({"files": "x", **declared})
