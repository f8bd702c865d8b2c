"""Decision: `keep`, which documents of a source stay by quality and language. Reads no text.

A scored document is kept iff np.random.pareto(alpha) > 1 - score (GPT-3, appendix A). numpy's pareto is Lomax, whose
upper tail is P(X > x) = (1 + x)^-alpha; with x = 1 - score, kept iff u < (2 - score)^-alpha for a uniform u, which we
hash from seed and id. The score compared is the stored float32.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import KEEP, REASON, Decided, kept_before
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, read, read_column
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics


@statistics
class Kept(Decided):
    """`expected`: how many documents the draw lets stay on average, by their scores."""

    expected: float = 0.0


def keep_probability(score: np.ndarray, alpha: float) -> np.ndarray:
    """(2 - score)^-alpha, float64: .001953, .005041, .026012, .193807, .424098 at score 0, .2, .5, .8, .9 for 9."""
    return (2.0 - score.astype(np.float64)) ** -alpha


@stage(
    "keep",
    kind="decision",
    title="after quality",
    section="quality",
    columns=(KEEP, REASON, Column("draw", pa.float64(), "the uniform draw; null where none was made")),
    reasons={
        "quality": "its score is too low, or its draw was unlucky",
        "language": "it is in none of the source's languages, or not surely enough",
    },
)
def keep(
    job: Job,
    *,
    documents: Artifact,
    before: Artifact | None,
    scores: Artifact | None,
    pareto: float | None,
    threshold: float | None,
    languages: list[str] | dict[str, float] | None,
    seed: int,
) -> Kept:
    """Documents of a source that stay by quality and language. Without scores all stay that are in its languages.

    `languages`: codes, or the least score (float32, compared with the stored one) by code.
    """
    items = [(shard.key, shard) for shard in documents.shards()]
    settings = {"pareto": pareto, "threshold": threshold, "languages": languages, "seed": seed}
    return job.total(keep_shard, items, before=before, scores=scores, **settings)


def keep_shard(
    out: Output,
    shard: Shard,
    *,
    before: Artifact | None,
    scores: Artifact | None,
    pareto: float | None,
    threshold: float | None,
    languages: list[str] | dict[str, float] | None,
    seed: int,
) -> Kept:
    table = read(shard, ["id", "bytes", "language", "language_score"])
    rows = table.num_rows
    still_kept = kept_before(before, shard)
    good = np.ones(rows, bool)
    draw = pa.nulls(rows, pa.float64())
    expected = 0.0
    if scores is not None:
        score = read_column(scores, shard).column("score").to_numpy()
        if pareto is not None:
            u = uniform(table.column("id"), seed, "keep")
            probability = keep_probability(score, pareto)
            good, draw, expected = u < probability, pa.array(u), float(probability[still_kept].sum())
        elif threshold is not None:
            good = score >= np.float32(threshold)
    in_languages = np.ones(rows, bool)
    if languages is not None:
        least = languages if isinstance(languages, dict) else dict.fromkeys(languages, 0.0)
        place = pc.index_in(table.column("language"), pa.array(list(least), pa.string()))
        wanted = np.array([*least.values(), 0.0], np.float32)[pc.fill_null(place, len(least)).to_numpy()]
        sure = pc.fill_null(table.column("language_score"), 0.0).to_numpy() >= wanted
        in_languages = place.is_valid().to_numpy() & sure
    kept = still_kept & good & in_languages
    reason = np.full(rows, None, object)
    reason[still_kept & ~in_languages], reason[still_kept & ~good] = "language", "quality"
    out.of(shard)
    out.write(pa.table({"keep": kept, "reason": pa.array(reason, pa.string()), "draw": draw}))
    size = table.column("bytes").to_numpy()
    return Kept(
        documents=int(still_kept.sum()),
        bytes=int(size[still_kept].sum()),
        kept=int(kept.sum()),
        kept_bytes=int(size[kept].sum()),
        reasons={name: int((reason == name).sum()) for name in ("quality", "language")},
        expected=round(expected, 9),
    )
