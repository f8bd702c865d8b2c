"""Spans joined and verdicts over many documents at once, against a plain twin that takes one after another."""

import random
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.decontaminate.pieces import Spans, Verdicts, joined, verdicts

Span = tuple[int, int, int, int]  # first byte, end byte, first character, end character


def merge(spans: list[Span]) -> list[Span]:
    """Overlapping or touching spans as one, in order."""
    merged: list[Span] = []
    for start, end, begin, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            last_start, last_end, last_begin, last_stop = merged[-1]
            merged[-1] = (last_start, max(last_end, end), last_begin, max(last_stop, stop))
        else:
            merged.append((start, end, begin, stop))
    return merged


def verdict(
    merged: list[Span], size: int, characters: int, shortest: int, pieces: int
) -> tuple[str | None, list[tuple[int, int]]]:
    """Why the document goes (None: it stays), and the byte spans removed from it, short pieces among them."""
    starts = [(0, 0), *((end, stop) for _, end, _, stop in merged)]
    ends = [*((start, begin) for start, _, begin, _ in merged), (size, characters)]
    left = [(a, b, d - c) for (a, c), (b, d) in zip(starts, ends, strict=True) if b > a]
    if len(left) > pieces:
        return "contaminated", [(0, size)]
    kept = [(a, b) for a, b, count in left if count >= shortest]
    if not kept:
        return "short", [(0, size)]
    edges = [0, *(edge for piece in kept for edge in piece), size]
    return None, [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


def columns(documents: list[tuple[int, list[Span]]]) -> Spans:
    """Of (row, spans), sorted as the cuts read them."""
    rows = [(row, start, end, begin, stop) for row, spans in documents for start, end, begin, stop in sorted(spans)]
    return Spans(*np.array(rows, np.int64).reshape(-1, 5).T)


def judged(
    documents: list[tuple[int, list[Span]]], sizes: dict[int, tuple[int, int]], shortest: int, pieces: int
) -> tuple[Spans, Verdicts]:
    merged = joined(columns(documents))
    size = np.array([sizes[row] for row in merged.row.tolist()], np.int64).reshape(-1, 2)
    return merged, verdicts(merged, size[:, 0], size[:, 1], shortest, pieces)


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=8)


@given(st.lists(st.tuples(SPANS, st.integers(0, 60)), max_size=5), st.integers(0, 12), st.integers(1, 4), st.data())
def test_many_documents_at_once_as_one_after_another(given_documents, shortest, pieces, data):
    documents, sizes = [], {}
    for number, (spans, more) in enumerate(given_documents):
        length = max(start + size for start, size in spans) + more
        widths = data.draw(st.lists(st.integers(1, 4), min_size=length, max_size=length))
        byte = [0, *np.cumsum(widths).tolist()]
        row = 3 * number + 1
        documents.append((row, [(byte[at], byte[at + size], at, at + size) for at, size in spans]))
        sizes[row] = (byte[-1], length)
    merged, found = judged(documents, sizes, shortest, pieces)
    expected = {row: merge(spans) for row, spans in documents}
    rows = list(zip(*(column.tolist() for column in merged), strict=True))
    assert rows == [(row, *span) for row, spans in expected.items() for span in spans]
    assert found.row.tolist() == list(expected)
    removed = {row: [(a, b) for _, a, b in group] for row, group in groupby(found.removed.tolist(), lambda one: one[0])}
    for place, (row, spans) in enumerate(expected.items()):
        why = "contaminated" if found.split[place] else "short" if found.short[place] else None
        assert (why, removed.get(row, [])) == verdict(spans, *sizes[row], shortest, pieces)


@given(SPANS, st.integers(0, 60), st.integers(0, 12), st.integers(1, 4))
def test_the_twin_by_characters(spans, more, shortest, pieces):
    """What the twin says, painted character by character."""
    length = max(start + size for start, size in spans) + more
    merged = merge([(at, at + size, at, at + size) for at, size in spans])
    why, gone = verdict(merged, length, length, shortest, pieces)
    stays = [not any(start <= at < start + size for start, size in spans) for at in range(length)]
    runs = [run for run in "".join("x" if stay else " " for stay in stays).split(" ") if run]
    if len(runs) > pieces:
        assert (why, gone) == ("contaminated", [(0, length)])
    elif not any(len(run) >= shortest for run in runs):
        assert (why, gone) == ("short", [(0, length)])
    else:
        at = 0
        for run in runs:  # short ones go too
            at = "".join("x" if stay else " " for stay in stays).index(run, at)
            if len(run) < shortest:
                stays[at : at + len(run)] = [False] * len(run)
            at += len(run)
        removed = [any(start <= at < end for start, end in gone) for at in range(length)]
        assert why is None and removed == [not stay for stay in stays]


def test_nothing_at_all():
    merged, found = judged([], {}, 200, 10)
    assert len(merged.row) == len(found.row) == len(found.removed) == 0


@pytest.mark.parametrize(("touching", "expected"), [(0, [(0, 20)]), (1, [(0, 10), (11, 20)])])
def test_spans_that_touch_are_one(touching, expected):
    merged, _ = judged([(0, [(0, 10, 0, 10), (10 + touching, 20, 10 + touching, 20)])], {0: (30, 30)}, 0, 10)
    assert list(zip(merged.start.tolist(), merged.end.tolist(), strict=True)) == expected


def test_a_long_span_before_a_short_one_reaches_the_next():
    merged, _ = judged([(7, [(0, 50, 0, 50), (1, 5, 1, 5), (40, 60, 40, 60)])], {7: (99, 99)}, 0, 10)
    assert (merged.start.tolist(), merged.end.tolist()) == ([0], [60])


def test_forty_thousand_documents_cost_what_their_spans_cost():
    """The old way took half a minute for as many, which this would show as a test that does not end."""
    draw = random.Random(1)
    starts = [draw.randrange(1000) for _ in range(40_000)]
    documents = [
        (row, [(at, at + 80, at, at + 80), (at + 500, at + 580, at + 500, at + 580)]) for row, at in enumerate(starts)
    ]
    merged, found = judged(documents, {row: (5000, 5000) for row in range(40_000)}, 200, 10)
    assert len(merged.row) == 80_000 and not found.split.any() and not found.short.any()
    assert found.removed[:, 0].tolist() == sorted(found.removed[:, 0].tolist())
