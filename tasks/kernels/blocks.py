"""Blocks of a page's serialised text (lines, and `<pre>` whole), what each looks like, and what a table of trees says.

Read is the closed grammar that Resiliparse writes as `minimal_html` (tasks/sources/page/main_content.py): text in which
`<` and `&` are escaped, and the tags a, p, h1..h6, ul, ol, li, br, pre. All arithmetic is of integers, so that a score
is the same on every machine.
"""

import unicodedata
from functools import cache

import numpy as np
from numba import njit

LETTER, UPPER, DIGIT, SPACE, STOP, COMMA, MARK, WIDE = 1, 2, 4, 8, 16, 32, 64, 128
STOPS, COMMAS, MARKS = ".!?…。！？．", ",;:—–“”„«»()、，；：「」", "|›>•·/#@©+→←"
CLOSING = '"”“»)。」'  # may follow the sentence's stop
PLAIN, PARAGRAPH, ITEM, HEADING, PREFORMATTED = range(5)  # what a block is
LISTS = 64  # so deep are lists told apart

# Columns of what `scan` counts, and those that others read.
COUNTED = (
    "length", "linked", "anchors", "letters", "uppers", "digits", "stops", "commas", "marks", "words", "short_words",
    "capital_words", "starts_lower", "ends", "kind", "gap", "ordinal",
)  # fmt: skip
LENGTH, LINKED, KIND, GAP, ORDINAL = (COUNTED.index(name) for name in ("length", "linked", "kind", "gap", "ordinal"))
NEAR = (1, 2, -1, -2)  # neighbours, by distance
WIDTHS = (3, 8, 20)  # blocks to either side that are summed
OWN = (
    "length", "words", "link_share", "anchors", "letter_share", "upper_share", "digit_share", "stops", "commas",
    "marks", "word_length", "short_word_share", "capital_word_share", "starts_lower", "ends", "kind", "gap", "main",
    "title",
)  # fmt: skip
SHOWN = ("length", "link_share", "main", "stops", "kind", "digit_share", "ends")  # of neighbours
SUMMED = ("good", "main", "link_share", "length")
WHOLE = (
    "position", "good_before", "good_after", "good_total", "good_of_best", "main_before", "main_share", "index", "left",
    "behind_title",
)  # fmt: skip
FEATURES = (
    *OWN,
    *(f"{name}@{near:+d}" for near in NEAR for name in SHOWN),
    *(f"{name}{side}{width}" for width in WIDTHS for name in SUMMED for side in "~<>"),
    *WHOLE,
)


@cache
def classes() -> np.ndarray:
    """uint8 (65537,): what a code point is; the last stands for all beyond."""
    table = np.zeros(0x10001, np.uint8)
    for code in range(0x10000):
        character = chr(code)
        category = unicodedata.category(character)
        value = LETTER if category[0] == "L" else 0
        value |= UPPER if category == "Lu" else 0
        value |= DIGIT if category == "Nd" else 0
        value |= WIDE if category == "Lo" and unicodedata.east_asian_width(character) == "W" else 0
        table[code] = value
    table[0x10000] = LETTER | WIDE
    for characters, value in ((STOPS, STOP), (COMMAS, COMMA), (MARKS, MARK)):
        table[[ord(character) for character in characters]] |= value
    table[: ord(" ") + 1] = SPACE
    table[[0xA0, 0x3000, 0x200B, 0xFEFF, 0x85]] = SPACE
    table[0x2000:0x200B] = SPACE
    return table


