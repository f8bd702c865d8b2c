"""What a page is shown and what is kept of it: hidden order, ranks made dense, refusals, going on."""

import json
from collections import Counter
from pathlib import Path

import pytest
from asking import records, said, written
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.labels.asked import Asked, prompts_in
from tasks.labels.ranking import FLAGS, Ranking, kept_at
from tasks.labels.server import Refused
from tasks.runtime.errors import Mistake


def asking(folder: Path, rows, full=True, labeler="ann", seed=1) -> Ranking:
    return Ranking(
        prompts_in(written(folder / "prompts.jsonl", rows)),
        kept_at(folder / "labels.jsonl", print),
        labeler,
        seed,
        full,
    )


def no_flags(count: int) -> dict[str, list[bool]]:
    return {name: [False] * count for name in FLAGS}


def test_there_are_the_papers_eleven_flags() -> None:
    assert len(FLAGS) == 11


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=4, max_size=4),
    st.lists(st.one_of(st.none(), st.integers(1, 7)), min_size=4, max_size=4),
)
def test_what_is_said_in_the_shown_order_is_kept_in_the_records(tmp_path_factory, ranks, likert) -> None:
    folder = tmp_path_factory.mktemp("ranks")
    rank = asking(folder, records())
    shown = rank.item({})
    place = {text: n for n, text in enumerate(shown["answers"])}
    flags = no_flags(4) | {"opinion": [rank == 1 for rank in ranks]}
    assert rank.say({"n": 0, "ranks": ranks, "likert": likert, "flags": flags}) == {"next": 1, "done": 1}
    rank.kept.close()
    (record,) = said(folder / "labels.jsonl")
    assert record["answers"] == records()[0]["answers"] and (record["labeler"], record["judge"]) == ("ann", "human")
    from tasks.runtime.visible import visible

    by_answer = [place[visible(text)] for text in record["answers"]]
    apart = sorted(set(ranks))
    assert record["ranks"] == [apart.index(ranks[n]) + 1 for n in by_answer]
    assert record["likert"] == [likert[n] for n in by_answer]
    assert record["flags"]["opinion"] == [ranks[n] == 1 for n in by_answer] and len(record["flags"]) == 11
    assert [record["shown"].index(n) for n in range(4)] == by_answer
    again = asking(folder, records())
    assert again.item({"n": 0})["said"] == {
        "ranks": [apart.index(r) + 1 for r in ranks],
        "likert": likert,
        "flags": flags,
    }
    assert again.item({})["n"] == 1 and again.done() == 1
    again.kept.close()


def test_the_order_is_hidden_by_hash_and_each_labeler_has_another() -> None:
    asked = [Asked(f"p{n}", {"prompt": "?"}, ["a", "b"], ["x", "y"]) for n in range(400)]
    first = [one.order("ann", 1)[0] for one in asked]
    assert 160 < sum(first) < 240, "4 standard deviations of a fair coin"
    assert first == [one.order("ann", 1)[0] for one in asked]
    for labeler, seed in (("bob", 1), ("ann", 2)):
        other = [one.order(labeler, seed)[0] for one in asked]
        assert 160 < sum(a == b for a, b in zip(first, other, strict=True)) < 240
    orders = Counter(tuple(Asked(f"p{n}", {"prompt": "?"}, list("abc")).order("ann", 1)) for n in range(600))
    assert len(orders) == 6 and min(orders.values()) > 60


def test_models_are_kept_and_not_shown(tmp_path: Path) -> None:
    rows = [{"id": "p", "prompt": "?", "answers": ["a", "b"], "models": ["secret-1", "secret-2"]}]
    rank = asking(tmp_path, rows, full=False)
    assert "secret" not in json.dumps([rank.item({}), rank.content()])
    rank.say({"n": 0, "ranks": [2, 2]})
    assert said(tmp_path / "labels.jsonl")[0]["models"] == ["secret-1", "secret-2"]
    assert said(tmp_path / "labels.jsonl")[0]["ranks"] == [1, 1]
    assert rank.item({}) == {"n": None, "done": 1}
    rank.kept.close()


