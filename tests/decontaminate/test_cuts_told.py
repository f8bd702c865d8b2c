"""How `explain` tells of hits and cuts: the words, the places, what is left out where there is much."""

from pathlib import Path
from typing import Any

import pytest
from corpora import decided, document_id, source
from decontaminate.test_cuts import FILL, LEAK, cleaned

from tasks.decontaminate import told
from tasks.decontaminate.grams import grams_table
from tasks.decontaminate.told import tell_cuts, tell_hits
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.runtime.stage import Place


def asked(run: Run, folder: Path, texts: list[str], items: dict[str, list[str]], **keys: Any) -> Any:
    """row -> (lines of hits, lines of cuts)."""
    documents = source(run, "web", texts)
    dropped = keys.pop("dropped", [])
    decisions = [decided(run, documents, [document_id("web", n) for n in dropped])]
    (found,), (made,) = cleaned(run, folder, [documents], items, decisions, **keys)
    others: dict[tuple[str, str], Artifact] = {(one.stage, one.name): one for one in run.artifacts}
    (shard,) = documents.shards()

    def lines(row: int) -> tuple[list[str], list[str]]:
        place = Place("web", shard, row, document_id("web", row), texts[row].encode())
        return list(tell_hits(found, place, others)), list(tell_cuts(made, place, others))

    return lines


def items_of(run: Run) -> dict[str, str]:
    """benchmark -> its one item's id."""
    (wanted,) = [one for one in run.artifacts if one.stage == "grams"]
    return {row["benchmark"]: row["item"] for row in grams_table(wanted).to_pylist()}


def test_whose_a_hit_is_and_what_is_removed(run: Run, tmp_path: Path) -> None:
    text = f"{'漢' * 300} {LEAK} {'é' * 300}"
    lines = asked(
        run, tmp_path, ["clean", text, LEAK], {"quiz": [LEAK], "exam": [LEAK + " x"]}, dropped=[2], shortest=50
    )
    of = items_of(run)
    start, end = 901, 901 + len(LEAK)
    hits, cuts = lines(1)
    assert hits == [f"exam item {of['exam']} (gpt3), quiz item {of['quiz']} (gpt3), bytes 901 to 981: {LEAK!r}"]
    assert end == 981 and cuts[0] == "kept"
    (span,) = cuts[1:]
    first, last = start - 199 * 3 - 1, end + 199 * 2 + 1
    assert span.startswith(f"bytes {first:,} to {last:,} removed: ")
    # 80 bytes of what stays on either side; 300 and 300 of what goes
    inside = text.encode()[first:last]
    kept_left, kept_right = "漢" * 26, "é" * 40
    middle = f"{inside[:300].decode()} ... {inside[-300:].decode()}"
    assert span.partition("removed: ")[2] == repr(f"...{kept_left}[-{middle}-]{kept_right}...")
    assert lines(0) == (["none"], ["kept"])
    assert lines(2)[1] == ["dropped before"]


def test_the_rules_that_find_it_are_named_where_there_are_several(run: Run, tmp_path: Path) -> None:
    texts = [f"{FILL}{LEAK}{FILL}", f"{FILL}{' '.join(LEAK.split()[:8])}{FILL}", "clean"]
    lines = asked(run, tmp_path, texts, {"quiz": [LEAK]}, beside=["gpt2"])
    assert [lines(n)[1][0] for n in range(3)] == [
        "kept; found by gpt3, gpt2", "kept; found by gpt2", "kept; found by no rule",
    ]  # fmt: skip


def test_gaps_between_cuts_are_shown_as_far_as_they_go(run: Run, tmp_path: Path) -> None:
    """Between two spans that lie closer than 80 bytes, only what stays between them is shown, and no dots."""
    other = LEAK.replace("leak", "fact")
    text = f"{LEAK} aaaa bbbb {other}"
    lines = asked(run, tmp_path, [text], {"quiz": [LEAK, other]}, margin=0, shortest=0)
    answer, first, second = lines(0)[1]
    assert answer == "kept"
    assert first == f"bytes 0 to 80 removed: {f'[-{LEAK}-] aaaa bbbb '!r}"
    assert second == f"bytes 91 to 171 removed: {f' aaaa bbbb [-{other}-]'!r}"


def test_frequent_grams_are_said_to_be_ignored(run: Run, tmp_path: Path) -> None:
    lines = asked(run, tmp_path, [LEAK, f"{LEAK} {FILL}", f"x {LEAK}"], {"quiz": [LEAK]}, frequent=2)
    (hit,), cuts = lines(2)
    assert " bytes 2 to 82 (a frequent gram: ignored): " in hit and cuts == ["kept"]


def test_places_that_touch_are_told_as_one(run: Run, tmp_path: Path) -> None:
    lines = asked(run, tmp_path, [f"{LEAK} {LEAK} {LEAK}"], {"quiz": [LEAK]})
    (hit,) = lines(0)[0]
    assert "bytes 0 to 80 and 2 places more up to 242: " in hit


@pytest.mark.parametrize(("shown", "more"), [(4, None), (3, 1), (1, 3)])
def test_of_many_only_some_are_shown(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: int, more: int | None
) -> None:
    monkeypatch.setattr(told, "SHOWN", shown)
    monkeypatch.setattr(told, "OWNERS", 2)
    text = f"{FILL}{FILL}".join([LEAK] * 4)
    lines = asked(run, tmp_path, [text], {name: [LEAK + f" {name}"] for name in "abc"})
    hits, cuts = lines(0)
    assert len(hits) == len(cuts) - 1 == min(shown, 4) + (more is not None)
    if more:
        assert hits[-1] == f"... and {more} more" and cuts[-1] == f"... and {more} spans more"
    assert all(" and 1 more items, bytes " in hit for hit in hits[:shown]) and hits[0].startswith("a item ")
