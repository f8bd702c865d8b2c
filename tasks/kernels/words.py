"""The scans: one way through UTF-8, three definitions of a word, each with its own hash.

Spark's       `Tokenizer`: lower case by Java's tables (final sigma and all), cut at each ASCII white space,
              so that empty words count, except at the end; murmur3, as `HashingTF` has it. See features.py.
the shingle's lower case; anything between Unicode's White_Space; 64 bits.
benchmark's   lower case, without punctuation (general categories P*, and ASCII's $+<=>^`|~), between white
              space; what is punctuation alone is not a word (GPT-3, appendix C: "ignoring punctuation"). 64 bits.

In the last two the lower case of a code point does not depend on its neighbours: a final sigma counts as
any other, so that upper and lower case always meet. Unicode is the 13 of tables.py, in any Python.
Bytes that are not UTF-8 (Arrow does not check) count as U+FFFD and are never read past their row's end.
"""

import numpy as np
from numba import boolean, int64, njit, types, uint32, uint64

from tasks.kernels import tables
from tasks.kernels.tables import BLOCK, DELTA, FLAGS, RECORD

BYTES = types.Array(types.uint8, 1, "C", readonly=True)
PLACES = types.Array(types.int64, 1, "C", readonly=True)

SHINGLE, BENCHMARK = 0, 1  # the word definitions of `next_word`

# Answers of the ASCII tables that are not a lower-cased byte (which is below 128)
_BREAK, _DROP, _WIDE = 255, 254, 253


def _ascii(breaks: bytes, drops: bytes) -> np.ndarray:
    table = np.full(256, _WIDE, np.uint8)
    table[:128] = np.arange(128) + DELTA[RECORD[(int(BLOCK[0]) << 7) + np.arange(128)]]
    table[list(drops)] = _DROP
    table[list(breaks)] = _BREAK
    return table


_PUNCTUATION = bytes(c for c in range(128) if FLAGS[RECORD[(int(BLOCK[0]) << 7) + c]] & tables.PUNCTUATION)
SPARK_ASCII = _ascii(b" \t\n\x0b\f\r", b"")
WORD_ASCII = np.stack([_ascii(b" \t\n\x0b\f\r", b""), _ascii(b" \t\n\x0b\f\r", _PUNCTUATION)])

_SEEDS = np.array([0x243F6A8885A308D3, 0x13198A2E03707344], np.uint64)  # pi's digits
_STEP = np.uint64(0x9E3779B97F4A7C15)
_CHAIN_STEP = np.uint64(0xD1342543DE82EF95)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)
_SPACE = np.uint64(32)


@njit(uint64(uint64), cache=True, nogil=True)
def mix(h):
    """splitmix64's finaliser: a bijection in which each bit of the input moves all of the output."""
    h = (h ^ (h >> _S30)) * _M1
    h = (h ^ (h >> _S27)) * _M2
    return h ^ (h >> _S31)


@njit(types.UniTuple(int64, 2)(BYTES, int64, int64), cache=True, nogil=True)
def decode(data, at, end):
    """The code point at `at` and the place after it."""
    first = int64(data[at])
    if first < 0x80:
        return first, at + 1
    if first < 0xC0 or first > 0xF7:
        return 0xFFFD, at + 1
    size = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if at + size > end:
        return 0xFFFD, at + 1
    code = first & (0x7F >> size)
    for i in range(1, size):
        code = (code << 6) | (int64(data[at + i]) & 0x3F)
    if code > 0x10FFFF:
        return 0xFFFD, at + 1
    return code, at + size


@njit(int64(int64), cache=True, nogil=True)
def record(code):
    """The code point's record number, for DELTA and FLAGS."""
    return int64(RECORD[(int64(BLOCK[code >> 7]) << 7) | (code & 127)])


