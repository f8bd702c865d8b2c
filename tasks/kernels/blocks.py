"""What each block of a page looks like, and what a table of trees says of it.

All arithmetic is of integers, so that a score is the same on every machine.
"""

import numpy as np
from numba import njit, types

from tasks.kernels import tags

NEAR = (1, -1)  # neighbours, by distance
WIDTHS = (3, 8, 20)  # blocks to either side that are summed
FAR = 20  # elements between a block and one that bears a mark; also where there is none
OWN = (
    "length", "words", "link_share", "anchors", "letter_share", "upper_share", "digit_share", "stops", "commas",
    "marks", "word_length", "short_word_share", "capital_word_share", "starts_lower", "ends", "kind", "gap", "in_form",
    "depth", "title",
)  # fmt: skip
SHOWN = ("length", "link_share", "stops", "kind", "ends", "depth")  # of neighbours
SUMMED = ("good", "link_share", "length")
LEVELS = ("base", "parent", "grandparent")
ABOUT = ("good", "good_share", "link_share", "length", "rating")  # of an element with all in it
WHOLE = (
    "position", "good_before", "good_after", "good_total", "good_of_best", "behind_title", "up",
    "down", "same_base_before", "same_base_after",
)  # fmt: skip
FEATURES = (
    *OWN,
    *(f"to_{mark}" for mark in tags.MARKS),
    *(f"{name}@{near:+d}" for near in NEAR for name in SHOWN),
    *(f"{name}{side}{width}" for width in WIDTHS for name in SUMMED for side in "~<>"),
    *(f"{level}_{name}" for level in LEVELS for name in ABOUT),
    *WHOLE,
)
_COLUMNS, _MARKS = len(FEATURES), len(tags.MARKS)
_LEAF = tags.LEAF
_PROPERTIES = tags.PROPERTIES

_TABLE = types.Array(types.int64, 2, "C")
_COUNTS = types.Array(types.int32, 2, "C")
_ROW = types.Array(types.int64, 1, "C")


@njit(_ROW(_ROW), cache=True, nogil=True)
def _sums(values):
    total = np.zeros(len(values) + 1, np.int64)
    for i in range(len(values)):
        total[i + 1] = total[i] + values[i]
    return total


@njit(_ROW(_COUNTS, _COUNTS), cache=True, nogil=True)
def _bases(counts, elements):
    """int64 (m,): the section of each block, which is the innermost element around it but paragraphs and headings."""
    base = np.zeros(len(counts), np.int64)
    for i in range(len(counts)):
        at = counts[i, 17]
        while at > 0 and _PROPERTIES[elements[at, 1]] & _LEAF:
            at = elements[at, 0]
        base[i] = at
    return base


@njit(_TABLE(_COUNTS, _COUNTS, _ROW, _ROW, _ROW), cache=True, nogil=True)
def _ratings(counts, elements, base, good, links):
    """int64 (elements, 7): good text, linked and all text below it; its rating and the best one; steps from the best.

    An element's rating is the good text that is its own and half of that which its children's is, as Readability rates
    the candidates for main content. The columns: good, linked, length, rating, own good, steps up to an element that
    holds the best one too, and steps from there down to the best.
    """
    n, m = len(counts), len(elements)
    below = np.zeros((m, 7), np.int64)
    for i in range(n):
        at = base[i]
        below[at, 0] += good[i]
        below[at, 1] += links[i]
        below[at, 2] += counts[i, 0]
        below[at, 4] += good[i]
    for at in range(m):
        below[at, 3] += below[at, 4]
        if at > 0:
            below[elements[at, 0], 3] += below[at, 4] // 2
    best = 0
    for at in range(m):
        if below[at, 3] > below[best, 3]:
            best = at
    for at in range(m - 1, 0, -1):
        for column in range(3):
            below[elements[at, 0], column] += below[at, column]
    down = np.full(m, -1, np.int64)
    at, steps = best, 0
    while at >= 0:
        down[at] = steps
        at, steps = elements[at, 0], steps + 1
    for at in range(m):
        if down[at] >= 0:
            below[at, 6] = down[at]
        else:  # behind its parent
            below[at, 5] = below[elements[at, 0], 5] + 1
            below[at, 6] = below[elements[at, 0], 6]
    below[0, 4] = below[best, 3]
    return below


