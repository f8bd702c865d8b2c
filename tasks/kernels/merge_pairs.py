"""The pairs of symbols that a stage of merges.py looks at: a table of them, their places, and a heap."""

import numpy as np
from numba import boolean, int64, types, uint64

from tasks.kernels.kernel import kernel
from tasks.kernels.merge_row import INT32, INT64, count_of, key_of, slot_of

KEYS = types.Array(types.uint64, 1, "C")
PLACES = types.Array(types.uint32, 1, "C")  # in `row`
NONE = -1
ROOM = 1 << 14  # at least, for pairs that a stage makes, and for their places


@kernel(int64(KEYS, INT32, uint64))
def find(keys, table, key):
    """The slot where the pair's number stands, or would."""
    last = len(table) - 1
    slot = slot_of(key, len(table))
    while table[slot] >= 0 and keys[table[slot]] != key:
        slot = (slot + 1) & last
    return slot


@kernel(types.void(KEYS, int64, INT32))
def fill_table(keys, used, table):
    for pair in range(used):
        table[find(keys, table, keys[pair])] = pair


@kernel(int64(INT32, INT64, INT64, int64, INT32, KEYS, INT64, INT64))
def enter(row, heavy, buckets, least, table, keys, counts, sizes):
    """Count the pairs whose buckets reach `least`; answer how many they are, -1 where they have no room."""
    used, count = 0, int64(0)
    for at in range(len(row) - 1):
        if row[at] < 0:
            count = count_of(int64(row[at]), heavy)
        elif row[at + 1] >= 0:
            key = key_of(uint64(row[at]), uint64(row[at + 1]))
            if buckets[slot_of(key, len(buckets))] >= least:
                slot = find(keys, table, key)
                pair = int64(table[slot])
                if pair < 0:
                    if used == len(keys):
                        return -1
                    pair = used
                    table[slot] = pair
                    keys[pair] = key
                    used += 1
                counts[pair] += count
                sizes[pair] += 1
    return used


@kernel(types.void(INT32, INT32, KEYS, INT64, PLACES))
def fill_lists(row, table, keys, cursors, lists):
    """Write each pair's places, in order, from its cursor on."""
    for at in range(len(row) - 1):
        if row[at] >= 0 and row[at + 1] >= 0:
            pair = table[find(keys, table, key_of(uint64(row[at]), uint64(row[at + 1])))]
            if pair >= 0:
                lists[cursors[pair]] = at
                cursors[pair] += 1


@kernel(boolean(int64, uint64, int64, uint64))
def before(count, key, other_count, other_key):
    """Whether the first of two pairs is merged before the other."""
    return count > other_count or (count == other_count and key < other_key)


@kernel(types.void(INT32, INT64, KEYS, int64, int64))
def sink(heap, told, keys, held, at):
    """Put heap[at] where it belongs among those below it."""
    pair = heap[at]
    while True:
        below = 2 * at + 1
        if below >= held:
            break
        if below + 1 < held:
            left, right = heap[below], heap[below + 1]
            below += int64(before(told[right], keys[right], told[left], keys[left]))
        child = heap[below]
        if not before(told[child], keys[child], told[pair], keys[pair]):
            break
        heap[at] = child
        at = below
    heap[at] = pair


@kernel(types.void(INT32, INT64, KEYS, int64, int64))
def push(heap, told, keys, held, pair):
    """Add a pair to a heap of `held`."""
    at = held
    while at > 0:
        above = (at - 1) >> 1
        parent = heap[above]
        if not before(told[pair], keys[pair], told[parent], keys[parent]):
            break
        heap[at] = parent
        at = above
    heap[at] = pair


class Pairs:
    """Pairs of symbols by number: key (left * 2^32 + right), count, and size of its list of places; a table of them."""

    def __init__(self, room: int):
        self.keys, self.counts = np.zeros(room, np.uint64), np.zeros(room, np.int64)
        self.sizes = np.zeros(room, np.int64)
        self.table = np.full(1 << (2 * room - 1).bit_length(), NONE, np.int32)  # at most half full
        self.used = 0

    def frequent(self, used: int, least: int) -> "Pairs":
        """Those of `used` with count `least` and more, in the order in which they would be merged; and as much room."""
        chosen = np.flatnonzero(self.counts[:used] >= least)
        chosen = chosen[np.lexsort((self.keys[chosen], -self.counts[chosen]))]
        answer = Pairs(len(chosen) + max(len(chosen), ROOM))
        answer.used = len(chosen)
        for name in ("keys", "counts", "sizes"):
            getattr(answer, name)[: len(chosen)] = getattr(self, name)[chosen]
        fill_table(answer.keys, answer.used, answer.table)
        return answer
