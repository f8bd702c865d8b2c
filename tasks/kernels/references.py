"""Character references of HTML, read as html.unescape of the standard library reads them.

`&amp;`, `&#39;`, `&#x27;`, and of the old ones also `&amp` without the semicolon.
"""

from html import unescape
from html.entities import html5

import numpy as np
from numba import njit, types, uint32, uint64

LONGEST = 32  # characters of a name; html.unescape looks no further
BASIS, PRIME = 14695981039346656037, 1099511628211  # FNV-1a, 64 bits
SLOTS = 8192  # of the table of names: 2,231 of them


def fnv(text: str) -> int:
    """FNV-1a of code points."""
    value = BASIS
    for character in text:
        value = (value ^ ord(character)) * PRIME % (1 << 64)
    return value


def slotted(names: dict[str, int], slots: int) -> tuple[np.ndarray, np.ndarray]:
    """A hash table with open places for kernels: uint64 (slots,) hashes, 0 where empty, and int32 (slots,) values."""
    hashes, values = np.zeros(slots, np.uint64), np.zeros(slots, np.int32)
    for name, value in names.items():
        hashed = fnv(name)
        at = hashed % slots
        while hashes[at]:
            at = (at + 1) % slots
        hashes[at], values[at] = hashed, value
    return hashes, values


_NAMES = sorted(html5)
_HASHES, _PLACES = slotted({name: place for place, name in enumerate(_NAMES)}, SLOTS)
_FIRST = np.array([ord(html5[name][0]) for name in _NAMES], np.uint32)
_SECOND = np.array([ord(html5[name][1]) if len(html5[name]) > 1 else 0 for name in _NAMES], np.uint32)
# What small numbers stand for, 0 for nothing: some controls, and windows-1252 for 0x80 to 0x9f.
_SMALL = np.array([ord(unescape(f"&#{number};") or "\0") for number in range(0x100)], np.uint32)

_CODES = types.Array(types.uint32, 1, "C", readonly=True)


@njit(types.int64(uint64), cache=True, nogil=True)
def _place(hashed):
    at = hashed & uint64(SLOTS - 1)
    while _HASHES[at] != 0:
        if _HASHES[at] == hashed:
            return types.int64(_PLACES[at])
        at = (at + uint64(1)) & uint64(SLOTS - 1)
    return types.int64(-1)


@njit(uint32(types.int64), cache=True, nogil=True)
def _numbered(number):
    if number < 0x100:
        return uint32(_SMALL[number])
    if 0xD800 <= number <= 0xDFFF or number > 0x10FFFF:
        return uint32(0xFFFD)
    if 0xFDD0 <= number <= 0xFDEF or number & 0xFFFE == 0xFFFE:
        return uint32(0)
    return uint32(number)


@njit(types.UniTuple(types.int64, 3)(_CODES, types.int64), cache=True, nogil=True)
def reference(codes, at):
    """What the `&` at a place stands for: up to two code points (0 for none), and the place behind them.

    Args:
        codes: uint32 (n,), code points.
    """
    n = len(codes)
    i = at + 1
    if i < n and codes[i] == 35:  # '#'
        i += 1
        base = 10
        if i < n and (codes[i] | 32) == 120:  # 'x'
            base, i = 16, i + 1
        start, number = i, 0
        while i < n:
            code = codes[i]
            if 48 <= code <= 57:
                digit = types.int64(code) - 48
            elif base == 16 and 97 <= (code | 32) <= 102:
                digit = types.int64(code | 32) - 87
            else:
                break
            number = min(number * base + digit, 0x110000)
            i += 1
        if i == start:
            return 38, 0, at + 1
        if i < n and codes[i] == 59:
            i += 1
        return types.int64(_numbered(number)), 0, i
    hashed = uint64(BASIS)
    place, behind = -1, at + 1
    while i < n and i - at <= LONGEST:
        code = codes[i]
        if not (48 <= code <= 57 or 97 <= (code | 32) <= 122 or code == 59):
            break
        hashed = (hashed ^ uint64(code)) * uint64(PRIME)
        i += 1
        if i - at > 2:
            found = _place(hashed)
            if found >= 0:
                place, behind = found, i
        if code == 59:
            break
    if place < 0:
        return 38, 0, at + 1
    return types.int64(_FIRST[place]), types.int64(_SECOND[place]), behind
