"""What bytes show at a first look: how many characters they are, and whether control bytes are among them."""

from typing import Any

import numpy as np
from numba import njit, types

_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_BLOCK = 128  # bytes whose count fits a byte
_HIGH, _MASK = np.uint8(0x80), np.uint8(0xC0)
# Bytes are compared with bytes, so that LLVM takes 32 at once.
_BACKSPACE, _VERTICAL, _SHIFT_IN, _ESCAPE, _BLANK = (np.uint8(byte) for byte in b"\x08\x0b\x0f\x1b ")


@njit(types.int64(_BYTES), cache=True, nogil=True)
def characters(data):
    """Code points of valid UTF-8."""
    size = len(data)
    tails = 0
    for start in range(0, size - size % _BLOCK, _BLOCK):
        part: Any = np.uint8(0)  # so that LLVM counts in bytes
        for i in range(_BLOCK):
            part = np.uint8(part + ((data[start + i] & _MASK) == _HIGH))
        tails += part
    for i in range(size - size % _BLOCK, size):
        tails += (data[i] & _MASK) == _HIGH
    return size - tails


@njit(types.boolean(_BYTES), cache=True, nogil=True)
def has_controls(data):
    """Whether there is a byte below 32 that no text has: all but BS to CR without VT, SO and SI (of ISO 2022), ESC."""
    found = False
    for byte in data:
        found |= (byte < _BACKSPACE) | (byte == _VERTICAL) | ((byte > _SHIFT_IN) & (byte < _BLANK) & (byte != _ESCAPE))
    return found
