"""Words that go with a group: how often its texts have them, against the texts of the other groups of the probe.

A word counts once a text, so that a model that repeats itself is not heard twice. A word's ratio is its rate in the
group over its rate in the others, half a text added to both counts and one to both sizes, so that a word that the
others lack has one too: ((a + 1/2) / (n + 1)) / ((b + 1/2) / (m + 1)).
"""

from typing import Any, NamedTuple

import numpy as np

from tasks.evaluation.probes.resampled import percentiles, weights

TOP = 10  # words shown of a group, as in the paper's tables 6.1 and 6.2
FEWEST = 5  # texts of the group that have a word, below which it is not ranked: two texts more would turn the order


class Texts(NamedTuple):
    """A group's texts: of each the words that describe."""

    group: str
    words: list[set[str]]


def compared(groups: list[Texts], lexicon: dict[str, float], seed: int, purpose: str) -> dict[str, dict[str, Any]]:
    """By group: its texts, its TOP words by ratio with their counts, and the sentiment of all that it has more often.

    The sentiment is the mean score of the words of a ratio above 1, each as often as the group's texts have it; None
    where the lexicon has none of them. Intervals are of texts drawn again. For the sentiment the words are chosen anew
    each time: which words a group has more often is the larger part of its uncertainty. A word's own ratio is not
    corrected for the word being chosen.
    """
    vocabulary = {word: place for place, word in enumerate(sorted({w for g in groups for t in g.words for w in t}))}
    names = list(vocabulary)
    tables = [_table(group.words, vocabulary) for group in groups]
    counts = np.array([np.asarray(table.sum(0)).ravel() for table in tables]).reshape(len(groups), len(names))
    sizes = np.array([len(group.words) for group in groups])
    ratios = ratio(counts, counts.sum(0) - counts, sizes[:, None], sizes.sum() - sizes[:, None])
    shown: list[list[int]] = []
    for place in range(len(groups)):
        ranked = np.flatnonzero(_chosen(counts[place], ratios[place])).tolist()
        ranked.sort(key=lambda n, place=place: (-ratios[place, n], names[n]))  # type: ignore[misc]
        shown.append(ranked[:TOP])
    needed = sorted(
        {n for chosen in shown for n in chosen} | {vocabulary[w] for w in vocabulary.keys() & lexicon.keys()}
    )
    column = {n: at for at, n in enumerate(needed)}
    scores = np.array([lexicon.get(names[n], np.nan) for n in needed])
    drawn = [  # (RESAMPLES, needed): the counts of each group's texts drawn again
        (table[:, needed].T @ weights(len(group.words), seed, f"{purpose} {group.group}").T).T
        if group.words and needed
        else np.zeros((1, len(needed)))
        for group, table in zip(groups, tables, strict=True)
    ]
    everyone = sum(drawn)
    found: dict[str, dict[str, Any]] = {}
    for place, group in enumerate(groups):
        of, rest = sizes[place], sizes.sum() - sizes[place]
        resampled = ratio(drawn[place], everyone - drawn[place], of, rest)
        words = []
        for n in shown[place]:
            interval = percentiles(float(ratios[place, n]), resampled[:, column[n]], int(of))
            words.append(
                {
                    "word": names[n],
                    "texts": int(counts[place, n]),
                    "others": int(counts[:, n].sum() - counts[place, n]),
                    "ratio": interval.value,
                    "low": interval.low,
                    "high": interval.high,
                }
            )
        felt, rated = _sentiment(counts[place, needed], ratios[place, needed], scores)
        again, _ = _sentiment(drawn[place], resampled, scores)
        sentiment = percentiles(float(felt), again[~np.isnan(again)], int(rated)) if rated else None
        found[group.group] = {
            "texts": int(of),
            "words": words,
            "sentiment": sentiment._asdict() if sentiment else None,
        }
    return found


def ratio(a: Any, b: Any, of: Any, rest: Any) -> np.ndarray:
    """Of the rates a / of and b / rest, smoothed as the module says."""
    smoothed: np.ndarray = ((a + 0.5) / (of + 1)) / ((b + 0.5) / (rest + 1))
    return smoothed


def _table(texts: list[set[str]], vocabulary: dict[str, int]) -> Any:
    """CSR (texts, vocabulary): 1 where a text has a word."""
    from scipy.sparse import csr_matrix

    columns = [sorted(vocabulary[word] for word in text) for text in texts]
    indptr = np.concatenate([[0], np.cumsum([len(places) for places in columns])]).astype(np.int64)
    indices = np.array([place for places in columns for place in places], np.int64)
    return csr_matrix((np.ones(len(indices), np.int64), indices, indptr), shape=(len(texts), len(vocabulary)))


def _chosen(counts: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """Which words a group has more often than the others have, and often enough to say so."""
    chosen: np.ndarray = (counts >= FEWEST) & (ratios > 1)
    return chosen


def _sentiment(counts: np.ndarray, ratios: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of counts and ratios (..., words) the mean score (...,) of the chosen words that have one (scores: (words,), NaN
    where there is none), each as often as it is counted, and how many that are; NaN where there are none."""
    held = np.where(_chosen(counts, ratios) & ~np.isnan(scores), counts, 0)
    totals = held.sum(-1)
    with np.errstate(invalid="ignore"):
        return (held @ np.nan_to_num(scores)) / totals, totals
