"""What a language identifier counts in UTF-8 text: letters by script, and naive Bayes over byte sequences.

Sums are of integers: the same on every machine, in any order.
"""

import numpy as np
from numba import njit

EXPONENTS = np.array([round((1 << 30) * np.exp(-step / 64)) for step in range(64 * 20)], np.int64)  # e^(-step/64)
LANES, DEPTH = 4, 8  # py3langid 0.4 has no sequence longer than 6 bytes; a test holds both to the same answers


@njit(cache=True, nogil=True)
def letters(data: np.ndarray, scripts: np.ndarray, kinds: int) -> np.ndarray:
    """Letters of each script.

    Args:
        data: uint8, valid UTF-8. scripts: uint8 (65536,), the script of each code point, 0 where it is no letter; past
            0xFFFF ideographs are counted as U+4E00, and all others as no letter. kinds: number of scripts with none.

    Returns:
        int64 (kinds,); [0] counts what is no letter.
    """
    counts = np.zeros(kinds, np.int64)
    place, size = 0, len(data)
    while place < size:
        first = int(data[place])
        if first < 0x80:
            code, more = first, 0
        elif first < 0xE0:
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
    return counts


@njit(cache=True, nogil=True)
def posterior(
    data: np.ndarray,
    rows: np.ndarray,
    moves: np.ndarray,
    features: np.ndarray,
    gains: np.ndarray,
    floors: np.ndarray,
    prior: np.ndarray,
    labels: np.ndarray,
    logarithms: np.ndarray,
    counts: np.ndarray,
    unit: int,
    exponents: np.ndarray,
) -> np.ndarray:
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
        int64 (labels,).
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
    sums = np.zeros(len(prior), np.int32)
    total = 0
    for number in range(kinds):
        feature = met[number]
        times = logarithms[min(int(counts[feature]), len(logarithms) - 1)]
        counts[feature] = 0
        total += int(times)
        row = gains[feature]
        for place in range(len(sums)):
            sums[place] += times * np.int32(row[place])
    logarithm = prior + total * floors
    for place in range(len(sums)):
        logarithm[place] += int(sums[place]) << 8
    best = logarithm.max()
    shares = np.zeros(labels.max() + 1, np.int64)
    for place in range(len(sums)):
        step = ((best - logarithm[place]) << 22) // unit  # 64 steps and 16 binary places
        if step < len(exponents):
            shares[labels[place]] += exponents[step]
    return shares