@njit(types.Tuple((uint64, uint64, int64, int64, int64))(BYTES, int64, int64, int64, uint64), cache=True, nogil=True)
def next_word(data, at, end, kind, chain):
    """The first word of data[at:end] by the definition `kind` (SHINGLE or BENCHMARK).

    Answers (hash, chain, start, stop, next): its hash, a second hash chained through all words so far, the
    bytes from its first code point to the end of its last (inside there may be dropped punctuation), and
    where to go on. start is -1 when there was no word.
    """
    h = _SEEDS[kind]
    start, stop = int64(-1), at
    while at < end:
        b = WORD_ASCII[kind, data[at]]
        if b < 128:
            if start < 0:
                start = at
            while b < 128:  # most bytes of most texts pass here
                h = (h ^ uint64(b)) * _STEP
                chain = (chain ^ uint64(b)) * _CHAIN_STEP
                at += 1
                if at == end:
                    break
                b = WORD_ASCII[kind, data[at]]
            stop = at
        elif b == _BREAK:
            at += 1
            if start >= 0:
                break
        elif b == _DROP:
            at += 1
        else:
            code, after = decode(data, at, end)
            number = record(code)
            flags = FLAGS[number]
            if flags & tables.WHITE:
                at = after
                if start >= 0:
                    break
                continue
            if kind == BENCHMARK and flags & tables.PUNCTUATION:
                at = after
                continue
            if start < 0:
                start = at
            if code == 0x3C2:  # final sigma
                code = 0x3C3
            code += DELTA[number]
            h = (h ^ uint64(code)) * _STEP
            chain = (chain ^ uint64(code)) * _CHAIN_STEP
            if code == 0x69:  # of the non-ASCII, U+0130 alone: its lower case is "i" and a dot above
                h = (h ^ uint64(0x307)) * _STEP
                chain = (chain ^ uint64(0x307)) * _CHAIN_STEP
            at = after
            stop = at
    return mix(h), (chain ^ _SPACE) * _CHAIN_STEP, start, stop, at


# One row per state of the word automaton of java.text.BreakIterator, one column per break class: the state
# after, or END. Rules (the JDK's): {word}(number word)*{number{suffix}} | prefix (number word)*{number{suffix}}, where
# word = let+(mid-word let+)*{danda}, number = digit+(mid-number digit+)*, and a letter or digit carries its
# enclosing marks. From END in WAIT states the boundary lies where the last accepting state was.
_END, _WORD, _WORD_WAIT, _NUMBER, _NUMBER_WAIT, _DANDA, _PREFIX, _OTHER, _START, _SUFFIX = range(10)


def _automaton() -> np.ndarray:
    t = tables
    step = np.full((10, 16), _END, np.uint8)
    step[:, t.IGNORED] = np.arange(10)
    step[_WORD, [t.LETTER, t.ENCLOSING]] = _WORD
    step[_WORD, [t.MID_WORD, t.MID_BOTH, t.FULL_STOP]] = _WORD_WAIT
    step[_WORD, t.DIGIT] = _NUMBER
    step[_WORD, t.DANDA] = _DANDA
    step[_WORD_WAIT, t.LETTER] = _WORD
    step[_NUMBER, [t.DIGIT, t.ENCLOSING]] = _NUMBER
    step[_NUMBER, [t.MID_NUMBER, t.MID_BOTH, t.FULL_STOP]] = _NUMBER_WAIT
    step[_NUMBER, t.LETTER] = _WORD
    step[_NUMBER, t.SUFFIX] = _SUFFIX
    step[_NUMBER_WAIT, t.DIGIT] = _NUMBER
    step[[_DANDA, _PREFIX], t.DIGIT] = _NUMBER
    step[[_PREFIX, _OTHER], t.ENCLOSING] = _OTHER
    step[_START, :12] = _OTHER
    step[_START, t.IGNORED] = _START
    step[_START, t.LETTER] = _WORD
    step[_START, t.DIGIT] = _NUMBER
    step[_START, [t.PREFIX, t.FULL_STOP]] = _PREFIX
    return step


AUTOMATON = _automaton()
# int64s that `final_sigma` keeps between calls: first the start of its row, then those of the stretch looked at:
# start, end, first and last cased place, the automaton's state at the end
SIGMA_MEMO = 6


@njit(boolean(BYTES, int64, int64, types.Array(types.int64, 1, "C")), cache=True, nogil=True)
def final_sigma(data, at, end, memo):
    """Whether Java writes the capital sigma at `at` as a final one (ConditionalSpecialCasing.isFinalCased).

    It does where, within the word that BreakIterator sees around it, something cased stands before and
    nothing cased after. Java looks for the word's ends from inside surrogate pairs, too, where BreakIterator
    loses its way: a supplementary code point that does not open the whole text ends the word behind it. Linear
    in the text however many sigmas there are. `memo`: see `next_token`.
    """
    while memo[2] <= at:
        place, state = memo[2], memo[5]
        memo[1] = place
        memo[3] = memo[4] = first = last = int64(-1)
        while True:
            if place >= end:
                state = _END
            else:
                code, after = decode(data, place, end)
                flags = FLAGS[record(code)]
                state = AUTOMATON[state, flags & tables.BREAK_CLASS]
            if state == _END:
                memo[5] = _START
                break
            if flags & tables.CASED:
                if first < 0:
                    first = place
                last = place
            lost = code > 0xFFFF and place != memo[0]
            place = after
            if lost or (state != _WORD_WAIT and state != _NUMBER_WAIT):
                memo[2], memo[3], memo[4], memo[5] = place, first, last, state
            if lost:
                break
    return memo[3] >= 0 and memo[3] < at and memo[4] <= at


