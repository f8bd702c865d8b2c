"""Agreement and kappa: on planted labelers, against plain loops and sklearn's own; people and machines kept apart."""

import math
import random
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from asking import written
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.labels.agreement import Labeler, agreement, agreements, labels_in
from tasks.labels.rate import rate
from tasks.runtime.errors import Mistake

ANN, BOB, RULES = Labeler(True, "ann"), Labeler(True, "bob"), Labeler(False, "rules")


def record(id: str, ranks: list[int], labeler: str = "ann", judge: str | None = "human", **more: Any) -> dict[str, Any]:
    answers = [f"{id} answer {n}" for n in range(len(ranks))]
    return {"id": id, "prompt": "?", "answers": answers, "ranks": ranks, "labeler": labeler, "judge": judge, **more}


def planted(prompts: int, right: float, seed: int, labelers: int = 2) -> list[dict[str, Any]]:
    """Labelers who order each pair of two answers as a coin of theirs says: `right` of the time as the truth is."""
    draw = random.Random(seed)
    return [
        record(f"p{n}", [1, 2] if draw.random() < right else [2, 1], f"person {who}")
        for n in range(prompts)
        for who in range(labelers)
    ]


def test_planted_labelers_agree_as_often_as_they_must(tmp_path: Path) -> None:
    right, prompts = 0.836, 1200  # .836^2 + .164^2 = .726, the paper's
    (found,) = agreements(labels_in([written(tmp_path / "a.jsonl", planted(prompts, right, 1))]), 1)
    expected = right**2 + (1 - right) ** 2
    assert found.agree is not None and found.within is not None
    assert abs(found.agree - expected) < 4 * math.sqrt(expected * (1 - expected) / prompts)
    assert found.within.low < expected < found.within.high and found.apart == found.pairs == prompts
    assert found.kappa == pytest.approx(2 * found.agree - 1, abs=1e-9), "of two outcomes, each half of the time"


def test_the_interval_holds_the_truth_as_often_as_it_says(tmp_path: Path) -> None:
    held = 0
    for seed in range(100):
        labels = labels_in([written(tmp_path / "a.jsonl", planted(80, 0.85, seed))])
        (found,) = agreements(labels, 1)
        held += found.within is not None and found.within.low <= 0.85**2 + 0.15**2 <= found.within.high
    assert held >= 87, "95 of 100, less 3.6 standard deviations"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.lists(st.integers(1, 3), min_size=3, max_size=3)] * 2), min_size=1, max_size=8))
def test_agreement_is_what_plain_loops_count(tmp_path_factory, said) -> None:
    rows = [record(f"p{n}", ranks, who) for n, both in enumerate(said) for who, ranks in zip("ab", both, strict=True)]
    labels = labels_in([written(tmp_path_factory.mktemp("said") / "a.jsonl", rows)])
    (found,) = agreements(labels, 1)
    same = apart = 0
    table = {(x, y): 0 for x in (-1, 0, 1) for y in (-1, 0, 1)}
    for one, other in said:
        for i, j in combinations(range(3), 2):
            x, y = ((ranks[j] > ranks[i]) - (ranks[j] < ranks[i]) for ranks in (one, other))
            apart += x != 0 and y != 0
            same += x == y != 0
            table[x, y] += 1
            table[-x, -y] += 1
    assert (found.pairs, found.apart, found.prompts) == (3 * len(said), apart, len(said))
    assert found.agree == (same / apart if apart else None)
    total = sum(table.values())
    observed = sum(table[x, x] for x in (-1, 0, 1)) / total
    expected = (
        sum(sum(table[x, y] for y in (-1, 0, 1)) * sum(table[y, x] for y in (-1, 0, 1)) for x in (-1, 0, 1)) / total**2
    )
    if expected == 1:
        assert found.kappa is None
    else:
        assert found.kappa == pytest.approx((observed - expected) / (1 - expected), abs=1e-9)


def test_kappa_does_not_depend_on_which_answer_stands_first(tmp_path: Path) -> None:
    rows = [record(f"p{n}", [1, 2] if n % 3 else [2, 1], who) for n in range(9) for who in ("ann",)]
    rows += [record(f"p{n}", [1, 2] if n % 4 else [2, 1], "bob") for n in range(9)]
    turned = [
        row | {"ranks": row["ranks"][::-1], "answers": row["answers"][::-1]} if row["id"] > "p4" else row
        for row in rows
    ]
    one, other = (agreements(labels_in([written(tmp_path / "a.jsonl", each)]), 1)[0].kappa for each in (rows, turned))
    assert one == pytest.approx(other, abs=1e-12)


def test_quality_has_a_kappa_of_its_own(tmp_path: Path) -> None:
    rows = [record(f"p{n}", [1, 2], who, likert=[n % 7 + 1, None]) for n in range(20) for who in ("ann", "bob")]
    rows[0]["likert"] = [4, 4]
    (found,) = agreements(labels_in([written(tmp_path / "a.jsonl", rows)]), 1)
    assert found.rated == 20 and found.quality is not None and 0.9 < found.quality < 1


