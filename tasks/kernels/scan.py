"""Signatures and grams in one scan of the words: what minhash.signatures and ngrams.places give, by their own kernels.

For who wants both: the words are found, folded, hashed and added up once. Each block of them goes to `sign` and to
`match`. A test holds it equal to the two by themselves.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numba import int64

from tasks.kernels import minhash, ngrams
from tasks.kernels.buffers import buffers
from tasks.kernels.gram_set import HASHES, NUMBERS, READ
from tasks.kernels.kernel import kernel
from tasks.kernels.minhash import AT_ONCE, COUNTS, TABLE32, TABLE64, WORDS32, close_row, sign
from tasks.kernels.ngrams import FOUND, Grams, Index, in_order, match
from tasks.kernels.sums import add_up, go_on
from tasks.kernels.words import BYTES, MOST_WORDS, PLACES, fill_words

# A tally of kernels of which each is in the fingerprint of the stage that it is for: here none of them is changed.
SHAPES_NO_BYTES = True

Signatures = tuple[np.ndarray, np.ndarray, np.ndarray]
_ROW, _AT, _CARRIED, _WORDS = 0, 1, 2, 3  # of a scan's state


@kernel(
    int64(
        BYTES, PLACES, PLACES, int64, WORDS32, WORDS32, TABLE32, COUNTS, TABLE64, PLACES, READ, READ, NUMBERS, HASHES,
        HASHES, NUMBERS, NUMBERS, HASHES, HASHES, NUMBERS, WORDS32, FOUND, HASHES,
    ),
)  # fmt: skip
def _scan(
    data, begins, ends, shingle, a, b, out, shingles, exact, lengths, table, bits, state, running, hashes, starts,
    stops, sums, grams, kept, scratch, places, found,
):  # fmt: skip
    """Go on until the rows end or places and found are full; answer how many grams were found.

    `state` and `running` (the sum and the chain of the row's words so far) say where to go on.
    """
    row, at, carried, words = state
    total, chain = running
    longest = lengths[-1]
    used = 0
    while row < len(begins) and used + len(hashes) * len(lengths) <= len(found):
        if at < 0:
            at, carried, words = begins[row], int64(0), int64(0)
            total = chain = np.uint64(0)
        end = ends[row]
        new, at, chain = fill_words(data, at, end, hashes[carried:], starts[carried:], stops[carried:], chain)
        count = carried + new
        add_up(hashes, count, sums)
        sign(sums, carried, count, shingle, a, b, scratch, out[row])
        total = go_on(total, sums, carried, count)
        words += new
        whole = at >= end
        skip = max(0, carried - longest + 1)  # words before those that the last block's grams did not begin at
        used = match(
            starts[skip:], stops[skip:], count - skip, int64(whole), row, begins[row], lengths, table, bits,
            sums[skip:], grams, kept, places, found, used,
        )  # fmt: skip
        if whole:
            shingles[row] = max(0, words - shingle + 1)
            close_row(data, begins[row], end, words, total, chain, exact, row)
            row += 1
            at = int64(-1)
            continue
        carried = min(count, max(longest, shingle) - 1)
        for i in range(carried):
            last = count - carried + i
            hashes[i], starts[i], stops[i] = hashes[last], starts[last], stops[last]
    state[_ROW], state[_AT], state[_CARRIED], state[_WORDS] = row, at, carried, words
    running[0], running[1] = total, chain
    return used


def signatures_and_places(
    text: pa.Array | pa.ChunkedArray, index: Index, shingle: int, permutations: int, seed: int, room: int = ngrams.ROOM
) -> tuple[Signatures, Iterator[Grams]]:
    """(what minhash.signatures gives, filled once all grams have been taken; what ngrams.places gives).

    ValueError as there, and for an index of another unit than words, or of no grams.
    """
    if index.unit != "words" or not len(index):
        raise ValueError(f"A scan of words finds no {index.unit} in an index of {len(index)} grams.")
    data, begins, ends = buffers(text)
    signed = minhash.unsigned(len(begins), shingle, permutations)
    shape = (shingle, *minhash.permutations_of(permutations, seed))

    def places() -> Iterator[Grams]:
        lengths = index.lengths
        size = max(ngrams.BLOCK, 2 * max(int(lengths[-1]), shingle)) + MOST_WORDS
        hashes, sums, block = (np.empty(size + more, np.uint64) for more in (0, 1, 0))
        starts, stops, kept = (np.empty(size, np.int64) for _ in range(3))
        scratch = np.empty(size + AT_ONCE, np.uint32)
        most = max(room, size * len(lengths))
        state, running = np.array([0, -1, 0, 0]), np.zeros(2, np.uint64)
        while state[_ROW] < len(begins):
            found, spans = np.empty(most, np.uint64), np.empty((most, 3), np.int64)
            used = _scan(
                data, begins, ends, *shape, *signed, lengths, index.set.table, index.set.bits, state, running, hashes,
                starts, stops, sums, block, kept, scratch, spans, found,
            )  # fmt: skip
            if used:
                yield in_order(found[:used], spans[:used], lengths)

    return signed, places()
