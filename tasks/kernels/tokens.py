"""Spark's tokens, a chunk of a row at a time: the murmur3 of each, 64 bytes classified at once where they are ASCII.

`next_token` (words.py) is the definition, byte by byte, and does what is not ASCII; tests hold both to their twin.
"""

import numpy as np
from numba import int64, types, uint32, uint64

from tasks.kernels.kernel import kernel
from tasks.kernels.lanes import LANES, classify, first_bit, load32
from tasks.kernels.words import BYTES, murmur_end, murmur_step, next_token

HASHES = types.Array(types.uint32, 1, "C")
CHUNK = 4096  # bytes classified before their tokens are hashed: with all masks they stay in the first cache

_LOW = types.Array(types.uint8, 1, "C")
_MASKS = types.Array(types.uint64, 2, "C")
_MEMO = types.Array(types.int64, 1, "C")
_ONE, _ZERO = np.uint64(1), np.uint64(0)
_WHITE, _WIDE = 0, 1  # rows of the masks


@kernel(types.Tuple((_LOW, _MASKS, HASHES))())
def token_room():
    """(low, masks, hashes): what `fill_tokens` writes into."""
    return np.empty(CHUNK + LANES, np.uint8), np.empty((2, CHUNK // LANES), np.uint64), np.empty(CHUNK, np.uint32)


@kernel(uint32(_LOW, int64, int64))
def _murmur(low, at, size):
    """murmur3_x86_32 of low[at:at + size] with seed 42; up to 4 bytes more are read."""
    h = uint32(42)
    last = at + (size & ~3)
    while at < last:
        h = murmur_step(h, load32(low, at))
        at += 4
    rest = uint32(load32(low, at) & uint32((int64(1) << (8 * (size & 3))) - 1))
    return murmur_end(h, rest, uint32(size))  # a rest of 0 changes nothing


@kernel(uint64(BYTES, int64, int64, _LOW, _MASKS))
def _classify(data, at, size, low, masks):
    """Masks and lower case of data[at:at + size], size up to CHUNK; not 0 if it has a byte that is not ASCII."""
    wides = _ZERO
    for block in range((size + LANES - 1) // LANES):
        to = LANES * block
        here = at + to
        if here + LANES <= len(data):
            white, wide = classify(data, here, low, to)
        else:  # the column's last bytes: nothing may be read past them
            for i in range(LANES):
                low[to + i] = data[here + i] if here + i < len(data) else 0
            white, wide = classify(low, to, low, to)
        if to + LANES > size:
            within = (_ONE << uint64(size - to)) - _ONE
            white &= within
            wide &= within
        masks[_WHITE, block] = white
        masks[_WIDE, block] = wide
        wides |= wide
    return wides


@kernel(int64(_MASKS, int64, int64, int64))
def _next(masks, which, at, size):
    """The place of the first bit of a mask from `at` on; `size` if there is none."""
    while at < size:
        bits = masks[which, at // LANES] >> uint64(at % LANES)
        if bits:
            return at + first_bit(bits)
        at += LANES - at % LANES
    return size


@kernel(types.UniTuple(int64, 4)(BYTES, int64, int64, _MEMO, int64, _LOW, _MASKS, HASHES))
def fill_tokens(data, at, end, memo, waiting, low, masks, hashes):
    """(used, empties, waiting, at): the next tokens of a row, data[at:end], at least one byte of it.

    `hashes` gets those of the `used` tokens that are not empty. Empty ones are counted: in `empties` those before
    another token; `waiting` has those met since the last that was not empty, from one call to the next (at a row's
    end they do not count). The row is done when the place answered is `end` or past it. `memo`: see `next_token`.
    """
    size = min(end - at, CHUNK)
    wides = _classify(data, at, size, low, masks)
    wide = _next(masks, _WIDE, 0, size) if wides else size
    used, empties, start = 0, 0, 0
    for block in range((size + LANES - 1) // LANES):
        white = masks[_WHITE, block]
        while white:
            stop = LANES * block + first_bit(white)
            white &= white - _ONE
            if start == stop:
                waiting += 1
            else:
                if wide < start:
                    wide = _next(masks, _WIDE, start, size)
                if stop <= wide:
                    hashes[used] = _murmur(low, start, stop - start)
                else:
                    hashes[used] = next_token(data, at + start, end, memo)[0]
                used += 1
                empties += waiting
                waiting = 0
            start = stop + 1
    if start == size and at + size == end:
        return used, empties, waiting, end
    if start and at + size < end:
        return used, empties, waiting, at + start  # the token that the chunk cuts is the next one's first
    # The row's last token, or one longer than a chunk
    hashed, _, after = next_token(data, at + start, end, memo)
    hashes[used] = hashed
    return used + 1, empties + waiting, 0, after + 1
