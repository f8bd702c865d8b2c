"""The scans: one way through UTF-8, two definitions of a word, each with its own hash.

Spark's       `Tokenizer`: lower case by Java's tables (final sigma and all), cut at each ASCII white space,
              so that empty words count, except at the end; murmur3, as `HashingTF` has it. See features.py.
comparison's  what shingles, benchmark grams and exact hashes are of: folded, without punctuation; docs/words.md says
              it, comparison.py is its plain twin, folds.py the table. 64 bits a word, 64 more chained.

Unicode is the 13 of tables.py and folds.py, in any Python. Bytes that are not UTF-8 (Arrow does not check) count as
U+FFFD and are never read past their row's end.
"""

import numpy as np
from numba import boolean, int64, types, uint32, uint64

from tasks.kernels import folds, tables
from tasks.kernels.folds import BLOCK as FOLD_BLOCK
from tasks.kernels.folds import PARTS, SEVERAL, VALUE
from tasks.kernels.kernel import kernel
from tasks.kernels.tables import BLOCK, DELTA, FLAGS, RECORD

BYTES = types.Array(types.uint8, 1, "C", readonly=True)
PLACES = types.Array(types.int64, 1, "C", readonly=True)

# Answers of the ASCII table that are not a lower-cased byte (which is below 128)
_BREAK, _WIDE = 255, 253


def _ascii(breaks: bytes) -> np.ndarray:
    table = np.full(256, _WIDE, np.uint8)
    table[:128] = np.arange(128) + DELTA[RECORD[(int(BLOCK[0]) << 7) + np.arange(128)]]
    table[list(breaks)] = _BREAK
    return table


SPARK_ASCII = _ascii(b" \t\n\x0b\f\r")

_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)


@kernel(uint64(uint64))
def mix(h):
    """splitmix64's finaliser: a bijection in which each bit of the input moves all of the output."""
    h = (h ^ (h >> _S30)) * _M1
    h = (h ^ (h >> _S27)) * _M2
    return h ^ (h >> _S31)


@kernel(types.UniTuple(int64, 2)(BYTES, int64, int64))
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


@kernel(int64(int64))
def record(code):
    """The code point's record number, for DELTA and FLAGS."""
    return int64(RECORD[(int64(BLOCK[code >> 7]) << 7) | (code & 127)])


# ---- the words of all comparison

# States: outside a word; in one, behind a letter, a digit, or a letter of a script without spaces; behind an
# apostrophe that belongs to the word if a letter follows; behind a hyphen and blanks, with which it goes on if a line
# end and a letter follow; behind a soft hyphen; behind that line end.
_OUT, _IN_LETTERS, _IN_DIGITS, _IN_ALONE, _QUOTED, _HYPHENED, _SOFTENED, _BROKEN = range(8)
_CLOSE, _OPEN, _TAKE, _NEXT = 16, 32, 64, 15  # what a step does, in this order, and the state after it


def _word_steps() -> np.ndarray:
    """By state and class of folds.py."""
    f = folds
    step = np.zeros((8, 16), np.uint8)
    step[1:, :] = _CLOSE | _OUT
    for state in range(8):
        close = 0 if state == _OUT else _CLOSE
        for kind, after in ((f.LETTER, _IN_LETTERS), (f.DIGIT, _IN_DIGITS)):
            step[state, kind] = close | _OPEN | _TAKE | after
        step[state, f.ALONE] = close | _OPEN | _TAKE | _IN_ALONE
        step[state, [f.GONE, f.SOFT]] = state
    for state in (_IN_LETTERS, _IN_DIGITS, _SOFTENED):
        step[state, f.LETTER] = _TAKE | _IN_LETTERS
        step[state, f.DIGIT] = _TAKE | _IN_DIGITS
        step[state, f.APOSTROPHE] = _QUOTED
    step[[_IN_LETTERS, _SOFTENED], f.MARK] = _TAKE | _IN_LETTERS
    step[_IN_DIGITS, f.MARK] = _TAKE | _IN_DIGITS
    step[_IN_ALONE, f.MARK] = _TAKE | _IN_ALONE
    step[_IN_LETTERS, f.SOFT] = _SOFTENED
    step[[_IN_LETTERS, _SOFTENED], f.HYPHEN] = _HYPHENED
    step[[_SOFTENED, _HYPHENED], f.BLANK] = _HYPHENED
    step[[_SOFTENED, _HYPHENED], f.LINE] = _BROKEN
    step[_BROKEN, f.BLANK] = _BROKEN
    step[[_QUOTED, _BROKEN], f.LETTER] = _TAKE | _IN_LETTERS
    return step


