"""Which prompts are left out, for which reason, and that the rest of the records become examples."""

import json

import pytest
from corpora import contents, counts, workers
from examples_made import labelled_made, tokenizer_made, write_jsonl
from hypothesis import given
from hypothesis import strategies as st

from conf.examples import Examples
from tasks.examples.asked import Asked, asked, beginning
from tasks.examples.examples import Made, examples, rows_of
from tasks.examples.fields import user_of
from tasks.examples.prompts import REASONS, Prompt, Rules, left_out, prompts
from tasks.runtime.decisions import Decided
from tasks.runtime.run import Run
from tasks.runtime.shards import read

PREFIX = 12


def reasons(texts, rules, users=None, tokens=None, personal=None):
    many = len(texts)
    columns = (tokens or [1] * many, personal or [0] * many, [beginning(text, PREFIX) for text in texts],
               users or [None] * many)  # fmt: skip
    return list(left_out(map(Prompt, *columns), rules))


def test_without_rules_all_stay():
    assert reasons(["a", "a", "b"], Rules(), ["u"] * 3, [9999] * 3, [5] * 3) == [None] * 3


def test_a_common_prefix_leaves_the_first():
    texts = ["Write a poem about cats", "write  a poem\nabout dogs", "Write a play", "Write a p", "Write a p"]
    assert reasons(texts, Rules(same_prefix=True)) == [None, "same-prefix", None, None, "same-prefix"]


def test_what_is_left_out_otherwise_takes_nobodys_place():
    """A long prompt is no earlier one for the prefix, nor one of its user's; nor is one that left before."""
    rules = Rules(tokens=5, personal=True, same_prefix=True, per_user=1)
    texts = ["abcdefghijkl 1", "abcdefghijkl 2", "xyz", "abcdefghijkl 3", "xyz"]
    made = reasons(texts, rules, ["u", "u", "u", "v", "w"], [6, 5, 1, 1, 1], [0, 0, 0, 0, 2])
    assert made == ["long-prompt", None, "user-share", "same-prefix", "personal-data"]
    one = Prompt(1, 0, "same", "u")
    assert list(left_out([None, one, one], rules)) == [None, None, "same-prefix"]


def test_a_user_has_so_many_prompts_and_those_without_a_user_no_bound():
    users = ["u", None, "u", "u", "v", None]
    assert reasons(list("abcdef"), Rules(per_user=2), users) == [None] * 3 + ["user-share", None, None]
    assert user_of({"user": 7}) == user_of({"user": "7"}) != user_of({"user": "8"})
    assert user_of({}) is user_of({"user": ""}) is user_of({"user": None}) is user_of({"user": ["u"]}) is None


PROMPTS = st.lists(st.builds(Prompt, st.integers(1, 9), st.integers(0, 1), st.sampled_from("abc"),
                             st.sampled_from([None, "u", "v"])))  # fmt: skip
BOUND = st.none() | st.integers(1, 4)
RULES = st.builds(Rules, BOUND, st.booleans(), st.booleans(), BOUND)


@given(PROMPTS, RULES)
def test_those_that_stay_keep_the_rules_and_stay_if_asked_again(given, rules):
    made = list(left_out(given, rules))
    assert set(made) <= {None, *REASONS}
    staying = [prompt for prompt, reason in zip(given, made, strict=True) if reason is None]
    assert list(left_out(staying, rules)) == [None] * len(staying)
    assert rules.per_user is None or all(sum(p.user == user for p in staying) <= rules.per_user for user in "uv")
    assert not rules.same_prefix or len({p.begins for p in staying}) == len(staying)


RECORDS = [
    {"prompt": "the mill races over the stone", "answer": "a", "user": "ann"},
    {"prompt": "The mill races over the  stone and the sea", "answer": "b", "user": "ann"},  # begins as the first
    {"prompt": "write to joe@example.org", "answer": "c", "user": "ann"},
    {"prompt": "the water", "answer": "d", "user": "ann"},
    {"prompt": "the sea", "answer": "e", "user": "ann"},  # ann's third that would stay
    {"prompt": "the water runs to the sea " * 20, "answer": "f", "user": "bob"},
    {"prompt": "a light", "answer": "g", "user": "bob"},
]  # fmt: skip


