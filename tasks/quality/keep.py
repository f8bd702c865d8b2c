"""Decision: `keep`, which documents of a source stay by quality and language. Reads no text.

A scored document is kept iff np.random.pareto(alpha) > 1 - score (GPT-3, appendix A). numpy's pareto is Lomax, whose
upper tail is P(X > x) = (1 + x)^-alpha; with x = 1 - score, kept iff u < (2 - score)^-alpha for a uniform u, which we
hash from seed and id. The score compared is the stored float32.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels.draw import uniform
from tasks.runtime.shards import add, read, read_column
from tasks.runtime.stage import Artifact, Job, Output, Shard, stage


def keep_probability(score: np.ndarray, alpha: float) -> np.ndarray:
    """(2 - score)^-alpha, float64: .001953, .005041, .026012, .193807, .424098 at score 0, .2, .5, .8, .9 for 9."""
    return (2.0 - score.astype(np.float64)) ** -alpha


@stage("keep", libraries=("numpy",))
def keep(
    job: Job,
    *,
    documents: Artifact,
    scores: Artifact | None,
    pareto: float | None,
    threshold: float | None,
    languages: list[str] | None,
    seed: int,
) -> dict[str, Any]:
    """Columns `keep`, `reason` (quality, language) and `draw` (null where none was made). Without scores all stay."""
    items = [(shard.key, shard) for shard in documents.shards()]
    return add(
        job.map(keep_shard, items, scores=scores, pareto=pareto, threshold=threshold, languages=languages, seed=seed)
    )


def keep_shard(
    out: Output,
    shard: Shard,
    *,
    scores: Artifact | None,
    pareto: float | None,
    threshold: float | None,
    languages: list[str] | None,
    seed: int,
) -> dict[str, Any]:
    table = read(shard, ["id", "bytes", "language"])
    rows = table.num_rows
    good = np.ones(rows, bool)
    draw = pa.nulls(rows, pa.float64())
    expected = 0.0
    if scores is not None:
        score = read_column(scores, shard).column("score").to_numpy()
        if pareto is not None:
            u = uniform(table.column("id"), seed, "keep")
            probability = keep_probability(score, pareto)
            good, draw, expected = u < probability, pa.array(u), float(probability.sum())
        elif threshold is not None:
            good = score >= np.float32(threshold)
    spoken = np.ones(rows, bool)
    if languages is not None:
        spoken = pc.fill_null(pc.is_in(table.column("language"), pa.array(languages, pa.string())), False).to_numpy()
    kept = good & spoken
    reason = np.full(rows, None, object)
    reason[~spoken], reason[~good] = "language", "quality"
    out.of(shard)
    out.write(pa.table({"keep": kept, "reason": pa.array(reason, pa.string()), "draw": draw}))
    size = table.column("bytes").to_numpy()
    return {
        "documents": rows,
        "bytes": int(size.sum()),
        "kept": int(kept.sum()),
        "kept_bytes": int(size[kept].sum()),
        "expected": round(expected, 9),
        "reasons": {name: int((reason == name).sum()) for name in ("quality", "language")},
    }
