"""BPE's merges from words and their counts: the pair that stands side by side most often, again and again.

What is merged says the plain twin, tests/kernels/merges_twin.py; this file, how without counting anew each time.

All words stand in one array, `row`, a mark between them that tells the next word's count. A symbol made here takes the
places of its two parts: its number stands in the first, its complement in the last, so that both neighbours of a place
are found by a step of known length. Each pair has a count and a list of its places. A merge walks its pair's list, and
what it changes is gathered by the neighbour's symbol, so that tables are asked once a neighbour and not once a place.

A pair's count never rises after the merge that made it, for a merge only makes pairs that hold the new symbol. So the
work goes by stages, each for the pairs of count `least` and more, and pairs below are not even entered: at a stage's
end `row` is written together (every symbol one place again; a word of one symbol leaves) and counted anew for a lower
`least`. First into buckets by a hash, whose sums are bounds from above, then exactly the pairs whose buckets reach
`least`. Memory: `row` with 4 bytes a place, the lists of frequent pairs with at most 6 (mostly 2), and 8 for each place
of the longest list.

Two pairs never make one string: a stretch that no merge crosses is parsed the same wherever it stands.
"""

import numpy as np
from numba import int64, types, uint64

from tasks.kernels import merge_pairs
from tasks.kernels.kernel import kernel
from tasks.kernels.lanes import prefetch
from tasks.kernels.merge_pairs import KEYS, NONE, PLACES, Pairs, enter, fill_lists, find, push, sink
from tasks.kernels.merge_row import (
    ENDS,
    INT32,
    INT64,
    MOST_SYMBOLS,
    count_of,
    fill_buckets,
    key_of,
    laid_out,
    write_together,
)  # fmt: skip

MOST_PLACES = (1 << 32) - 2  # of symbols and words together: a place is a uint32
_BUCKETS = 1 << 20  # 8 MB: what a second or third cache holds
_FALL = 64  # a stage goes on until counts are this many times smaller
_ENTERED = 1 << 18  # pairs that a stage sets out with, unless more are equal to the highest
_AHEAD = 16  # places of a list that are asked for before they are due
_32, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


def merge(symbols: np.ndarray, starts: np.ndarray, counts: np.ndarray, first: int, merges: int) -> np.ndarray:
    """int32 (made, 2): the pairs merged, in order; the k-th makes the symbol `first + k`.

    A pair's count is the number of places where its two symbols stand side by side, each as often as its word. The
    pair of the highest count is merged, among equals the smallest (left, right), in each word from left to right.
    Made are at most `merges`, fewer where no pair is left of count 2 or more: a token for what was met once saves
    nothing anywhere else.

    Args:
        symbols: int32 (n,), of all words one after another, from 0 up to `first`.
        starts: int64 (words + 1,): word w is symbols[starts[w] : starts[w + 1]].
        counts: int64 (words,): how often each word was met, from 0 on; their sum over all places fits 63 bits.

    Raises:
        ValueError: a symbol or a count out of these bounds; more than 2^32 symbols and words, or 2^30 symbols to be.
    """
    _check(symbols, starts, counts, first, merges)
    row, heavy = laid_out(symbols, starts, counts)
    sizes = np.ones(first + merges, np.int32)  # places of a symbol
    made = np.zeros((merges, 2), np.int32)
    done = 0
    while done < merges:
        places, used = len(row), write_together(row, sizes)
        row = row[:used].copy() if used < places - places // 4 else row[:used]
        sizes[:] = 1
        buckets = np.zeros(_BUCKETS, np.int64)
        fill_buckets(row, heavy, buckets)
        least, pairs = _entered(row, heavy, buckets)
        if least < 2:
            break
        done = _merge_frequent(row, heavy, least, pairs, sizes, first, made, done)
    return made[:done]


def _check(symbols: np.ndarray, starts: np.ndarray, counts: np.ndarray, first: int, merges: int) -> None:
    lengths = np.diff(starts)
    if len(starts) != len(counts) + 1 or starts[0] != 0 or starts[-1] != len(symbols) or lengths.min(initial=0) < 0:
        raise ValueError(f"{len(counts)} words are not told by starts of {len(starts)} in {len(symbols)} symbols.")
    if len(symbols) and not 0 <= symbols.min() <= symbols.max() < first:
        raise ValueError(f"Symbols are from 0 to {first - 1}, not from {symbols.min()} to {symbols.max()}.")
    if counts.min(initial=0) < 0 or np.dot(counts.astype(np.float64), lengths) >= 2.0**62:
        raise ValueError("A word's count is from 0 on, and all counts' sum over all symbols below 2^62.")
    if len(symbols) + len(counts) > MOST_PLACES or not 0 <= merges <= MOST_SYMBOLS - first:
        raise ValueError(
            f"{len(symbols)} symbols of {len(counts)} words and {merges} merges on {first} symbols are too many; at "
            f"most {MOST_PLACES} places and {MOST_SYMBOLS} symbols: give fewer words (those met most often)."
        )