@njit(uint32(uint32, uint32), cache=True, nogil=True)
def _murmur_block(h, k):
    k = uint32(k * uint32(0xCC9E2D51))
    k = uint32((k << 15) | (k >> 17))
    return uint32(h ^ uint32(k * uint32(0x1B873593)))


@njit(uint32(uint32, uint32), cache=True, nogil=True)
def murmur_step(h, k):
    """murmur3_x86_32 takes in four bytes, k."""
    h = _murmur_block(h, k)
    h = uint32((h << 13) | (h >> 19))
    return uint32(h * uint32(5) + uint32(0xE6546B64))


@njit(types.UniTuple(uint32, 3)(uint32, uint32, uint32, uint32), cache=True, nogil=True)
def _murmur_byte(h, k, size, byte):
    """murmur3_x86_32 takes in a byte: h over whole blocks, k the bytes of the block begun, size of all."""
    k = uint32(k | uint32(byte << (8 * (size & 3))))
    size = uint32(size + 1)
    if size & 3 == 0:
        h, k = murmur_step(h, k), uint32(0)
    return h, k, size


@njit(uint32(uint32, uint32, uint32), cache=True, nogil=True)
def murmur_end(h, k, size):
    """murmur3_x86_32 of `size` bytes in all: h over whole blocks, k the bytes after them."""
    h = uint32(_murmur_block(h, k) ^ size)
    h = uint32((h ^ (h >> 16)) * uint32(0x85EBCA6B))
    h = uint32((h ^ (h >> 13)) * uint32(0xC2B2AE35))
    return uint32(h ^ (h >> 16))


@njit(types.UniTuple(uint32, 3)(uint32, uint32, uint32, int64), cache=True, nogil=True)
def _murmur_code(h, k, size, code):
    """Take in a code point's UTF-8."""
    if code < 0x80:
        return _murmur_byte(h, k, size, uint32(code))
    if code < 0x800:
        h, k, size = _murmur_byte(h, k, size, uint32(0xC0 | (code >> 6)))
    else:
        if code < 0x10000:
            h, k, size = _murmur_byte(h, k, size, uint32(0xE0 | (code >> 12)))
        else:
            h, k, size = _murmur_byte(h, k, size, uint32(0xF0 | (code >> 18)))
            h, k, size = _murmur_byte(h, k, size, uint32(0x80 | ((code >> 12) & 0x3F)))
        h, k, size = _murmur_byte(h, k, size, uint32(0x80 | ((code >> 6) & 0x3F)))
    return _murmur_byte(h, k, size, uint32(0x80 | (code & 0x3F)))


@njit(
    types.Tuple((uint32, boolean, int64))(BYTES, int64, int64, types.Array(types.int64, 1, "C")), cache=True, nogil=True
)
def next_token(data, at, end, memo):
    """Spark's next token: (murmur3_x86_32 of its lower-cased UTF-8 with seed 42 as Spark's hashUnsafeBytes2 has
    it, whether it is empty, the place after it).

    The place is that of the ASCII white space that ends the token, or `end`. `memo` has SIGMA_MEMO places, and
    memo[0] is the start of the row.
    """
    h, k, size = uint32(42), uint32(0), uint32(0)
    begin = at
    memo[2] = at
    memo[5] = _START
    while at < end:
        b = SPARK_ASCII[data[at]]
        if b < 128:
            h, k, size = _murmur_byte(h, k, size, uint32(b))
            at += 1
        elif b == _BREAK:
            break
        else:
            code, after = decode(data, at, end)
            if code == 0x3A3:
                code = int64(0x3C2) if final_sigma(data, at, end, memo) else int64(0x3C3)
            else:
                code += DELTA[record(code)]
            h, k, size = _murmur_code(h, k, size, code)
            if code == 0x69:  # as in next_word: U+0130
                h, k, size = _murmur_code(h, k, size, int64(0x307))
            at = after
    return murmur_end(h, k, size), at == begin, at
