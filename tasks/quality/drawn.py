"""Which documents the classifier learns from: a sample of each side, language by language.

Documents of the validation split are left out; of the others the smallest draws (a hash of seed and id) are taken.
What language a page is in says nothing of how good it is. So raw documents are drawn a language apart, in the good
ones' proportions (of a language that has fewer, all), and are weighed so that both sides count alike in each language;
documents of a language that one side lacks are left out. A document of unknown language is one of "" there. Where
languages are `mixed` (preset gpt3, as the paper) every document is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.job import Job
from tasks.runtime.shards import read

Limits = dict[str, float]  # by language: the greatest draw that is taken


@dataclass(frozen=True)
class Drawn:
    """A sample's rows in the order of their draws, and term frequencies as CSR (indptr, indices, counts)."""

    draws: np.ndarray  # float64
    languages: np.ndarray  # str
    sources: np.ndarray  # str
    sites: np.ndarray  # str: the URL's host, else the document's id
    indptr: np.ndarray
    indices: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.draws)


@dataclass(frozen=True)
class Side:
    """One side's sample: where its documents are, up to which draw they are taken, and what was read of them."""

    shards: list[Shard]
    limits: Limits
    drawn: Drawn


def draw_both(
    job: Job,
    good: list[Artifact],
    raw: list[Artifact],
    *,
    sample: int,
    features: int,
    validation: float,
    seed: int,
    mixed: bool,
) -> tuple[list[Side], dict[str, int]]:
    """Good and raw sample, and how many good documents are left out, by language, since the raw side lacks it."""
    how = {"validation": validation, "seed": seed, "mixed": mixed}
    sides = [[shard for artifact in artifacts for shard in artifact.shards()] for artifacts in (good, raw)]
    best = _smallest(_draws_of(job, sides[0], wanted=sample, languages=None, **how), sample)
    counts = {language: len(draws) for language, draws in best.items()}
    wanted = {language: -(-sample * count // sum(counts.values())) for language, count in counts.items()}
    matching = _draws_of(job, sides[1], wanted=sample, languages=wanted, **how)
    matched = {language: draws[: wanted[language]] for language, draws in matching.items() if len(draws)}
    left_out = {language: count for language, count in counts.items() if language not in matched}
    best = {language: draws for language, draws in best.items() if language in matched}
    samples = []
    for shards, side in zip(sides, (best, matched), strict=True):
        limits = {language: float(draws[-1]) for language, draws in side.items()}
        parts = job.engine.map(partial(features_of, limits=limits, features=features, how=how), shards)
        samples.append(Side(shards, limits, _joined(parts)))
    return samples, left_out


def balanced(languages: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Weights float64 (documents,): in each language both sides weigh the same, together as many as they are.

    0 where a language has one side only.
    """
    names, language = np.unique(languages, return_inverse=True)
    count = np.zeros((len(names), 2), np.int64)
    np.add.at(count, (language, good.astype(int)), 1)
    both = count.sum(axis=1) * (count > 0).all(axis=1)
    return (both / 2)[language] / count[language, good.astype(int)]


def _smallest(draws: dict[str, np.ndarray], sample: int) -> dict[str, np.ndarray]:
    """Of all languages' draws together the `sample` smallest."""
    together = np.sort(np.concatenate([np.zeros(0), *draws.values()]))[:sample]
    last = together[-1] if len(together) else -1.0
    kept = {language: values[values <= last] for language, values in draws.items()}
    return {language: values for language, values in kept.items() if len(values)}


def _draws_of(job: Job, shards: list[Shard], **how: Any) -> dict[str, np.ndarray]:
    """By language, in its order: all shards' draws, ascending."""
    found: dict[str, list[np.ndarray]] = {}
    for part in job.engine.map(partial(draws_of, **how), shards):
        for language, draws in part.items():
            found.setdefault(language, []).append(draws)
    return {language: np.sort(np.concatenate(found[language])) for language in sorted(found)}


def draws_of(
    shard: Shard, *, wanted: int, languages: dict[str, int] | None, validation: float, seed: int, mixed: bool
) -> dict[str, np.ndarray]:
    """A shard's smallest draws by language: `wanted` together, or as many as `languages` says of each.

    What leaves them cannot be among the smallest of all shards.
    """
    draws, names = _rows(shard, validation, seed, mixed)
    if languages is None:
        kept = np.zeros(len(draws), bool)
        kept[np.argsort(draws, kind="stable")[:wanted]] = True
        kept &= draws < 1
        return {str(name): np.sort(draws[kept & (names == name)]) for name in np.unique(names[kept])}
    return {name: np.sort(draws[(names == name) & (draws < 1)])[:count] for name, count in languages.items()}


def _rows(shard: Shard, validation: float, seed: int, mixed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Draws and languages; documents of the validation split have the draw 1, which no limit reaches."""
    table = read(shard, ["id", "language"])
    ids = table.column("id")
    draws = np.where(uniform(ids, seed, "split") < validation, 1.0, uniform(ids, seed, "classifier"))
    if mixed:
        return draws, np.full(len(draws), "", object)
    return draws, pc.fill_null(table.column("language"), "").to_numpy(zero_copy_only=False)


def chosen(shard: Shard, limits: Limits, *, validation: float, seed: int, mixed: bool) -> tuple[np.ndarray, ...]:
    """(bool (rows,), draws, languages): which rows of a shard are of the sample."""
    draws, languages = _rows(shard, validation, seed, mixed)
    limit = np.array([limits.get(language, -1.0) for language in languages], np.float64)
    return draws <= limit, draws, languages


def features_of(shard: Shard, *, limits: Limits, features: int, how: dict[str, Any]) -> Drawn:
    """The sample's rows of a shard."""
    from tasks.kernels.features import term_frequencies

    here, draws, languages = chosen(shard, limits, **how)
    rows = read(shard, ["id", "url"]).filter(pa.array(here))
    ids, urls = rows.column("id").to_pylist(), rows.column("url").to_pylist()
    text = read(shard, ["text"]).column("text").filter(pa.array(here))
    return Drawn(
        draws[here],
        languages[here],
        np.array([id.partition(":")[0] for id in ids], object),
        np.array(list(_sites(ids, urls)), object),
        *term_frequencies(pc.fill_null(text, "").combine_chunks(), features),
    )


def _sites(ids: list[str], urls: list[str | None]) -> Iterator[str]:
    for id, url in zip(ids, urls, strict=True):
        try:
            yield (urlsplit(url).hostname if url else None) or id
        except ValueError:  # a URL that is none, such as http://[
            yield id


def _joined(parts: list[Drawn]) -> Drawn:
    """One sample, in the order of the draws, so that the sharding does not show."""
    draws = np.concatenate([np.zeros(0), *(part.draws for part in parts)])
    order = np.argsort(draws, kind="stable")
    sizes = np.concatenate([np.zeros(0, np.int64), *(np.diff(part.indptr) for part in parts)])
    starts = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    indptr = np.concatenate([[0], np.cumsum(sizes[order])])
    within = np.arange(indptr[-1]) - np.repeat(indptr[:-1], sizes[order])
    places = np.repeat(starts[order], sizes[order]) + within
    languages, sources, sites = (
        np.concatenate([np.zeros(0, object), *(getattr(part, name) for part in parts)])[order]
        for name in ("languages", "sources", "sites")
    )
    indices = np.concatenate([np.zeros(0, np.int32), *(part.indices for part in parts)])[places]
    counts = np.concatenate([np.zeros(0, np.int32), *(part.counts for part in parts)])[places]
    return Drawn(draws[order], languages, sources, sites, indptr, indices, counts)
