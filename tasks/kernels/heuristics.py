"""What Gopher's and C4's rules ask of a text, as counts (Rae et al. 2021, appendix A.1.1; Raffel et al. 2020, 2.2).

A word is what stands between white space, as in both papers; a character is a code point that is no white space, and of
these alone are all shares of characters, so that none can pass 1. A line that holds no word is no line; it ends a
paragraph. Words, lines and paragraphs are the same where their code points are (their 64-bit hashes, to be exact).

What occurs twice is looked for among a million words (lines, paragraphs) at a time, which bounds the memory for a text
of any length; Gopher's own rules refuse one of more than 100,000.
"""

import numpy as np
import pyarrow as pa
from numba import int64, njit, types, uint64

from tasks.kernels import tables
from tasks.kernels.buffers import buffers
from tasks.kernels.phrases import automaton
from tasks.kernels.tables import FLAGS
from tasks.kernels.words import BYTES, PLACES, decode, mix, record

COLUMNS = (
    "characters", "words", "alphabetic_words", "stop_words", "hashes", "ellipses", "curly_brackets", "lorem_ipsum",
    "lines", "bullet_lines", "ellipsis_lines", "terminal_lines", "short_lines", "javascript_lines", "policy_lines",
    "sentences", "whole_sentences", "duplicate_lines", "duplicate_line_characters", "paragraphs",
    "duplicate_paragraphs", "duplicate_paragraph_characters", "top_2grams", "top_3grams", "top_4grams",
    "repeated_5grams", "repeated_6grams", "repeated_7grams", "repeated_8grams", "repeated_9grams", "repeated_10grams",
)  # fmt: skip
(
    _CHARACTERS, _WORDS, _ALPHABETIC, _STOP_WORDS, _HASHES, _ELLIPSES, _CURLY, _LOREM,
    _LINES, _BULLET, _ELLIPSIS_LINES, _TERMINAL, _SHORT, _JAVASCRIPT, _POLICY,
    _SENTENCES, _WHOLE, _SAME_LINES, _SAME_LINE_CHARACTERS, _PARAGRAPHS,
    _SAME_PARAGRAPHS, _SAME_PARAGRAPH_CHARACTERS, _TOP, _, _,
    _REPEATED, _, _, _, _, _,
) = range(len(COLUMNS))  # fmt: skip

SHORTEST_LINE = 5  # words, of a line that C4 keeps
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")  # Gopher's eight
JAVASCRIPT = ("javascript",)
LOREM = ("lorem ipsum",)
# The lines of policies that C4's published code leaves out (tensorflow_datasets, text/c4_utils.py).
POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
BULLETS = "•‣◦⁃▪▫■□●○▶►·-*–"
STOPS = ".!?。！？…"  # end a sentence
CLOSING = "\"'”’»)]}」』）"  # may stand behind a stop
QUOTES = '"”'  # end a line as a stop does (C4: "or an end quotation mark")

WINDOW = 1 << 20
_STEP = np.uint64(0x9E3779B97F4A7C15)
_SEED = np.uint64(0x452821E638D01377)  # pi's digits
_WORDS_OF = types.Array(types.uint64, 1, "C")
_SIZES = types.Array(types.int64, 1, "C")
_TABLE = types.Array(types.uint64, 1, "C")
_COUNTS = types.Array(types.int64, 1, "C")

_PHRASES = automaton([LOREM, JAVASCRIPT, POLICIES])
_IS_LOREM, _IS_JAVASCRIPT, _IS_POLICY = 1, 2, 4
_PACKED = np.array([int.from_bytes(word.encode(), "big") for word in STOP_WORDS], np.int64)