@njit(cache=True, nogil=True)
def scan(codes: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blocks that have something to see.

    Args:
        codes: uint32 (n,), code points. table: `classes()`.

    Returns:
        spans: int64 (m, 2), half-open, tags included. counts: int32 (m, len(COUNTED)). hashes: uint64 (m,) of the
        visible characters.
    """
    n = len(codes)
    capacity = 2
    for i in range(n):
        if codes[i] == 10 or codes[i] == 60:
            capacity += 1
    spans = np.zeros((capacity, 2), np.int64)
    counts = np.zeros((capacity, 17), np.int32)
    hashes = np.zeros(capacity, np.uint64)
    found, start, i = 0, 0, 0
    preformatted, link = False, False
    word, empty = 0, 0
    stopped = 0
    kind, ordinal = 0, 0
    lists = np.zeros(LISTS, np.int64)  # the next number of each open list; 0 where it has bullets
    depth = 0
    hashed = np.uint64(14695981039346656037)
    row = counts[0]
    while i <= n:
        code = codes[i] if i < n else np.uint32(10)
        cut, behind, opens = False, i + 1, False
        if code == 60:  # a tag
            end = i + 1
            while end < n and codes[end] != 62:
                end += 1
            closes = i + 1 < n and codes[i + 1] == 47
            first = codes[i + 1 + closes] if i + 1 + closes < n else np.uint32(0)
            second = codes[i + 2 + closes] if i + 2 + closes < n else np.uint32(0)
            behind = end + 1
            if first == 97:  # a
                link = not closes
                if link:
                    row[2] += 1
            elif first == 112 and second == 114:  # pre
                if closes:
                    preformatted, cut = False, True
                else:
                    cut, opens = True, True
            elif not preformatted and not closes:
                if first == 112:
                    kind = 1
                elif first == 108:
                    kind, ordinal = 2, -1
                    at = min(depth, LISTS) - 1
                    if at >= 0 and lists[at] > 0:
                        ordinal = lists[at]
                        lists[at] += 1
                elif first == 104:
                    kind = 3
            if (first == 111 or first == 117) and second == 108:  # ol, ul
                if closes:
                    depth = max(0, depth - 1)
                else:
                    if depth < LISTS:
                        lists[depth] = 1 if first == 111 else 0
                    depth += 1
            if word > 0:
                row[9] += 1
                row[10] += word <= 3
                word = 0
        elif code == 10 and (not preformatted or i == n):
            cut = True
        if cut:
            if word > 0:
                row[9] += 1
                row[10] += word <= 3
                word = 0
            if opens:
                behind_block = i
            else:
                behind_block = min(n, behind if code == 60 else i)
            if row[0] > 0:
                row[13] = stopped
                row[14] = kind
                row[15] = empty
                row[16] = ordinal
                spans[found, 0] = start
                spans[found, 1] = behind_block
                hashes[found] = hashed
                found += 1
                row = counts[found]
                empty, ordinal = 0, 0
            else:
                row[:] = 0
                if code == 10:
                    empty += 1
            start = i if opens else behind
            kind, stopped = 0, 0
            hashed = np.uint64(14695981039346656037)
            if opens:
                preformatted = True
                kind = 4
            i = behind
            continue
        if code == 60:
            i = behind
            continue
        if code == 38:  # an escape: &lt; &gt; &amp; &quot;
            end = i + 1
            while end < n and end < i + 6 and codes[end] != 59:
                end += 1
            letter = codes[i + 1] if i + 1 < n else np.uint32(0)
            code = np.uint32(38)
            if letter == 108:
                code = np.uint32(60)
            elif letter == 103:
                code = np.uint32(62)
            elif letter == 113:
                code = np.uint32(34)
            i = end + 1
        else:
            i += 1
        what = table[min(code, 65536)]
        if what & 8:  # space
            if word > 0:
                row[9] += 1
                row[10] += word <= 3
                word = 0
            continue
        size = 2 if what & 128 else 1
        if word == 0 and what & 2:
            row[11] += 1
        if row[0] == 0 and what & 1 and not what & 2 and not what & 128:
            row[12] = 1
        word += 1
        row[0] += size
        if link:
            row[1] += size
        row[3] += what & 1
        row[4] += (what >> 1) & 1
        row[5] += (what >> 2) & 1
        row[6] += (what >> 4) & 1
        row[7] += (what >> 5) & 1
        row[8] += (what >> 6) & 1
        if what & 16:
            stopped = 1
        elif code == 58:
            stopped = 2
        elif not (code == 34 or code == 41 or code == 187 or code == 0x201C or code == 0x201D or code == 0x300D):
            stopped = 0
        hashed = (hashed ^ np.uint64(code)) * np.uint64(1099511628211)
    return spans[:found], counts[:found], hashes[:found]


@njit(cache=True, nogil=True)
def _sums(values: np.ndarray) -> np.ndarray:
    total = np.zeros(len(values) + 1, np.int64)
    for i in range(len(values)):
        total[i + 1] = total[i] + values[i]
    return total


@njit(cache=True, nogil=True)
def features(counts: np.ndarray, main: np.ndarray, title: np.ndarray) -> np.ndarray:
    """int64 (m, len(FEATURES)), shares in thousandths.

    Args:
        counts: of `scan`. main, title: bool (m,), whether the block is in the main content, or is the page's title.
    """
    n = len(counts)
    x = np.zeros((n, 93), np.int64)
    good = np.zeros(n, np.int64)
    headline = -1
    for i in range(n):
        c = counts[i]
        length, letters, words = max(1, c[0]), max(1, c[3]), max(1, c[9])
        x[i, 0], x[i, 1], x[i, 2], x[i, 3] = c[0], c[9], c[1] * 1000 // length, c[2]
        x[i, 4], x[i, 5], x[i, 6] = c[3] * 1000 // length, c[4] * 1000 // letters, c[5] * 1000 // length
        x[i, 7], x[i, 8], x[i, 9] = c[6], c[7], c[8]
        x[i, 10], x[i, 11], x[i, 12] = c[0] * 10 // words, c[10] * 1000 // words, c[11] * 1000 // words
        x[i, 13], x[i, 14], x[i, 15], x[i, 16] = c[12], c[13], c[14], c[15]
        x[i, 17], x[i, 18] = main[i], title[i]
        if c[0] > 50 and c[6] + c[7] > 0:
            good[i] = c[0] - c[1]
        if title[i] and headline < 0:
            headline = i
    at = 19
    for near in (1, 2, -1, -2):
        for name in (0, 2, 17, 7, 15, 6, 14):
            for i in range(n):
                x[i, at] = x[i - near, name] if 0 <= i - near < n else -1
            at += 1
    all_good, all_main = _sums(good), _sums(x[:, 17])
    all_links, all_lengths = _sums(x[:, 2]), _sums(x[:, 0])
    for width in (3, 8, 20):
        for name in range(4):
            total = all_good if name == 0 else all_main if name == 1 else all_links if name == 2 else all_lengths
            scale = 1000 if name == 1 else 1
            for i in range(n):
                low, high = max(0, i - width), min(n, i + width + 1)
                x[i, at] = (total[high] - total[low]) * scale // (high - low)
                x[i, at + 1] = (total[i] - total[low]) * scale // max(1, i - low)
                x[i, at + 2] = (total[high] - total[i + 1]) * scale // max(1, high - i - 1)
            at += 3
    best = max(1, good.max()) if n else 1
    for i in range(n):
        whole = max(1, all_good[n])
        x[i, at] = i * 1000 // n
        x[i, at + 1] = all_good[i] * 1000 // whole
        x[i, at + 2] = (all_good[n] - all_good[i + 1]) * 1000 // whole
        x[i, at + 3] = all_good[n]
        x[i, at + 4] = good[i] * 1000 // best
        x[i, at + 5] = all_main[i] * 1000 // max(1, all_main[n])
        x[i, at + 6] = all_main[n] * 1000 // n
        x[i, at + 7] = i
        x[i, at + 8] = n - i
        x[i, at + 9] = i - headline if headline >= 0 else -1000
    return x


@njit(cache=True, nogil=True)
def scores(x: np.ndarray, roots: np.ndarray, nodes: np.ndarray) -> np.ndarray:
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
