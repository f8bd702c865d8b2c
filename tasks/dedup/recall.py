"""`recall`: how much of what is copied would be found, measured on the corpus at hand.

Of a source's survivors, a sample chosen by hash; of each document edited copies are made in memory (words replaced by
words of another document of the sample), at several distances. Their exact Jaccard similarity to the original is taken
from the sets of shingles, and each pair is put to what `survivors` asks: do they share a band, do enough rows agree?
Above the threshold the share found is the recall, below it how often a pair passes that should not. What the split of
full buckets costs comes on top: `survivors` estimates it for all pairs (`lost`). Pairs of different documents of the
sample are asked, too: all of them stay, so one that agrees in enough rows is a copy that was not met.
"""

import numpy as np
import pyarrow as pa

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, batches, read_column
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

SHARDS = 8  # that the sample is taken from, at most: all text of a corpus is not read for a sample of it
ROWS = 16_384  # of a shard's beginning
CHARACTERS = 20_000  # of a long document its beginning: a book's eleven copies would take seconds
SIMILARITIES = (0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)  # copies are aimed at these
BINS = 20


@statistics
class Recalled:
    """By twentieths of exact Jaccard similarity: planted `pairs`, those that `meet` in a band, and those `found`.

    `documents`: in the sample; `apart`: pairs of different ones, and how many of them agree in enough rows (`alike`).
    """

    documents: int = 0
    pairs: tuple[int, ...] = (0,) * BINS
    meet: tuple[int, ...] = (0,) * BINS
    found: tuple[int, ...] = (0,) * BINS
    apart: int = 0
    alike: int = 0


@stage("recall", kind="fit", section="duplicates", libraries=("numpy",))
def recall(
    job: Job,
    *,
    documents: Artifact,
    survivors: Artifact,
    sample: int,
    shingle: int,
    permutations: int,
    bands: int,
    rows: int,
    threshold: float,
    seed: int,
) -> Recalled:
    """What deduplication finds of copies planted into a sample of a source."""
    from tasks.kernels.draw import uniform

    shards = documents.shards()
    drawn = uniform([shard.key for shard in shards], seed, "recall")
    chosen = [shards[n] for n in sorted(np.argsort(drawn, kind="stable")[:SHARDS])]
    given = {"survivors": survivors, "seed": seed, "sample": -(-sample // max(1, len(chosen)))}
    how = {"shingle": shingle, "permutations": permutations, "bands": bands, "rows": rows, "threshold": threshold}
    return job.total(recall_shard, [(shard.key, shard) for shard in chosen], **given, **how)


def recall_shard(
    out: Output,
    shard: Shard,
    *,
    survivors: Artifact,
    sample: int,
    shingle: int,
    permutations: int,
    bands: int,
    rows: int,
    threshold: float,
    seed: int,
) -> Recalled:
    from tasks.kernels import minhash

    texts = sampled(shard, survivors, sample, seed)
    how = (shingle, permutations, seed)
    originals = pa.array(texts, pa.large_string())
    signed, shingles, _ = minhash.signatures(originals, *how)
    made = [copy for n, text in enumerate(texts) for copy in copies(text, texts[n - 1], shingle, seed + n)]
    copied = pa.array(made, pa.large_string())
    of = np.repeat(np.arange(len(texts)), len(SIMILARITIES))
    other, others, _ = minhash.signatures(copied, *how)
    sets = [set(minhash.shingle_hashes(originals, n, shingle).tolist()) for n in range(len(texts))]
    exact = np.array([jaccard(sets[n], minhash.shingle_hashes(copied, row, shingle)) for row, n in enumerate(of)])
    asked = (shingles[of] > 0) & (others > 0)
    same = signed[of] == other
    meet = asked & same[:, : bands * rows].reshape(-1, bands, rows).all(axis=2).any(axis=1)
    found = meet & (same.mean(axis=1) >= threshold)
    place = np.minimum((exact * BINS).astype(int), BINS - 1) if len(exact) else np.zeros(0, int)
    alike, long = 0, signed[shingles > 0]
    for n in range(1, len(long)):
        alike += int(((long[:n] == long[n]).mean(axis=1) >= threshold).sum())
    pairs, met, passed = (tuple(np.bincount(place[of], minlength=BINS).tolist()) for of in (asked, meet, found))
    out.write(pa.table({"jaccard": exact[asked], "agreement": same[asked].mean(axis=1), "meet": meet[asked]}))
    return Recalled(len(texts), pairs, met, passed, apart=len(long) * (len(long) - 1) // 2, alike=alike)


def sampled(shard: Shard, survivors: Artifact, sample: int, seed: int) -> list[str]:
    """Texts of the survivors with the least draws among the shard's first rows."""
    from tasks.kernels.draw import uniform

    keep = read_column(survivors, shard, ["keep"]).column("keep").to_numpy()
    found: list[tuple[float, str]] = []
    first = 0
    for batch in batches(shard, ["id", "text"]):
        kept = np.flatnonzero(keep[first : first + batch.num_rows])
        drawn = uniform(batch.column("id").take(pa.array(kept)), seed, "recall")
        first += batch.num_rows
        best = np.argsort(drawn, kind="stable")[:sample]
        found += [(float(drawn[n]), batch.column("text")[int(kept[n])].as_py()[:CHARACTERS]) for n in best]
        found = sorted(found)[:sample]
        if first >= ROWS:
            break
    return [text for _, text in found]


def copies(text: str, other: str, shingle: int, seed: int) -> list[str]:
    """Edited copies, one for each of SIMILARITIES.

    A share r of the words is replaced; of shingles of k words (1 - r)^k = x stay, and x / (2 - x) is the Jaccard
    similarity that this gives.
    """
    words, theirs = text.split(), other.split() or [""]
    draws = np.random.Generator(np.random.Philox(seed)).random((2, len(words)))  # nearer copies have fewer of its edits
    place = (draws[1] * len(theirs)).astype(int).tolist()
    made = []
    for similarity in SIMILARITIES:
        replaced = 1 - (2 * similarity / (1 + similarity)) ** (1 / shingle)
        edited = draws[0] < replaced
        made.append(" ".join(theirs[place[n]] if edit else words[n] for n, edit in enumerate(edited.tolist())))
    return made


def jaccard(left: set[int], right: np.ndarray) -> float:
    both = {*right.tolist()}
    return len(left & both) / max(1, len(left | both))