# What a code point below 0x10000 is, beside its Unicode flags.
_BULLET_MARK, _STOP_MARK, _CLOSING_MARK, _QUOTE_MARK = 1, 2, 4, 8
_MARKS = np.zeros(1 << 16, np.uint8)
for _bit, _of in ((_BULLET_MARK, BULLETS), (_STOP_MARK, STOPS), (_CLOSING_MARK, CLOSING), (_QUOTE_MARK, QUOTES)):
    _MARKS[[ord(mark) for mark in _of]] |= _bit


@njit(types.UniTuple(int64, 2)(_TABLE, _COUNTS, int64, int64, uint64), cache=True, nogil=True)
def _slot(keys, stamps, mask, stamp, key):
    """Where a key is in a table of open addresses, and 1 if it was there before. Another stamp is an empty table."""
    place = int64(mix(key) & uint64(mask))
    while stamps[place] == stamp:
        if keys[place] == key:
            return place, 1
        place = int64((place + 1) & mask)
    stamps[place] = stamp
    keys[place] = key
    return place, 0


@njit(int64(int64), cache=True, nogil=True)
def _mask(count):
    size = int64(16)
    while size < 2 * count:
        size = int64(size * 2)
    return size - 1


@njit(types.UniTuple(int64, 2)(_WORDS_OF, _SIZES, int64, _TABLE, _COUNTS, int64), cache=True, nogil=True)
def _same(hashes, sizes, count, keys, stamps, stamp):
    """How many of the first `count` hashes stood before, and the characters of those."""
    again = characters = int64(0)
    mask = _mask(count)
    for i in range(count):
        _, known = _slot(keys, stamps, mask, stamp, hashes[i])
        if known:
            again += 1
            characters += sizes[i]
    return again, characters


@njit(
    int64(
        _WORDS_OF, _SIZES, int64, _TABLE, _COUNTS, _COUNTS, _COUNTS, _WORDS_OF, int64,
        types.Array(types.int64, 1, "C"),
    ),
    cache=True, nogil=True,
)  # fmt: skip
def _grams(hashes, sizes, words, keys, stamps, often, slots, grams, stamp, out):
    """Add to `out` the characters of the most frequent 2, 3 and 4-grams, and of repeated 5 to 10-grams.

    sizes: a word's characters; they are summed up in place, so that a gram's are a difference. Answers the next stamp.
    A gram of n + 1 words that occurs twice holds one of n words that does: without one of these nothing longer is
    looked for.
    """
    total = int64(0)
    for i in range(words):
        size = sizes[i]
        sizes[i] = total
        total += size
    sizes[words] = total
    mask = _mask(words)
    for i in range(words):
        grams[i] = hashes[i]
    for n in range(2, 11):
        count = words - n + 1
        if count < 2:
            break
        repeated = covered = most = length = int64(0)
        chosen = int64(-1)
        until = 0
        for i in range(count):
            grams[i] = grams[i] * _STEP + hashes[i + n - 1]
            place, known = _slot(keys, stamps, mask, stamp, grams[i])
            if n <= 4:
                slots[i] = place
                if not known:
                    often[place] = 0
                often[place] += 1
            if known:
                repeated += 1
                if n > 4:
                    covered += sizes[i + n] - sizes[max(i, until)]
                    until = i + n
        stamp += 1
        if repeated == 0:
            break
        if n > 4:
            out[_REPEATED + n - 5] += covered
            continue
        for i in range(count):
            times = often[slots[i]]
            if times > 1 and times >= most:
                wide = sizes[i + n] - sizes[i]
                if times > most or wide > length:
                    most, length, chosen = times, wide, slots[i]
        for i in range(count):
            if slots[i] == chosen:
                covered += sizes[i + n] - sizes[max(i, until)]
                until = i + n
        out[_TOP + n - 2] += covered
    return stamp