def _entered(row: np.ndarray, heavy: np.ndarray, buckets: np.ndarray) -> tuple[int, "Pairs"]:
    """(the least count of a stage, the pairs of that count and more); a least count of 1: there is no pair of 2."""
    top = int(buckets.max())
    while top >= 2:
        least = max(2, top // _FALL)
        while (room := int(np.count_nonzero(buckets >= least))) > _ENTERED and least < top:
            least = (least + top + 1) // 2
        pairs = Pairs(max(room, 1 << 12))
        while (used := enter(row, heavy, buckets, least, pairs.table, pairs.keys, pairs.counts, pairs.sizes)) < 0:
            pairs = Pairs(2 * len(pairs.keys))
        if (pairs.counts[:used] >= least).any():
            return least, pairs.frequent(used, least)
        top = least - 1  # buckets are bounds from above: none of those pairs was as frequent
    return 1, Pairs(1)


def _merge_frequent(
    row: np.ndarray, heavy: np.ndarray, least: int, pairs: Pairs, sizes: np.ndarray, first: int, made: np.ndarray,
    done: int,
) -> int:  # fmt: skip
    """Merge while a pair of count `least` is left and there is room; answer how many merges are made."""
    begins = np.zeros(len(pairs.keys), np.int64)
    ends = np.cumsum(pairs.sizes[: pairs.used])
    begins[1 : pairs.used] = ends[:-1]
    filled = int(ends[-1])
    lists = np.empty(
        filled + len(row) // 2 + merge_pairs.ROOM, np.uint32
    )  # of the rest, what is not needed is not touched
    fill_lists(row, pairs.table, pairs.keys, begins.copy(), lists)
    heap = np.arange(len(pairs.keys), dtype=np.int32)
    told = pairs.counts.copy()
    near = np.empty((2, int(pairs.sizes.max())), np.int32)
    gains, drops = np.zeros((2, len(sizes)), np.int64), np.zeros(len(sizes), np.int64)
    places, touched = np.zeros((2, len(sizes)), np.int64), np.zeros((2, len(sizes)), np.int32)
    return int(
        _merge_stage(row, heavy, least, pairs.table, pairs.keys, pairs.counts, begins, pairs.sizes, pairs.used, lists,
                     filled, heap, told, sizes, near, gains, drops, places, touched, first, made, done)
    )  # fmt: skip


_TWO32 = types.Array(types.int32, 2, "C")
_TWO64 = types.Array(types.int64, 2, "C")


@kernel(
    int64(
        INT32, INT64, INT32, int64, int64, int64, int64, int64, PLACES, _TWO32, _TWO64, INT64, _TWO64, _TWO32,
        INT64,
    )
)  # fmt: skip
def _apply(row, heavy, sizes, left, right, new, begin, size, lists, near, gains, drops, places, touched, count_touched):
    """Replace (left, right) by `new` at the listed places where it stands; answer how many.

    The list is left with these places. near[0], near[1]: the symbols beside each, NONE at a word's end. gains and
    places [0], by symbol: what the pair (symbol, new) is counted, and how often it stands; [1]: (new, symbol).
    drops: what the pair (right, symbol) is less; (symbol, left) is less by gains[0]. touched: symbols with gains.
    """
    count = lefts = rights = 0
    last, weight = int64(NONE), int64(0)
    size_left, size_right = int64(sizes[left]), int64(sizes[right])
    for i in range(begin, begin + size):
        at = int64(lists[i])
        prefetch(row, int64(lists[min(i + _AHEAD, begin + size - 1)]))
        if row[at] != left:
            continue
        middle = at + size_left
        if row[middle] != right:
            continue
        end = middle + size_right
        # To the left, to the word's mark, or to what was made last, which is of the same word
        mark = at - 1
        before = int64(NONE)
        if row[mark] >= ENDS:
            before = int64(row[mark]) if row[mark] >= 0 else ~int64(row[mark])
            while row[mark] >= ENDS and mark != last:
                mark -= sizes[row[mark] if row[mark] >= 0 else ~row[mark]]
        if mark != last:
            weight = count_of(int64(row[mark]), heavy)
        last = end - 1
        after = int64(row[end]) if row[end] >= 0 else int64(NONE)
        row[middle] = -1
        row[end - 1] = ~new
        row[at] = new
        if before == new:  # it was made a moment ago, when this place was not yet: (new, left) is (new, new)
            gains[1, left] -= weight
            places[1, left] -= 1
            near[1, count - 1] = new
            if places[1, new] == 0:
                touched[1, rights] = new
                rights += 1
            gains[1, new] += weight
            places[1, new] += 1
            before = int64(NONE)
        elif before >= 0:
            if places[0, before] == 0:
                touched[0, lefts] = before
                lefts += 1
            gains[0, before] += weight
            places[0, before] += 1
        if after >= 0:
            if drops[after] == 0:
                touched[1, rights] = after
                rights += 1
            gains[1, after] += weight
            drops[after] += weight
            places[1, after] += 1
        near[0, count] = before
        near[1, count] = after
        lists[begin + count] = at
        count += 1
    count_touched[0], count_touched[1] = lefts, rights
    return count


@kernel(
    int64(
        INT32, INT64, int64, INT32, KEYS, INT64, INT64, INT64, int64, PLACES, int64, INT32, INT64, INT32,
        _TWO32, _TWO64, INT64, _TWO64, _TWO32, int64, _TWO32, int64,
    )
)  # fmt: skip
def _merge_stage(
    row, heavy, least, table, keys, counts, begins, list_sizes, used, lists, filled, heap, told, sizes, near, gains,
    drops, places, touched, first, made, done,
):  # fmt: skip
    """Merge pairs of count `least` and more, in order, while there is room for those that they make."""
    held = used
    count_touched = np.zeros(2, np.int64)
    full = False
    while held > 0 and done < len(made) and not full:
        pair = int64(heap[0])
        if counts[pair] != told[pair]:
            told[pair] = counts[pair]
            if counts[pair] < least:
                held -= 1
                heap[0] = heap[held]
            if held > 0:
                sink(heap, told, keys, held, 0)
            continue
        held -= 1
        heap[0] = heap[held]
        if held > 0:
            sink(heap, told, keys, held, 0)
        key = keys[pair]
        left, right, new = int64(key >> _32), int64(key & _LOW), first + done
        sizes[new] = sizes[left] + sizes[right]
        made[done, 0], made[done, 1] = left, right
        done += 1
        begin = begins[pair]
        count = _apply(
            row, heavy, sizes, left, right, new, begin, list_sizes[pair], lists, near, gains, drops, places, touched,
            count_touched,
        )  # fmt: skip
        counts[pair] = 0
        # What the pairs beside lose, and the pairs that are new: of these, those that a stage asks for get a list.
        for side in range(2):
            for i in range(count_touched[side]):
                symbol = int64(touched[side, i])
                lost = gains[0, symbol] if side == 0 else drops[symbol]
                if lost > 0:
                    old = key_of(uint64(symbol), uint64(left)) if side == 0 else key_of(uint64(right), uint64(symbol))
                    if old != key:
                        known = int64(table[find(keys, table, old)])
                        if known >= 0:
                            counts[known] -= lost
                cursor = int64(NONE)
                if gains[side, symbol] >= least:
                    if used == len(keys) or filled + places[side, symbol] > len(lists):
                        full = True
                    else:
                        fresh = (
                            key_of(uint64(symbol), uint64(new)) if side == 0 else key_of(uint64(new), uint64(symbol))
                        )
                        keys[used] = fresh
                        table[find(keys, table, fresh)] = used
                        counts[used] = told[used] = gains[side, symbol]
                        begins[used], list_sizes[used] = filled, places[side, symbol]
                        cursor = filled
                        filled += places[side, symbol]
                        push(heap, told, keys, held, used)
                        held += 1
                        used += 1
                places[side, symbol] = cursor
        for i in range(count):
            at = int64(lists[begin + i])
            before, after = near[0, i], near[1, i]
            if before >= 0 and places[0, before] >= 0:
                lists[places[0, before]] = at - sizes[before]
                places[0, before] += 1
            if after >= 0 and places[1, after] >= 0:
                lists[places[1, after]] = at
                places[1, after] += 1
        for side in range(2):
            for i in range(count_touched[side]):
                symbol = int64(touched[side, i])
                gains[side, symbol] = places[side, symbol] = 0
                if side == 1:
                    drops[symbol] = 0
    return done
