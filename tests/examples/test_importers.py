"""Records of other projects, as ours; each format by hand, and the published files of three of them."""

import gzip
import json
import tarfile
from collections import Counter

import pytest
from corpora import REAL
from hypothesis import given
from hypothesis import strategies as st

from tasks.examples.importers import FORMATS, REASONS, hh_rlhf, self_instruct, summarize_from_feedback, t0
from tasks.sources.rejects import Bad


def refused(read, record):
    with pytest.raises(Bad) as caught:
        read(record)
    assert caught.value.reason in REASONS
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
        ("Human: a", dialogue("a", "b"), "format"),
        (None, dialogue("a", "b"), "format"),
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
        ({"choice": 2}, "format"),
        ({"choice": None}, "format"),
        ({"choice": True}, "format"),
        ({"info": {"id": "x"}}, "format"),
        ({"summaries": [{"text": "one"}]}, "format"),
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
    assert refused(t0, {"prompt": "Is it?"}) == "format"
    assert refused(self_instruct, {"instruction": "Add.", "instances": []}) == "no-answer"
    assert refused(self_instruct, {"instruction": "Add.", "instances": [{"input": "", "output": " "}]}) == "no-answer"
    assert refused(self_instruct, {"instruction": "Add.", "instances": ["3"]}) == "format"


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
