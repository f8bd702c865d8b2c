"""Which solved examples stand before an item (GPT-3, section 2.4: K drawn at random from the training set, or, where
there is none, from the development set, or else from the set itself without the item).

Draws are hashes of (seed, item, number), so that no other item, order or limit moves them.
"""

from collections.abc import Sequence, Set

from tasks.kernels.draw import uniform


def drawn(pool: Sequence[str], different: Set[str], item: str, count: int, seed: int, of: str) -> list[int]:
    """Places in `pool` (items' ids) of up to `count` different examples, never of `item` itself or of its like.

    `different`: the pool as a set. `of` is what they are drawn for: the item's id for draws of its own, or a word for
    all items of a task.
    """
    possible = len(different) - (item in different)
    chosen: list[int] = []
    taken = {item}
    number = 0
    while len(chosen) < min(count, possible):
        wanted = 2 * (count - len(chosen)) + 8
        places = uniform([f"{of}:{number + n}" for n in range(wanted)], seed, "shots") * len(pool)
        number += wanted
        for place in places.astype(int).tolist():
            if pool[place] not in taken and len(chosen) < count:
                taken.add(pool[place])
                chosen.append(place)
    return chosen