WORD_STEPS = _word_steps()
MOST_WORDS = 8  # at least the words that one code point folds to (tested), and the word that it ends

_SEED, _CHAINED = np.uint64(0x13198A2E03707344), np.uint64(0x243F6A8885A308D3)  # pi's digits
_WORD_STEP = np.uint64(0xD1342543DE82EF95)
_ZERO, _ONE, _2, _3, _7, _8 = (np.uint64(number) for number in (0, 1, 2, 3, 7, 8))
_14, _16, _24, _56, _63, _64 = (np.uint64(number) for number in (14, 16, 24, 56, 63, 64))
_LOW7, _MARKED = np.uint64(0x7F), np.uint64(0x808080)
# Eight bytes at once, of which those below 128 are looked at: added to a byte, the high bit says "at least"
_EVERY = 0x0101010101010101
_FIRST = np.uint64(0x80)
_HIGH, _LOW, _CASE = np.uint64(0x80 * _EVERY), np.uint64(0x7F * _EVERY), np.uint64(0x20 * _EVERY)
_FROM_A, _BEYOND_Z = np.uint64((0x80 - ord("a")) * _EVERY), np.uint64((0x7F - ord("z")) * _EVERY)
_FROM_0, _BEYOND_9 = np.uint64((0x80 - ord("0")) * _EVERY), np.uint64((0x7F - ord("9")) * _EVERY)
_PLACE = np.uint64(0x0001020304050607)  # times 1 << 8n: n in the highest byte


@kernel(types.UniTuple(uint64, 4)(uint64, uint64, uint64, uint64, uint64, uint64))
def _take(h, chain, block, filled, more, bits):
    """Append `bits` bits of `more` to a word: eight bytes make a block, which enters both hashes when a ninth comes."""
    if filled + bits <= _64 and filled < _64:
        return h, chain, block | (more << filled), filled + bits
    if filled < _64:
        block |= more << filled
        more >>= _64 - filled
        bits -= _64 - filled
    return mix(h ^ block), mix(chain ^ block), more, bits


