"""What a language identifier counts in UTF-8 text: letters by script, and naive Bayes over byte sequences.

Sums are of integers: the same on every machine, in any order.
"""

import numpy as np
from numba import njit, types

EXPONENTS = np.array([round((1 << 30) * np.exp(-step / 64)) for step in range(64 * 20)], np.int64)  # e^(-step/64)
EXPONENTS.setflags(write=False)  # as the signature has it: else each call looks for a conversion
LANES, DEPTH = 4, 8  # py3langid 0.4 has no sequence longer than 6 bytes; a test holds both to the same answers
NARROW = 256  # bytes whose sum fits uint16, for certain
_BLANK, _LETTER = 0x20, ord("a")


def _array(kind):
    return types.Array(kind, 1, "C", readonly=True)


_BYTES, _INTEGERS, _WEIGHTS = _array(types.uint8), _array(types.int64), types.Array(types.uint8, 2, "C", readonly=True)
_COUNTS, _SHARES = types.Array(types.int32, 1, "C"), types.Array(types.int64, 1, "C")
_LETTERS = types.UniTuple(types.int64, 5)(_BYTES, _BYTES, types.int64, types.UniTuple(types.int64, 3))
_POSTERIOR = types.Tuple((types.int64, types.int64, _SHARES))(
    _BYTES, _array(types.uint16), _array(types.uint32), _array(types.int32), _WEIGHTS, _INTEGERS, _INTEGERS, _INTEGERS,
    _array(types.int32), _COUNTS, types.int64, _INTEGERS,
)  # fmt: skip


@njit(_LETTERS, cache=True, nogil=True)
def letters(data, scripts, kinds, dense):
    """Which script most letters are of.

    Args:
        data: uint8, valid UTF-8. scripts: uint8 (65536,), the script of each code point, from 1, 0 where it is no
            letter; past 0xFFFF ideographs are counted as U+4E00, and all others as no letter. kinds: number of scripts.
        dense: numbers of Han, Kana and Hangul. Japanese and Korean have ideographs too: where one in six of them and
            of their own letters is their own, the ideographs count as theirs.

    Returns:
        The script, its letters, letters of all scripts, those of the three dense ones, and characters that are neither
        letters nor blanks.
    """
    counts = np.zeros(kinds + 1, np.int64)
    place, size, blanks, latin = 0, len(data), 0, 0
    while place < size:
        first = int(data[place])
        if first < 0x80:  # no table, whose counts would wait for one another
            small = 97 <= first | 0x20 <= 122
            latin += small
            counts[0] += not small
            blanks += first == _BLANK
            place += 1
            continue
        if first < 0xE0:
            code, more = first & 0x1F, 1
        elif first < 0xF0:
            code, more = first & 0x0F, 2
        else:
            code, more = first & 0x07, 3
        for offset in range(1, more + 1):
            if place + offset < size:
                code = code << 6 | (int(data[place + offset]) & 0x3F)
        place += 1 + more
        if code > 0xFFFF:
            code = 0x4E00 if 0x20000 <= code < 0x40000 else 0
        counts[scripts[code]] += 1
    counts[scripts[_LETTER]] += latin
    others, counts[0] = counts[0] - blanks, 0
    han, kana, hangul = dense
    heavy = counts[han] + counts[kana] + counts[hangul]
    for own in (kana, hangul):
        if counts[own] * 5 >= counts[han]:
            counts[own] += counts[han]
            counts[han] = 0
    most = int(counts.argmax())
    return most, counts[most], counts.sum(), heavy, others


@njit(types.void(_COUNTS, types.Array(types.uint16, 1, "C"), types.int32), cache=True, nogil=True)
def _add(sums, gains, times):
    """Add gains so many times, and forget them."""
    for place in range(len(sums)):
        sums[place] += times * np.int32(gains[place])
        gains[place] = 0


@njit(_POSTERIOR, cache=True, nogil=True)
def posterior(
    data, rows, moves, features, gains, floors, prior, labels, logarithms, counts, unit, exponents
):  # fmt: skip
    """The share of each label, of the sum of all, in naive Bayes over the byte sequences that an automaton finds.

    A class's logarithm is its prior, and over features met the sum of log(1 + times met) * (its floor + the feature's
    gain); divided by `unit` (the temperature), its exponential is the class's share, and a label's is that of its
    classes together.

    The automaton's tables are larger than a processor's cache, so that a step waits for memory: LANES of the text are
    walked in turns, each from DEPTH bytes before its own (its state depends on no more), which count for nothing.

    Args:
        data: uint8 text. rows: uint16 (states,), the row of `moves` of each state. moves: uint32 (rows * 256,), the
            next state. features: int32 (states,), the feature met on reaching a state, or -1.
        gains: uint8 (features, classes). floors, prior: int64 (classes,), in the unit of gains with 8 and 16 binary
            places. labels: int64 (classes,), the label of each class.
        logarithms: int32, log(1 + n) for n from 0, 8 binary places; the last for all past it.
        counts: int32 (features,) of zeros, which are zeros again on return. unit: in the unit of gains, with 32 binary
            places. exponents: EXPONENTS.

    Returns:
        The label with the largest share (the first of several), the sum of all shares, shares: int64 (labels,).
    """
    size = len(data)
    met = np.empty(size, np.int64)
    kinds = 0
    lane = (size + LANES - 1) // LANES
    states = np.zeros(LANES, np.int64)
    for offset in range(-DEPTH, lane):
        for number in range(LANES):
            place = number * lane + offset
            if place < 0 or place >= size:
                continue
            state = int(moves[int(rows[states[number]]) << 8 | int(data[place])])
            states[number] = state
            feature = features[state]
            if feature >= 0 and offset >= 0:
                if counts[feature] == 0:
                    met[kinds] = feature
                    kinds += 1
                counts[feature] += 1
    # Most are met once: their gains are added up in 16 bits, of which a processor takes 16 or 32 at once.
    classes = len(prior)
    sums, once = np.zeros(classes, np.int32), np.zeros(classes, np.uint16)
    total = waiting = 0
    for number in range(kinds):
        feature = met[number]
        row = gains[feature]
        count = int(counts[feature])
        counts[feature] = 0
        if count == 1:
            for place in range(classes):
                once[place] += np.uint16(row[place])
            waiting += 1
            if waiting == NARROW:
                _add(sums, once, logarithms[1])
                total += waiting * int(logarithms[1])
                waiting = 0
            continue
        times = logarithms[min(count, len(logarithms) - 1)]
        total += int(times)
        for place in range(classes):
            sums[place] += times * np.int32(row[place])
    _add(sums, once, logarithms[1])
    total += waiting * int(logarithms[1])
    logarithm = prior + total * floors
    for place in range(classes):
        logarithm[place] += int(sums[place]) << 8
    best = logarithm.max()
    shares = np.zeros(labels.max() + 1, np.int64)
    for place in range(classes):
        below = (best - logarithm[place]) << 22  # 64 steps and 16 binary places
        if below < unit * len(exponents):  # of few: a division takes as long as the rest together
            shares[labels[place]] += exponents[below // unit]
    return int(shares.argmax()), int(shares.sum()), shares