@njit(_TABLE(_COUNTS, _COUNTS, types.Array(types.boolean, 1, "C")), cache=True, nogil=True)
def features(counts, elements, title):
    """int64 (m, len(FEATURES)), shares in thousandths.

    Args:
        counts, elements: of markup.scan. title: bool (m,), whether the block is the page's title.
    """
    n, m = len(counts), len(elements)
    x = np.zeros((n, _COLUMNS), np.int64)
    good = np.zeros(n, np.int64)
    base = _bases(counts, elements)
    links = np.zeros(n, np.int64)
    to = np.zeros((m, _MARKS), np.int64)
    to[0] = FAR
    for at in range(1, m):
        for mark in range(_MARKS):
            to[at, mark] = 0 if elements[at, 2] >> mark & 1 else min(FAR, to[elements[at, 0], mark] + 1)
    headline = -1
    for i in range(n):
        c = counts[i]
        length, letters, words = max(1, c[0]), max(1, c[3]), max(1, c[9])
        x[i, 0], x[i, 1], x[i, 2], x[i, 3] = c[0], c[9], c[1] * 1000 // length, c[2]
        x[i, 4], x[i, 5], x[i, 6] = c[3] * 1000 // length, c[4] * 1000 // letters, c[5] * 1000 // length
        x[i, 7], x[i, 8], x[i, 9] = c[6], c[7], c[8]
        x[i, 10], x[i, 11], x[i, 12] = c[0] * 10 // words, c[10] * 1000 // words, c[11] * 1000 // words
        x[i, 13], x[i, 14], x[i, 15], x[i, 16], x[i, 17] = c[12], c[13], c[14], c[15], c[19]
        x[i, 18], x[i, 19] = elements[c[17], 3], title[i]
        x[i, 20 : 20 + _MARKS] = to[c[17]]
        if c[0] > 50 and c[6] + c[7] > 0:
            good[i] = c[0] - c[1]
        if title[i] and headline < 0:
            headline = i
        links[i] = c[1]
    below = _ratings(counts, elements, base, good, links)
    at = 20 + _MARKS
    for near in (1, -1):
        for name in (0, 2, 7, 15, 14, 18):
            for i in range(n):
                x[i, at] = x[i + near, name] if 0 <= i + near < n else -1
            at += 1
    all_good, all_links, all_lengths = _sums(good), _sums(x[:, 2].copy()), _sums(x[:, 0].copy())
    for width in (3, 8, 20):
        for name in range(3):
            total = all_good if name == 0 else all_links if name == 1 else all_lengths
            for i in range(n):
                low, high = max(0, i - width), min(n, i + width + 1)
                x[i, at] = (total[high] - total[low]) // (high - low)
                x[i, at + 1] = (total[i] - total[low]) // max(1, i - low)
                x[i, at + 2] = (total[high] - total[i + 1]) // max(1, high - i - 1)
            at += 3
    whole, rating = max(1, all_good[n]), max(1, below[0, 4])
    best = max(1, good.max()) if n else 1
    for i in range(n):
        element = base[i]
        k = at
        for _ in range(3):
            x[i, k] = below[element, 0]
            x[i, k + 1] = below[element, 0] * 1000 // whole
            x[i, k + 2] = below[element, 1] * 1000 // max(1, below[element, 2])
            x[i, k + 3] = below[element, 2]
            x[i, k + 4] = below[element, 3] * 1000 // rating
            k += 5
            element = max(0, elements[element, 0])
        x[i, k] = i * 1000 // n
        x[i, k + 1] = all_good[i] * 1000 // whole
        x[i, k + 2] = (all_good[n] - all_good[i + 1]) * 1000 // whole
        x[i, k + 3] = all_good[n]
        x[i, k + 4] = good[i] * 1000 // best
        x[i, k + 5] = i - headline if headline >= 0 else -1000
        x[i, k + 6] = below[base[i], 5]
        x[i, k + 7] = below[base[i], 6]
        x[i, k + 8] = i > 0 and base[i - 1] == base[i]
        x[i, k + 9] = i + 1 < n and base[i + 1] == base[i]
    return x


@njit(_ROW(_TABLE, _ROW, _TABLE), cache=True, nogil=True)
def scores(x, roots, nodes):
    """int64 (m,): for each row the sum of the leaves that it reaches, one a tree.

    Args:
        x: of `features`. roots: int64 (trees,), rows of `nodes`.
        nodes: int64 (k, 4): feature, bound, next row where the feature is at most the bound, next row elsewhere; of a
            leaf -1, its value, 0, 0.
    """
    total = np.zeros(len(x), np.int64)
    for i in range(len(x)):
        for root in roots:
            at = root
            while nodes[at, 0] >= 0:
                at = nodes[at, 2] if x[i, nodes[at, 0]] <= nodes[at, 1] else nodes[at, 3]
            total[i] += nodes[at, 1]
    return total


@njit(_ROW(_ROW, _COUNTS, _COUNTS), cache=True, nogil=True)
def smoothed(score, counts, elements):
    """int64 (m,): scores drawn halfway to the mean of their section, so that a block near the bound goes with it.

    Args:
        score: of `scores`. counts, elements: of markup.scan.
    """
    base = _bases(counts, elements)
    total = np.zeros((len(elements), 2), np.int64)
    for i in range(len(score)):
        weight = min(200, types.int64(counts[i, 0])) + 5  # a sentence or more is one voice
        total[base[i], 0] += min(3072, max(-3072, score[i])) * weight  # 3 in the logit: sure
        total[base[i], 1] += weight
    mean = np.empty(len(score), np.int64)
    for i in range(len(score)):
        mean[i] = (score[i] + total[base[i], 0] // total[base[i], 1]) // 2
    return mean