@njit(
    types.void(
        BYTES, PLACES, PLACES, types.Array(types.uint16, 2, "C", readonly=True),
        types.Array(types.uint8, 1, "C", readonly=True), int64, types.Array(types.int64, 2, "C"),
    ),
    cache=True, nogil=True,
)  # fmt: skip
def _count(data, starts, ends, step, found, window, counts):
    """Fill counts (rows, COLUMNS)."""
    longest = int64(0)
    for row in range(len(starts)):
        longest = max(longest, ends[row] - starts[row])
    room = min(window, longest // 2 + 1)  # a word has a byte, and one of white space behind it
    table = _mask(room) + 1
    keys, stamps, often = np.empty(table, np.uint64), np.zeros(table, np.int64), np.empty(table, np.int64)
    slots, grams = np.empty(room, np.int64), np.empty(room, np.uint64)
    word_hashes, word_sizes = np.empty(room, np.uint64), np.empty(room + 1, np.int64)
    line_hashes, line_sizes = np.empty(room, np.uint64), np.empty(room, np.int64)
    part_hashes, part_sizes = np.empty(room, np.uint64), np.empty(room, np.int64)
    stamp = int64(1)
    for row in range(len(starts)):
        at, end = starts[row], ends[row]
        out = counts[row]
        words_held = lines_held = parts_held = int64(0)
        state = int64(0)
        dots = trail = 0  # of an ellipsis begun, and of the run of full stops that ends here
        seen_stop_words = int64(0)
        # the word
        h, size = _SEED, int64(0)
        alphabetic = stopped = False
        packed, letters, closed, broken = int64(0), 0, False, False
        last = int64(0)
        # the line
        line_hash, line_size, line_words, line_sentences = _SEED, int64(0), int64(0), int64(0)
        bullet = javascript = policy = ellipsis = terminal = False
        # the paragraph
        part_hash, part_size, part_lines = _SEED, int64(0), int64(0)
        while at <= end:
            if at == end:
                code, at, white, letter = int64(10), at + 1, True, False
            else:
                byte = data[at]
                state = int64(step[state, byte])
                if byte < 0x80:
                    code, at = int64(byte), at + 1
                    white = code == 32 or (code >= 9 and code <= 13)
                    letter = (code | 32) >= 97 and (code | 32) <= 122
                else:
                    code, after = decode(data, at, end)
                    for place in range(at + 1, after):
                        state = int64(step[state, data[place]])
                    at = after
                    flags = FLAGS[record(code)]
                    white = bool(flags & tables.WHITE)
                    letter = bool(flags & tables.BREAK_CLASS == tables.LETTER)
                if found[state]:
                    if found[state] & _IS_LOREM:
                        out[_LOREM] += 1
                    javascript |= bool(found[state] & _IS_JAVASCRIPT)
                    policy |= bool(found[state] & _IS_POLICY)
            if not white:
                mark = _MARKS[code] if code < 0x10000 else 0
                if line_words == 0 and size == 0:
                    bullet = bool(mark & _BULLET_MARK)
                h = (h ^ uint64(code)) * _STEP
                size += 1
                last = code
                if letter:
                    alphabetic = True
                    if code < 0x80 and not closed:
                        packed = (packed << 8) | (code | 32)
                        letters += 1
                        broken |= letters > 4
                    else:
                        broken = True
                else:
                    closed = letters > 0
                    broken |= bool(code >= 48 and code <= 57)
                if mark & _STOP_MARK:
                    stopped = True
                elif not mark & _CLOSING_MARK:
                    stopped = False
                if code == 46:
                    trail += 1
                    dots += 1
                    if dots == 3:
                        out[_ELLIPSES] += 1
                        dots = 0
                else:
                    trail = dots = 0
                    if code == 0x2026:
                        out[_ELLIPSES] += 1
                    elif code == 35:
                        out[_HASHES] += 1
                    elif code == 123 or code == 125:
                        out[_CURLY] += 1
                continue
            if size > 0:
                out[_WORDS] += 1
                out[_CHARACTERS] += size
                out[_ALPHABETIC] += alphabetic
                if letters > 1 and not broken:
                    for i in range(len(_PACKED)):
                        if _PACKED[i] == packed:
                            seen_stop_words |= 1 << i
                h = mix(h)
                word_hashes[words_held], word_sizes[words_held] = h, size
                words_held += 1
                if words_held == room:
                    stamp = _grams(word_hashes, word_sizes, words_held, keys, stamps, often, slots, grams, stamp, out)
                    words_held = int64(0)
                line_hash = line_hash * _STEP + h
                line_size += size
                line_words += 1
                line_sentences += stopped
                ellipsis = bool(trail >= 3 or last == 0x2026)
                closing = _MARKS[last] if last < 0x10000 else 0
                terminal = bool(closing & (_STOP_MARK | _QUOTE_MARK)) and not ellipsis
                h, size = _SEED, int64(0)
                alphabetic = stopped = closed = broken = False
                packed, letters = int64(0), 0
            trail = dots = 0
            if code != 10:
                continue
            if line_words > 0:
                out[_LINES] += 1
                out[_BULLET] += bullet
                out[_ELLIPSIS_LINES] += ellipsis
                out[_TERMINAL] += terminal
                out[_SHORT] += line_words < SHORTEST_LINE
                out[_JAVASCRIPT] += javascript
                out[_POLICY] += policy
                out[_SENTENCES] += line_sentences
                if terminal and line_words >= SHORTEST_LINE and not javascript and not policy:
                    out[_WHOLE] += line_sentences
                line_hashes[lines_held], line_sizes[lines_held] = line_hash, line_size
                lines_held += 1
                if lines_held == room:
                    again, characters = _same(line_hashes, line_sizes, lines_held, keys, stamps, stamp)
                    out[_SAME_LINES] += again
                    out[_SAME_LINE_CHARACTERS] += characters
                    stamp += 1
                    lines_held = int64(0)
                part_hash = part_hash * _STEP + mix(line_hash)
                part_size += line_size
                part_lines += 1
            if part_lines > 0 and (line_words == 0 or at > end):
                out[_PARAGRAPHS] += 1
                part_hashes[parts_held], part_sizes[parts_held] = part_hash, part_size
                parts_held += 1
                if parts_held == room:
                    again, characters = _same(part_hashes, part_sizes, parts_held, keys, stamps, stamp)
                    out[_SAME_PARAGRAPHS] += again
                    out[_SAME_PARAGRAPH_CHARACTERS] += characters
                    stamp += 1
                    parts_held = int64(0)
                part_hash, part_size, part_lines = _SEED, int64(0), int64(0)
            line_hash, line_size, line_words, line_sentences = _SEED, int64(0), int64(0), int64(0)
            bullet = javascript = policy = ellipsis = terminal = False
        while seen_stop_words:
            out[_STOP_WORDS] += seen_stop_words & 1
            seen_stop_words >>= 1
        stamp = _grams(word_hashes, word_sizes, words_held, keys, stamps, often, slots, grams, stamp, out)
        again, characters = _same(line_hashes, line_sizes, lines_held, keys, stamps, stamp)
        out[_SAME_LINES] += again
        out[_SAME_LINE_CHARACTERS] += characters
        stamp += 1
        again, characters = _same(part_hashes, part_sizes, parts_held, keys, stamps, stamp)
        out[_SAME_PARAGRAPHS] += again
        out[_SAME_PARAGRAPH_CHARACTERS] += characters
        stamp += 1


def counts_of(text: pa.Array | pa.ChunkedArray, window: int = WINDOW) -> np.ndarray:
    """int64 (rows, len(COLUMNS)): each row's counts; what they mean stands in tasks/quality/heuristics.py.

    `window`: among how many words, lines or paragraphs repeated ones are looked for.
    """
    data, starts, ends = buffers(text)
    counts = np.zeros((len(starts), len(COLUMNS)), np.int64)
    _count(data, starts, ends, *_PHRASES, window, counts)
    return counts
