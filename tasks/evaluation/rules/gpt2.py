"""GPT-2, section 4: how many of an item's 8-grams a Bloom filter of the training text holds.

The paper's strings are "lower-cased alphanumeric words with a single space as a delimiter", its rate 1 in 10^8. It
reports the share of a set's grams, and calls no item dirty. Here one is from a share of DIRTY_SHARE on: PaLM's rule
(Chowdhery et al. 2022, section 8), which is of 8-grams too. Words are ours (plain.py).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.evaluation.rolling import Sums
from tasks.evaluation.rules.bloom import Asked, Bloom
from tasks.evaluation.rules.rule import CLEAN, DIRTY, UNCHECKABLE, Benchmarks, Block, Verdict
from tasks.evaluation.sought import words_of

WORDS = 8
RATE = 1e-8
DIRTY_SHARE = 0.7
GRAMS_A_TOKEN = 2  # room: English has .7 words a token, Chinese by a byte-level BPE of its own some 1.5
AT_ONCE = 1_000_000  # bytes of words hashed at a time
_FOLD, _MIX, _MIX_AGAIN = np.uint64(32), np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)


@dataclass(frozen=True)
class Gpt2:
    """The bits of the filter that the items' grams ask for; of each benchmark, its items' grams among those asked."""

    asked: Asked
    items: dict[str, list[np.ndarray]]

    @classmethod
    def of(cls, benchmarks: Benchmarks, tokens: int) -> "Gpt2":
        """`tokens`: of the training text, by which the filter is made large enough."""
        hashes = {name: [grams(words_of(text)) for text in items.texts] for name, items in benchmarks.items()}
        every = [one for items in hashes.values() for one in items]
        known = np.unique(np.concatenate(every)) if every else np.zeros(0, np.uint64)
        places = {name: [np.searchsorted(known, one) for one in items] for name, items in hashes.items()}
        return cls(Asked.by(Bloom.of(GRAMS_A_TOKEN * tokens, RATE), known), places)

    def nothing(self) -> np.ndarray:
        return self.asked.nothing()

    def look(self, block: Block, met: np.ndarray) -> None:
        self.asked.add(grams(block.words), met)

    def size(self, benchmark: str) -> int:
        return WORDS

    def verdicts(self, benchmark: str, met: np.ndarray) -> list[Verdict]:
        has = self.asked.has(met)
        found = [(len(places), int(has[places].sum())) for places in self.items[benchmark]]
        return [
            Verdict(UNCHECKABLE if not all_ else DIRTY if of >= DIRTY_SHARE * all_ else CLEAN, all_, of)
            for all_, of in found
        ]


def grams(words: pa.Array) -> np.ndarray:
    """uint64: a hash of every WORDS words in a row, of binary without gaps."""
    return _mixed(Sums.of(_hashes(words)).windows(WORDS))


def _hashes(words: pa.Array) -> np.ndarray:
    """uint64: a hash of each word."""
    if not len(words):
        return np.zeros(0, np.uint64)
    _, offsets, data = words.buffers()
    places = np.frombuffer(offsets, np.int32)[words.offset : words.offset + len(words) + 1].astype(np.int64)
    content = np.frombuffer(data, np.uint8)
    out = np.empty(len(words), np.uint64)
    first = 0
    while first < len(words):
        last = max(first + 1, int(np.searchsorted(places, places[first] + AT_ONCE, "right")) - 1)
        start = places[first]
        sums = Sums.of(content[start : places[last]])
        out[first:last] = sums.between(places[first:last] - start, places[first + 1 : last + 1] - start)
        first = last
    return _mixed(out)


def _mixed(hashes: np.ndarray) -> np.ndarray:
    """MurmurHash3's finaliser: sums of neighbours must not lie near each other."""
    mixed = (hashes ^ (hashes >> _FOLD)) * _MIX
    mixed = (mixed ^ (mixed >> _FOLD)) * _MIX_AGAIN
    return mixed ^ (mixed >> _FOLD)