def test_a_change_takes_the_place_of_what_was_said_and_others_labels_stay(tmp_path: Path) -> None:
    rows = records(2, 2)
    for labeler in ("ann", "bob"):
        rank = asking(tmp_path, rows, labeler=labeler)
        for n in (0, 1):
            rank.say({"n": n, "ranks": [1, 2], "likert": [None, None], "flags": no_flags(2)})
        rank.kept.close()
    rank = asking(tmp_path, rows)
    rank.say({"n": 0, "ranks": [1, 1], "likert": [7, 7], "flags": no_flags(2)})
    rank.kept.close()
    kept = [(row["id"], row["labeler"], len(set(row["ranks"]))) for row in said(tmp_path / "labels.jsonl")]
    assert kept == [("p0", "ann", 1), ("p1", "ann", 2), ("p0", "bob", 2), ("p1", "bob", 2)]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"n": 9}, "there are 1 prompts; none is number 9"),
        ({"n": True}, "none is number True"),
        ({"ranks": [1]}, r"ranks: each of the 2 answers needs one \(1 to 2\)"),
        ({"ranks": [1, 3]}, "ranks"),
        ({"ranks": [0, 1]}, "ranks"),
        ({"ranks": [1, None]}, "ranks"),
        ({"ranks": [1, 1.5]}, "ranks"),
        ({"likert": [8, 1]}, r"likert: each of the 2 answers needs one \(1 to 7\)"),
        ({"flags": {}}, "flags are fails_instruction, "),
        ({"flags": no_flags(2) | {"sexual": [True, 1]}}, "sexual"),
    ],
)
def test_what_does_not_fit_is_refused_and_not_kept(tmp_path: Path, change, sentence) -> None:
    rank = asking(tmp_path, records(1, 2))
    with pytest.raises(Refused, match=sentence):
        rank.say({"n": 0, "ranks": [1, 2], "likert": [None, 7], "flags": no_flags(2)} | change)
    assert not (tmp_path / "labels.jsonl").exists()
    rank.kept.close()


def test_labels_of_other_answers_and_machines_labels_are_not_gone_on_with(tmp_path: Path) -> None:
    rank = asking(tmp_path, records(1, 2))
    rank.say({"n": 0, "ranks": [1, 2], "likert": [None, 7], "flags": no_flags(2)})
    rank.kept.close()
    changed = [records(1, 2)[0] | {"answers": ["other", "texts"]}]
    with pytest.raises(Mistake, match="ann labelled 'p0' with other answers than it has now: give another --out"):
        asking(tmp_path, changed)
    record = said(tmp_path / "labels.jsonl")[0] | {"judge": "machine"}
    written(tmp_path / "labels.jsonl", [record])
    with pytest.raises(Mistake, match=r"labels.jsonl:1: is another kind of line"):
        asking(tmp_path, records(1, 2))


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"prompt": "?"}, "no field 'answers'"),
        ({"prompt": "?", "answers": []}, "0 answers; 1 to 9 can be shown"),
        ({"prompt": "?", "answers": ["a"] * 10}, "10 answers"),
        ({"prompt": "?", "answers": ["a", 1]}, "answers is no list of texts"),
        ({"answers": ["a"]}, "give the prompt as `prompt`, a text, or `messages`"),
        ({"messages": [{"role": "robot", "content": "x"}], "answers": ["a"]}, "give the prompt"),
        ({"messages": [], "answers": ["a"]}, "give the prompt"),
        ({"prompt": "?", "answers": ["a"], "models": ["x", "y"]}, "models names who wrote each of the 1 answers"),
    ],
)
def test_prompts_that_are_none_are_named(tmp_path: Path, record, sentence) -> None:
    path = written(tmp_path / "prompts.jsonl", [{"id": "ok", "prompt": "?", "answers": ["a"]}, record])
    with pytest.raises(Mistake, match=f"prompts.jsonl:2: .*{sentence}"):
        prompts_in(path)


def test_ids_are_told_apart_and_a_file_of_nothing_is_a_mistake(tmp_path: Path) -> None:
    twice = [{"id": "p", "prompt": "?", "answers": ["a"]}] * 2
    with pytest.raises(Mistake, match=r"prompts.jsonl:2: id 'p' stands there before"):
        prompts_in(written(tmp_path / "prompts.jsonl", twice))
    nameless = [{"prompt": "?", "answers": ["a"]}, {"messages": [{"role": "user", "content": "!"}], "answers": ["b"]}]
    found = prompts_in(written(tmp_path / "prompts.jsonl", nameless))
    assert [one.id for one in found] == ["prompts.jsonl:1", "prompts.jsonl:2"]
    assert [one.messages[0]["content"] for one in found] == ["?", "!"]
    with pytest.raises(Mistake, match="holds no prompt"):
        prompts_in(written(tmp_path / "none.jsonl", []))
