"""What a language identifier counts in UTF-8 text: letters by script, and naive Bayes over byte sequences.

Sums are of integers, kept in float64 below 2^53, where they are exact: the same on every machine, in any order.
"""

import numpy as np
from numba import njit

EXPONENTS = np.array([round((1 << 30) * np.exp(-step / 64)) for step in range(64 * 20)], np.int64)  # e^(-step/64)
POINT = 23  # binary places of a class's sum: 11 of weights, 12 of counts


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
    weights: np.ndarray,
    prior: np.ndarray,
    labels: np.ndarray,
    logarithms: np.ndarray,
    counts: np.ndarray,
    unit: int,
    exponents: np.ndarray,
) -> np.ndarray:
    """The share of each label, of the sum of all, in naive Bayes over the byte sequences that an automaton finds.

    A class's logarithm is prior + sum over features met of log(1 + times met) * weight; divided by `unit` (the
    temperature), its exponential is the class's share, and a label's is that of its classes together.

    Args:
        data: uint8 text. rows: uint16 (states,), the row of `moves` of each state. moves: uint32 (rows * 256,), the
            next state. features: int32 (states,), the feature met on reaching a state, or -1.
        weights: int16 (features, classes), 11 binary places. prior: int64 (classes,), POINT binary places.
        labels: int64 (classes,), the label of each class. logarithms: int64, log(1 + n) for n from 0, 12 binary places;
            the last for all past it.
        counts: int32 (features,) of zeros, which are zeros again on return. unit: in POINT binary places.
        exponents: EXPONENTS.

    Returns:
        int64 (labels,).
    """
    met = np.empty(len(data), np.int64)
    kinds = 0
    state = 0
    for byte in data:
        state = int(moves[int(rows[state]) << 8 | int(byte)])
        feature = features[state]
        if feature >= 0:
            if counts[feature] == 0:
                met[kinds] = feature
                kinds += 1
            counts[feature] += 1
    sums = prior.astype(np.float64)
    for number in range(kinds):
        feature = met[number]
        times = np.float64(logarithms[min(int(counts[feature]), len(logarithms) - 1)])
        row = weights[feature]
        counts[feature] = 0
        for place in range(len(sums)):
            sums[place] += times * row[place]
    best = sums.max()
    shares = np.zeros(labels.max() + 1, np.int64)
    for place in range(len(sums)):
        step = np.int64(best - sums[place]) * 64 // unit
        if step < len(exponents):
            shares[labels[place]] += exponents[step]
    return shares