def test_a_machine_is_never_a_person(tmp_path: Path) -> None:
    """Neither where its name is a person's, nor where a line does not say who ranked."""
    rows = [record("p", [1, 2]), record("p", [1, 2], "bob"), record("p", [2, 1], "rules", "machine")]
    rows += [
        record("p", [1, 2], "ann", "machine"),
        record("p", [1, 2], "carl", None),
        record("q", [2, 1], "carl", "Human"),
    ]
    labels = labels_in([written(tmp_path / "a.jsonl", rows)])
    assert [one.told() for one in sorted(labels, key=lambda one: one.told())] == [
        "ann", "ann (machine)", "bob", "carl (machine)", "rules (machine)",
    ]  # fmt: skip
    found = agreements(labels, 1)
    assert [one.told() for one in found[0].who] == ["ann", "bob"] and found[0].agree == 1
    together = [row for row in found if len(row.who) > 2]
    assert together == [], "two people are one pair"
    rows += [record("p", [1, 2], "dora"), record("p", [2, 1], "emil")]
    found = agreements(labels_in([written(tmp_path / "a.jsonl", rows)]), 1)
    assert [one.told() for one in found[-1].who] == ["ann", "bob", "dora", "emil"]
    assert found[-1].pairs == 6 and found[-1].agree == 0.5
    mixed = {row.who: row.agree for row in found if not all(one.person for one in row.who)}
    assert mixed[ANN, RULES] == 0 and mixed[BOB, RULES] == 0


def test_labels_of_other_answers_are_of_something_else(tmp_path: Path) -> None:
    rows = [record("p", [1, 2]), record("p", [1, 2], "bob") | {"answers": ["x", "y"]}]
    assert agreements(labels_in([written(tmp_path / "a.jsonl", rows)]), 1) == []


def test_where_all_is_equal_nothing_can_be_told(tmp_path: Path) -> None:
    rows = [record("p", [1, 1], who) for who in ("ann", "bob")]
    found = agreement(labels_in([written(tmp_path / "a.jsonl", rows)]), [(ANN, BOB)], 1)
    assert (found.agree, found.within, found.kappa, found.apart, found.pairs) == (None, None, None, 0, 1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ranks": [1]}, r"2 answers need as many ranks, from 1 on; ranks is \[1\]"),
        ({"ranks": [0, 1]}, "from 1 on"),
        ({"ranks": ["1", "2"]}, "from 1 on"),
        ({"answers": "ab"}, "answers is no list of texts"),
        ({"likert": [1, 8]}, "likert has for each answer null or 1 to 7"),
        ({"likert": [1]}, "likert has"),
    ],
)
def test_a_line_that_is_no_comparison_is_named(tmp_path: Path, change, sentence) -> None:
    path = written(tmp_path / "a.jsonl", [record("p", [1, 2]), record("q", [1, 2]) | change])
    with pytest.raises(Mistake, match=rf"a.jsonl:2: .*{sentence}"):
        labels_in([path])
    path.write_text(path.read_text()[:-20])
    with pytest.raises(Mistake, match=r"a.jsonl:2: is not JSON"):
        labels_in([path])


def compared(prompts: int, share: float, seed: int, people: int = 1) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    rows = []
    for n in range(prompts):
        won = draw.random() < share
        for who in range(people):
            models = ["a", "b"] if n % 2 else ["b", "a"]
            ranks = [1, 2] if (models[0] == "a") == won else [2, 1]
            rows.append(record(f"p{n}", ranks, f"person {who}") | {"models": models})
    return rows


def test_a_rate_is_of_the_models_wherever_their_answers_stand() -> None:
    rows = compared(200, 0.7, 3)
    found = rate([*rows, record("q", [1, 2]) | {"models": ["a", "c"]}, record("r", [1, 2])], "a", "b", 1)
    turned = rate(rows, "b", "a", 1)
    assert (found.won, found.lost, found.equal) == (turned.lost, turned.won, 0) and found.won + found.lost == 200
    assert found.value is not None and abs(found.value - 0.7) < 4 * math.sqrt(0.21 / 200)
    assert turned.value == pytest.approx(1 - found.value)
    tied = rate([*rows, record("t", [1, 1]) | {"models": ["a", "b"]}], "a", "b", 1)
    assert tied.equal == 1 and tied.value == pytest.approx((found.won + 0.5) / 201)
    assert rate([], "a", "b", 1).value is None


def test_what_several_say_of_one_prompt_counts_as_one_observation() -> None:
    alone, thrice = (rate(compared(100, 0.6, 4, people), "a", "b", 1) for people in (1, 3))
    assert alone.within is not None and thrice.within is not None and thrice.labelers == 3
    assert alone.value == thrice.value
    widths = [found.within.high - found.within.low for found in (alone, thrice)]  # type: ignore[union-attr]
    assert widths[1] == pytest.approx(widths[0], rel=0.1), "nine times the answers of nobody new tell nothing more"


def test_the_interval_of_a_rate_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(200):
        within = rate(compared(60, 0.71, seed), "a", "b", 1).within
        held += within is not None and within.low <= 0.71 <= within.high
    assert held >= 178, "190 of 200, less 4 standard deviations"
