"""Counts of Gopher's and C4's rules, against their plain twin."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.kernels.heuristics import COLUMNS, counts_of
from tasks.kernels.phrases import automaton

from . import heuristics_twin as twin
from .strategies import TEXTS

# What the rules look at, in few enough kinds that words, lines and paragraphs repeat.
PARTS = st.sampled_from(
    [
        *(
            "a",
            "b",
            "the",
            "The,",
            "with",
            "“have”",
            "x.",
            "y!",
            "...",
            "….",
            "…",
            "a....",
            "#",
            "- ",
            "• ",
            "* ",
            "7",
            "é",
        ),
        *("{", "}", "lorem ipsum", "Lorem  ipsum", "JavaScript", "Terms of use", "use cookies", "terms of", 'z."', "”"),
        *("\n", "\n", "\n\n", "\n \n", "\u2003", "漢字。", "\x1c"),
    ]
)
MADE = st.lists(st.tuples(PARTS, st.sampled_from([" ", " ", " ", ""])), max_size=60).map(
    lambda parts: "".join(part + behind for part, behind in parts)
)
FEW = st.lists(st.sampled_from("ab"), max_size=60).map(" ".join)


def rows(texts: list[str | None], window: int = 1 << 20) -> list[dict[str, int]]:
    counts = counts_of(pa.array(texts, pa.large_string()), window)
    return [dict(zip(COLUMNS, row, strict=True)) for row in counts.tolist()]


@given(st.one_of(TEXTS, st.lists(st.one_of(MADE, FEW), max_size=4)))
def test_counts(texts: list[str | None]) -> None:
    assert rows(texts) == [twin.counts(text or "") for text in texts]


@given(st.lists(MADE, min_size=1, max_size=4), st.integers(1, 60))
def test_what_is_no_repetition_is_the_same_for_any_window(texts: list[str], window: int) -> None:
    for small, whole in zip(rows(texts, window), rows(texts), strict=True):
        for name, count in whole.items():
            repeats = name.startswith(("duplicate", "repeated", "top"))
            assert small[name] <= count if repeats and "top" not in name else repeats or small[name] == count


def test_a_window_forgets_what_stood_before_it() -> None:
    text = "one two three\nfour five six\none two three\nfour five six\n"
    assert rows([text])[0]["duplicate_lines"] == 2
    assert rows([text], 2)[0]["duplicate_lines"] == 0
    assert rows([text], 3)[0]["duplicate_lines"] == 1


def test_by_hand() -> None:
    text = (
        "The cat sat with the cat, that sat.\n"
        "• a b\n"
        "more...\n"
        "\n"
        "The cat sat with the cat, that sat.\n"
    )  # fmt: skip
    counted = rows([text])[0]
    assert {name: count for name, count in counted.items() if count} == {
        "characters": 66, "words": 20, "alphabetic_words": 19, "stop_words": 3, "ellipses": 1,
        "lines": 4, "bullet_lines": 1, "ellipsis_lines": 1, "terminal_lines": 2, "short_lines": 2,
        "sentences": 3, "whole_sentences": 2, "duplicate_lines": 1, "duplicate_line_characters": 28,
        "paragraphs": 2, "top_2grams": 16, "top_3grams": 24, "top_4grams": 30,
        **{f"repeated_{n}grams": 28 for n in (5, 6, 7, 8)},
    }  # fmt: skip


def test_overlapping_grams_count_their_characters_once() -> None:
    counted = rows(["aa " * 100])[0]
    assert counted["characters"] == counted["top_2grams"] == counted["top_4grams"] == 200
    assert counted["repeated_5grams"] == 198  # all but the first word stand in a gram that was there before


def test_a_row_says_the_same_whatever_stands_beside_it() -> None:
    texts = [f"{'a b ' * n} {n} terms of\nuse javascript\n\nx y z{n % 3}" for n in range(30)]
    assert rows(texts) == [rows([text])[0] for text in texts]


def test_long_texts_take_linear_time() -> None:
    texts = ["x\n" * 1_500_000, ". " * 1_500_000, "#" * 3_000_000, "a b c d e f g h i j k l " * 200_000]
    counted = rows(texts)
    assert [row["words"] for row in counted] == [1_500_000, 1_500_000, 1, 2_400_000]
    assert counted[0]["duplicate_lines"] == 1_499_998, "two windows"


def test_phrases_within_phrases_are_all_found() -> None:
    step, found = automaton([["abcd"], ["bc", "c"], ["é"]])
    state, seen = 0, []
    for byte in "xABcdé".encode():
        state = step[state, byte]
        seen.append(int(found[state]))
    assert seen == [0, 0, 0, 2, 1, 0, 4]


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="none is empty"):
        automaton([[""]])
    with pytest.raises(ValueError, match="65,535"):
        automaton([["a" * 70_000]])