@kernel(
    types.Tuple((int64, int64, uint64))(
        BYTES, int64, int64, types.Array(types.uint64, 1, "C"), types.Array(types.int64, 1, "C"),
        types.Array(types.int64, 1, "C"), uint64,
    ),
)  # fmt: skip
def fill_words(data, at, end, hashes, starts, stops, chain):
    """The first words of data[at:end] for comparison (docs/words.md), as many as the arrays hold.

    Args:
        at: a row's start, or where the call before stopped: memory does not grow with the row.
        hashes: to be filled with a hash of each word; of more than MOST_WORDS places, as are the two after it.
        starts, stops: to be filled with each word's bytes, half open, from its first code point to the end of its
            last; a code point that folds to several words is the span of each.
        chain: 0 at a row's start, then the answer of the call before.

    Returns:
        (words filled in, where to go on: `end` when there are no more, and a second hash, of all words so far).
    """
    room = len(hashes) - MOST_WORDS
    count = place = 0
    state = _OUT
    h, block, filled = _SEED, _ZERO, _ZERO
    start = stop = at
    quick = end - 8  # the last place with eight bytes
    while at < end:
        if state <= _IN_DIGITS and at <= quick:
            eight = _ZERO
            for i in range(8):
                eight |= uint64(data[uint64(at + i)]) << uint64(8 * i)
            low = eight & _LOW
            lower = low | _CASE
            alpha = (lower + _FROM_A) & ~(lower + _BEYOND_Z)
            digit = (low + _FROM_0) & ~(low + _BEYOND_9)
            word = (alpha | digit) & ~eight & _HIGH
            if word & _FIRST:
                if state == _OUT:
                    if count > room:
                        return count, at, chain
                    start = at
                folded = low | ((alpha & _HIGH) >> _2)
                rest = word ^ _HIGH
                if rest == _ZERO:
                    h, chain, block, filled = _take(h, chain, block, filled, folded, _64)
                    at += 8
                    stop = at
                    state = _IN_DIGITS if digit >> _63 else _IN_LETTERS
                    continue
                first = (rest & (_ZERO - rest)) >> _7
                size = (first * _PLACE) >> _56
                h, chain, block, filled = _take(h, chain, block, filled, folded & (first - _ONE), size << _3)
                at += int64(size)
                stop = at
                state = _IN_DIGITS if digit & (first >> _ONE) else _IN_LETTERS
        here = at
        code, at = decode(data, at, end)
        value = int64(VALUE[(int64(FOLD_BLOCK[code >> 7]) << 7) | (code & 127)])
        kind, into, number = value & 15, code + (value >> 4), 1
        if kind == SEVERAL:
            place = value >> 4
            number = int64(PARTS[place])
        for i in range(number):
            if value & 15 == SEVERAL:
                part = int64(PARTS[place + 1 + i])
                kind, into = part & 15, part >> 4
            step = int64(WORD_STEPS[state, kind])
            if step & _CLOSE:
                hashes[count], starts[count], stops[count] = mix(h ^ block), start, stop
                count += 1
                chain = mix(chain ^ block) * _WORD_STEP + _CHAINED
                h, block, filled = _SEED, _ZERO, _ZERO
            if step & _OPEN:
                if i == 0 and count > room:
                    return count, here, chain
                start = here
            if step & _TAKE:
                if into < 128:
                    h, chain, block, filled = _take(h, chain, block, filled, uint64(into), _8)
                else:  # three bytes of seven bits, which no ASCII byte is equal to
                    wide = uint64(into)
                    wide = (wide & _LOW7) | ((wide >> _7 & _LOW7) << _8) | (wide >> _14 << _16) | _MARKED
                    h, chain, block, filled = _take(h, chain, block, filled, wide, _24)
                stop = at
            state = step & _NEXT
    if state != _OUT:
        hashes[count], starts[count], stops[count] = mix(h ^ block), start, stop
        count += 1
        chain = mix(chain ^ block) * _WORD_STEP + _CHAINED
    return count, at, chain


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


@kernel(boolean(BYTES, int64, int64, types.Array(types.int64, 1, "C")))
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


@kernel(uint32(uint32, uint32))
def _murmur_block(h, k):
    k = uint32(k * uint32(0xCC9E2D51))
    k = uint32((k << 15) | (k >> 17))
    return uint32(h ^ uint32(k * uint32(0x1B873593)))


@kernel(uint32(uint32, uint32))
def murmur_step(h, k):
    """murmur3_x86_32 takes in four bytes, k."""
    h = _murmur_block(h, k)
    h = uint32((h << 13) | (h >> 19))
    return uint32(h * uint32(5) + uint32(0xE6546B64))


@kernel(types.UniTuple(uint32, 3)(uint32, uint32, uint32, uint32))
def _murmur_byte(h, k, size, byte):
    """murmur3_x86_32 takes in a byte: h over whole blocks, k the bytes of the block begun, size of all."""
    k = uint32(k | uint32(byte << (8 * (size & 3))))
    size = uint32(size + 1)
    if size & 3 == 0:
        h, k = murmur_step(h, k), uint32(0)
    return h, k, size


@kernel(uint32(uint32, uint32, uint32))
def murmur_end(h, k, size):
    """murmur3_x86_32 of `size` bytes in all: h over whole blocks, k the bytes after them."""
    h = uint32(_murmur_block(h, k) ^ size)
    h = uint32((h ^ (h >> 16)) * uint32(0x85EBCA6B))
    h = uint32((h ^ (h >> 13)) * uint32(0xC2B2AE35))
    return uint32(h ^ (h >> 16))


@kernel(types.UniTuple(uint32, 3)(uint32, uint32, uint32, int64))
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


@kernel(types.Tuple((uint32, boolean, int64))(BYTES, int64, int64, types.Array(types.int64, 1, "C")))
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
