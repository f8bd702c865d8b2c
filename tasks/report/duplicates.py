"""Duplicates: removals by reason, clusters (a document that stays, and its copies), how often these count in training,
what is found of planted copies, and some removals' texts."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import takewhile
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.dedup.recall import BINS as RECALL_BINS
from tasks.dedup.recall import Recalled, jaccard
from tasks.dedup.recall import recall as recall_stage
from tasks.dedup.signatures import signatures as signatures_stage
from tasks.dedup.survivors import Survived
from tasks.dedup.survivors import survivors as survivors_stage
from tasks.dedup.verdicts import SIZES
from tasks.report.clusters import by_size, count_by_size, in_training
from tasks.report.figures import BINS, middles
from tasks.report.given import Given, ShardColumns
from tasks.report.palette import SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.artifact import Shard
from tasks.runtime.job import Job
from tasks.runtime.shards import batches, read, read_column

OFFERED = 40  # near removals of a shard that may be shown side by side
SIDE_BY_SIDE = 10
CHARACTERS = 200
LARGEST = 5  # clusters that are named


@dataclass(frozen=True)
class Removal:
    """A near copy that left: its id and row, and the document that stays."""

    similarity: float
    id: str
    duplicate_of: str
    row: int


@dataclass(frozen=True)
class Copied:
    """The documents for which most left (copies, id), near removals by similarity, and some that may be shown; and
    documents that stay, and their bytes, by the size of their cluster."""

    largest: tuple[tuple[int, str], ...]
    near: tuple[int, ...]
    offered: tuple[Removal, ...]
    stay: tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Deduplication:
    """With what parameters copies were looked for."""

    bands: int
    rows: int
    threshold: float
    permutations: int
    shingle: int


def deduplication(given: Given) -> Deduplication | None:
    """As the first source had it; conf gives all the same."""
    survivors, signatures = given.decided(survivors_stage), given.measured(signatures_stage)
    for source in survivors:
        if source in signatures:
            decided = survivors[source].manifest["parameters"]
            signed = signatures[source].manifest["parameters"]
            return Deduplication(
                decided["bands"], decided["rows"], decided["threshold"], signed["permutations"], signed["shingle"]
            )
    return None


def count(columns: ShardColumns) -> Copied:
    survivors = columns.decision(survivors_stage)
    if survivors is None:
        return Copied((), (0,) * BINS, (), count_by_size(columns))
    table = read_column(survivors, columns.shard, ["reason", "duplicate_of", "similarity", "copies"])
    copies = table.column("copies").to_numpy()
    most = np.argsort(-copies, kind="stable")[:LARGEST]
    most = most[copies[most] > 0]
    named = read(columns.shard, ["id"]).column("id").take(pa.array(most)).to_pylist() if len(most) else []
    rows = np.flatnonzero(table.column("duplicate_of").is_valid().to_numpy())
    gone = table.take(pa.array(rows))
    near = np.flatnonzero(gone.column("reason").to_numpy(zero_copy_only=False) == "near")
    similarity = gone.column("similarity").to_numpy()
    # Spread over the similarities, in an order that no worker count changes.
    order = near[np.lexsort((rows[near], similarity[near]))]
    chosen = order[np.unique(np.linspace(0, len(order) - 1, min(OFFERED, len(order))).round().astype(int))]
    ids = read(columns.shard, ["id"]).column("id").take(pa.array(rows[chosen])) if len(chosen) else []
    offered = tuple(
        Removal(
            round(float(similarity[place]), 6),
            id.as_py(),
            gone.column("duplicate_of")[int(place)].as_py(),
            int(rows[place]),
        )
        for place, id in zip(chosen, ids, strict=True)
    )
    bins = np.minimum((similarity[near] * BINS).astype(int), BINS - 1)
    largest = tuple(zip(copies[most].tolist(), named, strict=True))
    return Copied(largest, tuple(np.bincount(bins, minlength=BINS).tolist()), offered, count_by_size(columns))


def gather(job: Job, given: Given, counted: list[Counted[Copied]]) -> Content:
    sources = []
    for source, survivors in given.decided(survivors_stage).items():
        counts = survivors.counts(Survived)
        sources.append(
            {
                "source": source,
                "documents": counts.documents,
                "kept": counts.kept,
                "buckets": counts.buckets,
                "split": counts.split,
                "pairs": counts.pairs,
                "verified": counts.verified,
                "lost": round(counts.lost, 3),
                "reasons": counts.reasons,
            }
        )
    sizes = np.sum([of.counts(Survived).clusters for of in given.decided(survivors_stage).values()], axis=0, dtype=int)
    largest = sorted((row for each in counted for row in each.counts.largest), key=lambda row: (-row[0], row[1]))
    how = deduplication(given)
    return {
        "how": asdict(how) if how else None,
        "reasons": given.reasons(survivors_stage.name),
        "sources": sources,
        "clusters": [
            {"from": low, "to": high - 1 if high else None, "clusters": int(number)}
            for low, high, number in zip(SIZES, (*SIZES[1:], 0), sizes, strict=sizes.ndim > 0)
        ],
        "stay": by_size(given, [each.counts.stay for each in counted]),
        "training": in_training(given),
        "largest": [{"id": id, "size": copies + 1} for copies, id in largest[:LARGEST]],
        "recall": recalled(given, how.threshold if how else 0.0),
        "near": np.sum([each.counts.near for each in counted], axis=0, dtype=int).tolist() if counted else [0] * BINS,
        "shown": side_by_side(job, counted, how.shingle if how else 1),
    }


def recalled(given: Given, threshold: float) -> dict[str, Any] | None:
    """Of planted copies: by similarity, how many and how many of them are found; recall above the threshold."""
    measured = [of.counts(Recalled) for of in given.named(recall_stage).values()]
    if not measured:
        return None
    pairs, found = (np.sum([getattr(of, name) for of in measured], axis=0) for name in ("pairs", "found"))
    above = np.arange(RECALL_BINS) / RECALL_BINS >= threshold - 1e-9
    decided = [of.counts(Survived) for of in given.decided(survivors_stage).values()]
    verified, lost = sum(of.verified for of in decided), sum(of.lost for of in decided)
    return {
        "documents": sum(of.documents for of in measured),
        "pairs": pairs.tolist(),
        "found": found.tolist(),
        "above": int(pairs[above].sum()),
        "found_above": int(found[above].sum()),
        "below": int(pairs[~above].sum()),
        "found_below": int(found[~above].sum()),
        "apart": sum(of.apart for of in measured),
        "alike": sum(of.alike for of in measured),
        "left_by_splits": round(verified / (verified + lost), 6) if verified else 1.0,
    }


def side_by_side(job: Job, counted: list[Counted[Copied]], shingle: int) -> list[dict[str, Any]]:
    """Up to ten near removals, spread over the similarities, each beside the document that stays; and how similar the
    two are by their sets of shingles, which signatures estimate."""
    from tasks.kernels.minhash import shingle_hashes

    offered = [(removal, each.of) for each in counted for removal in each.counts.offered]
    offered.sort(key=lambda pair: (pair[0].similarity, pair[0].id))
    wanted = min(SIDE_BY_SIDE, len(offered))
    chosen = [offered[round(place * (len(offered) - 1) / max(1, wanted - 1))] for place in range(wanted)]
    where: dict[str, tuple[Shard, int]] = {}
    for source in dict.fromkeys(each.of.source for each in counted):
        ids = sorted({removal.duplicate_of for removal, _ in chosen if _source(removal.duplicate_of) == source})
        if ids:
            shards = [each.of.shard for each in counted if each.of.source == source]
            for shard, rows in zip(shards, job.engine.map(partial(rows_of, ids=ids), shards), strict=True):
                where |= {id: (shard, row) for id, row in rows.items()}
    pairs = []
    for removal, columns in chosen:
        text = excerpt(columns.shard, removal.row)
        witness = excerpt(*where[removal.duplicate_of]) if removal.duplicate_of in where else ""
        both = pa.array([text, witness], pa.large_string())
        sets = [shingle_hashes(both, row, shingle) for row in range(2)]
        differs = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, witness, strict=False)))
        pairs.append(
            {"id": removal.id, "duplicate_of": removal.duplicate_of, "similarity": removal.similarity}
            | {"jaccard": round(jaccard({*sets[0].tolist()}, sets[1]), 6)}
            | {"text": text[:CHARACTERS], "witness": witness[:CHARACTERS], "differs": differs}
            | {"text_there": _around(text, differs), "witness_there": _around(witness, differs)}
        )
    return pairs


def _source(id: str) -> str:
    return id.partition(":")[0]


def _around(text: str, place: int) -> str:
    """What stands where two texts first differ, if that is behind what is shown of their beginnings."""
    return text[place - 20 : place + CHARACTERS - 20] if place > CHARACTERS - 40 else ""


def excerpt(shard: Shard, row: int) -> str:
    """The text of one row, read by batch."""
    for batch in batches(shard, ["text"]):
        if row < batch.num_rows:
            return batch.column("text")[row].as_py() or ""
        row -= batch.num_rows
    raise IndexError(f"{shard.name} has no such row")


def rows_of(shard: Shard, *, ids: list[str]) -> dict[str, int]:
    """The rows of a shard that have one of these ids. Runs in a worker."""
    column = read(shard, ["id"]).column("id")
    rows = pc.index_in(pa.array(ids, column.type), value_set=column.combine_chunks()).to_pylist()
    return {id: row for id, row in zip(ids, rows, strict=True) if row is not None}


def lines(content: Content) -> Iterator[str]:
    if content["sources"]:
        gone = {
            reason: sum(row["reasons"].get(reason, 0) for row in content["sources"]) for reason in content["reasons"]
        }
        clusters = sum(row["clusters"] for row in content["clusters"])
        recall = content["recall"]
        if recall and recall["above"]:
            share = recall["found_above"] / recall["above"] * recall["left_by_splits"]
            yield f"Copies found: {share:.1%} of {recall['above']:,} planted above the threshold"
        yield f"Copies removed: {', '.join(f'{n:,} {reason}' for reason, n in gone.items())}; {clusters:,} clusters"
    if content["training"]:
        written, read = (sum(row[key] for row in content["training"]) for key in ("tokens", "tokens_read"))
        yield f"Copies that count: {written:,} tokens of train are read as {read:,} an epoch"


def figures(content: Content) -> dict[str, Plot]:
    plots: dict[str, Plot] = {}
    if sum(content["near"]):
        plots["similarity"] = partial(_similarity, content=content)
    if content["recall"] and sum(content["recall"]["pairs"]):
        plots["recall"] = partial(_recall, content=content)
    return plots


def _similarity(axes: Any, content: Content) -> None:
    axes.bar(middles(), content["near"], 0.9 / BINS, color=SERIES[0])
    threshold = content["how"]["threshold"] if content["how"] else None
    if threshold is not None:
        axes.axvline(threshold, color=SERIES[1], linewidth=1)
    axes.set(title="Similarity of near removals to what stays", xlabel="share of equal MinHashes", ylabel="documents")
    axes.set_xlim(min(0.5, (threshold or 0.5) - 0.1), 1)


def _recall(axes: Any, content: Content) -> None:
    pairs, found = np.array(content["recall"]["pairs"]), np.array(content["recall"]["found"])
    some = np.flatnonzero(pairs)
    axes.plot((some + 0.5) / RECALL_BINS, found[some] / pairs[some], marker="o", color=SERIES[0])
    if content["how"]:
        axes.axvline(content["how"]["threshold"], color=SERIES[1], linewidth=1)
    axes.set(title="Planted copies that are found", xlabel="Jaccard similarity of shingles", ylabel="share")
    axes.set_xlim(0.3, 1)
    axes.set_ylim(0, 1.02)


DUPLICATES = Section("duplicates", "Duplicates", gather, count, figures, lines)
