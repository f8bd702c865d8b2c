"""GPT-3's word scrambling (section 3.9.2): five ways to spoil a word, which is to be given back.

Words are drawn without replacement from the 10,000 most frequent of 5 to 14 letters (words.py), in the form of the
files that OpenAI published, byte for byte. A word that a way leaves as it is (a palindrome, a middle of one letter) is
passed over, as in the published anagrams, none of which is its own word; the next in frequency takes its place among
the 10,000. What else the published files show: cycles are of 1 to n - 1 letters, and " ", ".", "/" and "!" are
inserted, all alike; and their words have 6 to 15 letters (cycles, insertions) or 5 to 15 (anagrams), where the paper
says more than 4 and less than 15. We follow the paper.
"""

from collections.abc import Callable, Iterator, Sequence

from tasks.evaluation.generated.draws import Record, one_of, order, rows

FREQUENT = 10_000
LONGEST = 14
INSERTED = (" ", ".", "/", "!")
Way = Callable[[str, list[float]], str]  # a word, LONGEST draws -> what becomes of it


def cycled(word: str, draws: list[float]) -> str:
    """CL: lyinevitab = inevitably. At least one letter goes round, never all; of tartar never three."""
    turned = [word[at:] + word[:at] for at in range(1, len(word))]
    others = [one for one in turned if one != word]
    return one_of(draws[0], others) if others else word


def shuffled(word: str, draws: list[float], *, kept: int) -> str:
    """A1, A2: all but the first and last `kept` letters: criroptuon = corruption, opoepnnt = opponent.

    By the order of draws; where that gives the word again, by the next of its cycles that does not.
    """
    middle = word[kept : len(word) - kept]
    places = sorted(range(len(middle)), key=lambda place: draws[place])
    for turn in range(len(middle)):
        spoilt = "".join(middle[place] for place in places[turn:] + places[:turn])
        if spoilt != middle:
            return word[:kept] + spoilt + word[len(word) - kept :]
    return word


def interspersed(word: str, draws: list[float]) -> str:
    """RI: s.u!c/c!e.s s i/o/n = succession."""
    marks = [one_of(draw, INSERTED) for draw in draws[: len(word) - 1]]
    return "".join(letter + mark for letter, mark in zip(word, [*marks, ""], strict=True))


def reversed_(word: str, draws: list[float]) -> str:
    """RW: stcejbo = objects."""
    return word[::-1]


def scrambled(seed: int, items: int, *, words: Sequence[str], name: str, way: Way) -> Iterator[Record]:
    """`words` in order of frequency. ValueError: fewer than `items` of them can be spoilt so."""
    pool = [word for word in words if _can_change(word, way)][:FREQUENT]
    if items > len(pool):
        raise ValueError(f"{len(pool):,} of the words can be scrambled so, not {items:,}")
    for place, draws in zip(order(seed, name, pool)[:items], rows(seed, name, LONGEST), strict=False):
        yield {"context": f"\n{way(pool[place], draws)} =", "completion": f" {pool[place]}"}


def _can_change(word: str, way: Way) -> bool:
    return way(word, [place / LONGEST for place in range(LONGEST)]) != word