@pytest.mark.parametrize("count", [1, 2])
def test_counted_reasons_and_examples_of_the_rest(tmp_path, count):
    run = Run(tmp_path / "store", workers(count))
    for number, part in enumerate((RECORDS[:4], RECORDS[4:])):
        write_jsonl(tmp_path / f"files/{number}.jsonl", part)
    declared = {"files": str(tmp_path / "files/*.jsonl"), "form": "chat", "shard": 1,
                "prompts": {"tokens": 60, "prefix": 24, "per_user": 2}}  # fmt: skip
    how = Examples.model_validate(declared)
    records = labelled_made(run, "demos", tmp_path / "files", declared)
    reading = {"form": "chat", "fields": how.fields(), "classes": []}
    by = tokenizer_made(run)
    assert how.prompts is not None and len(records.shards()) == 7, "the order is over shards"
    measured = run(asked, "demos", documents=records, tokenizer=by, prefix=how.prompts.prefix, **reading)
    told = measured.counts(Asked)
    assert (told.documents, told.personal, told.named) == (7, 1, 7)
    kept = run(prompts, "demos", documents=records, asked=measured, before=None, rules=how.prompts.rules())
    assert kept.counts(Decided).reasons == {"long-prompt": 1, "personal-data": 1, "same-prefix": 1, "user-share": 1}
    given = {"records": records, "tokenizer": by, "context": 64, "validation": 0.0, "seed": 1}
    made = run(examples, "demos", decision=kept, **given, **reading).counts(Made)
    assert (made.records, made.decided, made.train.examples) == (7, 4, 3)
    assert sum(counts(kept)["reasons"].values()) == 4
    one = Run(tmp_path / "one", workers(1))
    if count == 2:
        again = labelled_made(one, "demos", tmp_path / "files", declared)
        looked = one(asked, "demos", documents=again, tokenizer=tokenizer_made(one), prefix=24, **reading)
        decided = one(prompts, "demos", documents=again, asked=looked, before=None, rules=how.prompts.rules())
        assert contents(decided) == contents(kept)


def test_nobodys_prompts_are_on_both_sides(tmp_path):
    """Twelve users of ten prompts each; of records without a user the same question is on one side."""
    run = Run(tmp_path / "store", workers(1))
    records = [{"prompt": f"the mill {n}", "answer": "a", "user": f"u{n % 12}"} for n in range(120)]
    records += [{"prompt": f"the sea {n % 20}", "answer": f"{n}"} for n in range(60)]
    write_jsonl(tmp_path / "files/all.jsonl", records)
    declared = {"files": str(tmp_path / "files/*.jsonl"), "form": "chat"}
    how = Examples.model_validate(declared)
    read_in = labelled_made(run, "demos", tmp_path / "files", declared)
    (shard,) = read_in.shards()
    table = read(shard, ["id", "meta"])
    given = {"tokenizer": tokenizer_made(run), "context": 64, "validation": 0.3, "seed": 1, "decision": None}
    made = run(examples, "demos", records=read_in, form="chat", fields=how.fields(), classes=[], **given)
    split = {row["id"]: row["split"] for row in rows_of(made, shard).to_pylist()}
    sides = {}
    for name, record in zip(table["id"].to_pylist(), map(json.loads, table["meta"].to_pylist()), strict=True):
        sides.setdefault(record.get("user") or record["prompt"], set()).add(split[name])
    assert len(sides) == 32 and all(len(side) == 1 for side in sides.values())
    assert {side for one in sides.values() for side in one} == {"train", "validation"}


def test_rules_belong_to_prompts():
    with pytest.raises(ValueError, match="`prompts` belongs to the forms chat"):
        Examples.model_validate({"files": "x", "form": "regress", "prompts": {}})
