"""The words for and against: what the classifier's largest weights stand for, found again in the sample.

A feature is the hash of a word, which does not tell the word. So the tokens of the sample whose features have the
largest weights are counted; a feature's word is its most frequent one, and others that share it are named.
"""

from functools import partial

import numpy as np
import pyarrow as pa

from tasks.quality import logit
from tasks.quality.drawn import Limits, Side, chosen
from tasks.quality.weights import Weights
from tasks.runtime.artifact import Shard
from tasks.runtime.job import Job
from tasks.runtime.shards import read
from tasks.runtime.statistics import statistics

TOLD = 30  # words for, and against
DOCUMENTS = 2_000  # of each side whose words are counted
OTHERS = 3  # words named beside a feature's own


@statistics
class Word:
    """The word of a feature ("" for the empty token, and for one that is too long to be shown), and its weight.

    `others`: further words that hash to the same feature, the most frequent ones.
    """

    word: str = ""
    weight: float = 0.0
    others: tuple[str, ...] = ()


def telling(job: Job, sides: list[Side], weights: Weights, how: dict[str, object]) -> list[tuple[Word, ...]]:
    """The words of the largest weights and of the least ones, each by falling distance from 0."""
    order = np.argsort(weights.weights, kind="stable")
    rising, falling = order[:TOLD], order[::-1][:TOLD]
    ends = [falling[weights.weights[falling] > 0], rising[weights.weights[rising] < 0]]
    wanted = np.zeros(len(weights.weights), bool)
    wanted[np.concatenate(ends)] = True
    counted: dict[int, dict[str, int]] = {}
    for side in sides:
        draws = side.drawn.draws
        last = float(draws[min(DOCUMENTS, len(draws)) - 1])
        limits = {language: min(limit, last) for language, limit in side.limits.items()}
        for part in job.engine.map(partial(tokens_of, limits=limits, wanted=wanted, how=how), side.shards):
            for feature, token, count in zip(*(part.column(name).to_pylist() for name in part.column_names)):  # noqa: B905
                words = counted.setdefault(feature, {})
                word = token.decode("utf-8", "replace").lower()
                words[word] = words.get(word, 0) + count
    return [tuple(_word(counted.get(int(n), {}), int(weights.weights[n])) for n in features) for features in ends]


def tokens_of(shard: Shard, *, limits: Limits, wanted: np.ndarray, how: dict[str, object]) -> pa.Table:
    """Columns feature, token, count: the wanted features' tokens in the sample's documents of a shard."""
    from tasks.kernels.spelled import spelled

    here, _, _ = chosen(shard, limits, **how)  # type: ignore[arg-type]
    text = read(shard, ["text"]).column("text").filter(pa.array(here))
    found = spelled(text, wanted).group_by(["feature", "token"]).aggregate([([], "count_all")])
    return found.select(["feature", "token", "count_all"])


def _word(words: dict[str, int], weight: int) -> Word:
    ranked = sorted(words, key=lambda word: (-words[word], word))
    return Word(next(iter(ranked), ""), float(f"{weight / logit.SCALE:.4g}"), tuple(ranked[1 : 1 + OTHERS]))
