"""Decision: `keep`, which documents of a source stay by quality, language, and rules on what was counted of them.

Reads no text.

A scored document is kept iff np.random.pareto(alpha) > 1 - score (GPT-3, appendix A). numpy's pareto is Lomax, whose
upper tail is P(X > x) = (1 + x)^-alpha; with x = 1 - score, kept iff u < (2 - score)^-alpha for a uniform u, which we
hash from seed and id. The score compared is the stored float32.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels.draw import uniform
from tasks.quality.rules import REASONS, RULES, reason_of, stays, value_of
from tasks.quality.told import tell_keep
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import KEEP, REASON, Decided, kept_before
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, read, read_column
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics

Limits = dict[str, dict[str, dict[str, float]]]  # by measure and rule: `min`, `max` or both


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
    drawn=("quality",),
    tell=tell_keep,
    columns=(KEEP, REASON, Column("draw", pa.float64(), "the uniform draw; null where none was made")),
    reasons={
        "quality": "its score is too low, or its draw was unlucky",
        "language": "it is in none of the source's languages, or not surely enough",
        **REASONS,
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
    measures: dict[str, Artifact] | None = None,
    rules: Limits | None = None,
) -> Kept:
    """Documents of a source that stay by quality, language and rules. Without any of them all stay.

    `languages`: codes, or the least score (float32, compared with the stored one) by code. `rules`: limits by measure
    and rule (rules.py), of the `measures` that are given. Of several reasons the first is told: quality, language, then
    rules in the order of rules.py.
    """
    items = [(shard.key, shard) for shard in documents.shards()]
    settings = {"pareto": pareto, "threshold": threshold, "languages": languages, "seed": seed}
    counted = {"measures": measures or {}, "rules": rules or {}}
    return job.total(keep_shard, items, before=before, scores=scores, **settings, **counted)


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
    measures: dict[str, Artifact],
    rules: Limits,
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
    verdicts = {"quality": good, "language": in_languages, **_by_rules(shard, measures, rules)}
    kept, reason = still_kept.copy(), np.full(rows, None, object)
    for name, stay in verdicts.items():
        reason[kept & ~stay] = name
        kept &= stay
    out.of(shard)
    out.write(pa.table({"keep": kept, "reason": pa.array(reason, pa.string()), "draw": draw}))
    size = table.column("bytes").to_numpy()
    return Kept(
        documents=int(still_kept.sum()),
        bytes=int(size[still_kept].sum()),
        kept=int(kept.sum()),
        kept_bytes=int(size[kept].sum()),
        reasons={name: int((reason == name).sum()) for name in verdicts},
        expected=round(expected, 9),
    )


def _by_rules(shard: Shard, measures: dict[str, Artifact], rules: Limits) -> dict[str, np.ndarray]:
    """By reason, in the order of rules.py, which rows (bool) stay."""
    verdicts = {}
    for measure, known in RULES.items():
        limits = {name: rules[measure][name] for name in known if name in rules.get(measure, {})}
        if not limits:
            continue
        names = dict.fromkeys(column for name in limits for column in (known[name].count, known[name].of) if column)
        columns = read_column(measures[measure], shard, list(names))
        for name, within in limits.items():
            verdicts[reason_of(measure, name)] = stays(value_of(known[name], columns), within)
    return verdicts
