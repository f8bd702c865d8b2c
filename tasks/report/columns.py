"""What the report reads of one shard: its columns, its rejects, and the rows that were planted. Runs in a worker.

Every number is counted from columns, by row; what was planted is joined by URL.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.dedup.signatures import unfixed
from tasks.evaluation.overlap import grams_of, words
from tasks.quality.keep import keep_probability
from tasks.runtime.shards import batches, read, read_column
from tasks.runtime.store import Artifact, Shard
from tasks.sources.rejects import DAMAGE
from tasks.tokens.pieces import left

BINS = 20
SHOWN = 40  # near removals of a shard that may be shown side by side


@dataclass(frozen=True)
class Place:
    """A shard and the columns that stand beside it; None where a stage is absent."""

    source: str
    shard: Shard
    documents: Artifact
    scores: Artifact | None
    keeps: Artifact | None
    survivors: Artifact | None
    hits: Artifact | None
    cuts: Artifact | None
    signatures: Artifact | None
    frequent: Path | None


@dataclass(frozen=True)
class Wanted:
    """What was planted, as far as a shard's rows are looked up by it."""

    urls: frozenset[str]  # of copies, their originals, and leaks
    pairs: frozenset[str]  # of copies and their originals: their signatures are fetched
    leaks: tuple[dict[str, Any], ...]
    n: int  # words a gram


def facts(place: Place, *, alpha: float | None, wanted: Wanted | None) -> dict[str, Any]:
    """Counts of one shard; see the functions below for the keys."""
    found: dict[str, Any] = {"source": place.source, "rejects": {}, "damage": []}
    path = place.documents.folder / f"{place.shard.key}.rejects.parquet"
    if path.is_file():
        rejects = pq.read_table(path, columns=["file", "offset", "length", "reason"])
        found["rejects"] = dict(sorted(Counter(rejects.column("reason").to_pylist()).items()))
        if wanted is not None:
            found["damage"] = [row for row in rejects.to_pylist() if row["reason"] in DAMAGE]
    if place.scores is not None and place.keeps is not None:
        found["scores"] = _scores(place, alpha)
    if place.survivors is not None:
        found["duplicates"] = _duplicates(place)
    if place.cuts is not None and place.hits is not None:
        found["contamination"] = _contamination(place)
    if wanted is not None:
        found["planted"] = _planted(place, wanted)
    return found


def _scores(place: Place, alpha: float | None) -> dict[str, list[float]]:
    """Of each of 20 equal bins of the score: documents, those that quality let pass, and how many were expected to."""
    assert place.scores is not None and place.keeps is not None
    score = read_column(place.scores, place.shard, ["score"]).column("score").to_numpy()
    reason = read_column(place.keeps, place.shard, ["reason"]).column("reason").to_numpy(zero_copy_only=False)
    bin = np.minimum((score * BINS).astype(int), BINS - 1)
    made = {
        "documents": np.bincount(bin, minlength=BINS).tolist(),
        "passed": np.bincount(bin[reason != "quality"], minlength=BINS).tolist(),
    }
    if alpha is not None:
        expected = np.bincount(bin, weights=keep_probability(score, alpha), minlength=BINS)
        made["expected"] = [round(value, 9) for value in expected.tolist()]
    return made


def _duplicates(place: Place) -> dict[str, Any]:
    """Removals by reason, how often each witness was one, the near removals' similarities, and some to be shown."""
    assert place.survivors is not None
    table = read_column(place.survivors, place.shard, ["reason", "duplicate_of", "similarity"])
    rows = np.flatnonzero(table.column("duplicate_of").is_valid().to_numpy())
    gone = table.take(pa.array(rows))
    reason = gone.column("reason").to_numpy(zero_copy_only=False)
    near = np.flatnonzero(reason == "near")
    similarity = gone.column("similarity").to_numpy()
    # Spread over the similarities, in an order that no worker count changes.
    order = near[np.lexsort((rows[near], similarity[near]))]
    some = order[np.unique(np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int))]
    ids = read(place.shard, ["id"]).column("id") if len(some) else None
    shown = [
        {
            "similarity": round(float(similarity[index]), 6),
            "id": ids[int(rows[index])].as_py(),
            "duplicate_of": gone.column("duplicate_of")[int(index)].as_py(),
            "key": place.shard.key,
            "row": int(rows[index]),
        }
        for index in some
        if ids is not None
    ]
    bins = np.minimum((similarity[near] * BINS).astype(int), BINS - 1)
    return {
        "reasons": dict(Counter(reason.tolist())),
        "witnesses": dict(Counter(gone.column("duplicate_of").to_pylist())),
        "near": np.bincount(bins, minlength=BINS).tolist(),
        "shown": shown,
    }


def _contamination(place: Place) -> dict[str, Any]:
    """By benchmark: the items met in documents that deduplication left, and what became of these documents."""
    assert place.hits is not None and place.cuts is not None
    met = pq.read_table(place.hits.folder / f"{place.shard.key}.parquet", columns=["row", "gram", "benchmark", "item"])
    table = read_column(place.cuts, place.shard, ["keep", "reason", "cuts"])
    keep, whole = table.column("keep").to_numpy(), table.column("reason").is_valid().to_numpy()
    row = met.column("row").to_numpy()
    counts = (keep | whole)[row]  # kept before this decision
    if place.frequent is not None:
        ignored = pq.read_table(place.frequent, columns=["gram"]).column("gram").to_numpy()
        counts &= ~np.isin(met.column("gram").to_numpy(), ignored)
    met, row = met.filter(pa.array(counts)), row[counts]
    names = met.column("benchmark").to_numpy(zero_copy_only=False)
    items = met.column("item").to_numpy(zero_copy_only=False)
    made = {}
    for name in sorted(set(names.tolist())):
        touched = np.unique(row[names == name])
        made[name] = {
            "items": sorted(set(items[names == name].tolist())),
            "documents": len(touched),
            "cut": int(keep[touched].sum()),
            "removed": int(whole[touched].sum()),
        }
    return made


def kind_of(url: str | None) -> str | None:
    """What a page of the sample is, as its URL's path says: good, copy/..., leak/..., or a kind of junk."""
    parts = urlsplit(url).path.split("/") if url else []
    if len(parts) < 3 or parts[1] not in ("good", "copy", "leak", "junk"):
        return None
    return {"good": "good", "junk": parts[2]}.get(parts[1], f"{parts[1]}/{parts[2]}")


def _planted(place: Place, wanted: Wanted) -> dict[str, Any]:
    """Documents and what stays of them by kind of page; the rows of the planted URLs; what is left of the leaks."""
    documents = read(place.shard, ["id", "url"])
    urls = documents.column("url").to_pylist()
    after = {name: _keeps(artifact, place.shard) for name, artifact in _decisions(place).items()}
    kinds: dict[str, dict[str, int]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for row, url in enumerate(urls):
        kind = kind_of(url)
        if kind is not None:
            one = kinds.setdefault(kind, dict.fromkeys(("documents", *after), 0))
            one["documents"] += 1
            for name, keep in after.items():
                one[name] += bool(keep[row])
        if url in wanted.urls and url not in rows:
            rows[url] = {"id": documents.column("id")[row].as_py(), "row": row}
            rows[url] |= {name: bool(keep[row]) for name, keep in after.items()}
    if place.survivors is not None and rows:
        column = read_column(place.survivors, place.shard, ["duplicate_of"]).column("duplicate_of")
        for one in rows.values():
            one["duplicate_of"] = column[one["row"]].as_py()
    pairs = [url for url in rows if url in wanted.pairs]
    if place.signatures is not None and pairs:
        places = pa.array([rows[url]["row"] for url in pairs])
        table = read_column(place.signatures, place.shard, ["signature"]).take(places)
        for url, signature in zip(pairs, unfixed(table.column("signature"), np.uint32), strict=True):
            rows[url]["signature"] = signature
    return {"kinds": kinds, "rows": rows, "leaks": _leaks(place, wanted, urls, after)}


def _decisions(place: Place) -> dict[str, Artifact]:
    named = {"keep": place.keeps, "survivors": place.survivors, "cuts": place.cuts}
    return {name: artifact for name, artifact in named.items() if artifact is not None}


def _keeps(artifact: Artifact, shard: Shard) -> np.ndarray:
    return read_column(artifact, shard, ["keep"]).column("keep").to_numpy()


def _leaks(place: Place, wanted: Wanted, urls: list[str | None], after: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """A row for each leak and document of its URL (of its source, where it names a file) that holds a gram of it.

    `left` counts the leak's grams in what is trained on of the document, by a plain search of the text itself.
    """
    here = {url for url in urls if url is not None}
    mine = [
        (number, leak, {" ".join(gram) for gram in grams_of(words(leak["text"]), wanted.n)})
        for number, leak in enumerate(wanted.leaks)
        if leak["where"] in here or (leak["source"] == place.source and "://" not in leak["where"])
    ]
    if not mine:
        return []
    spans = read_column(place.cuts, place.shard, ["cuts"]).column("cuts").combine_chunks() if place.cuts else None
    known: set[tuple[int, str, str]] = set()
    if place.hits is not None:
        table = pq.read_table(place.hits.folder / f"{place.shard.key}.parquet", columns=["row", "benchmark", "item"])
        known = set(zip(*(table.column(name).to_pylist() for name in ("row", "benchmark", "item")), strict=True))
    found = []
    first = 0
    for batch in batches(place.shard, ["text"]):
        for at in range(batch.num_rows):
            row = first + at
            due = [one for one in mine if one[1]["where"] == urls[row] or "://" not in one[1]["where"]]
            if not due:
                continue
            text = batch.column("text")[at].as_py() or ""
            held = _grams(text, wanted.n)
            content = text.encode()
            kept = all(bool(keep[row]) for keep in after.values())
            cut = (spans[row].as_py() or []) if spans is not None else []
            for number, leak, grams in due:
                if not held & grams:
                    continue
                stays = [content[a:b].decode(errors="replace") for a, b in left(cut, len(content))] if kept else []
                found.append(
                    {
                        "leak": number,
                        "hit": leak["item"] is not None and (row, *leak["item"]) in known,
                        "left": len(set().union(*(_grams(piece, wanted.n) for piece in stays)) & grams) if stays else 0,
                        "dropped": next((name for name, keep in after.items() if not keep[row]), None),
                    }
                )
        first += batch.num_rows
    return found


def _grams(text: str, n: int) -> set[str]:
    return {" ".join(gram) for gram in grams_of(words(text), n)}


def excerpt(artifact: Artifact, key: str, row: int) -> str:
    """The text of one row, read by row group."""
    with pq.ParquetFile(artifact.folder / f"{key}.parquet") as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if row < rows:
                return file.read_row_group(group, columns=["text"]).column("text")[row].as_py() or ""
            row -= rows
    raise IndexError(f"{artifact.folder}/{key}.parquet has no row {row}")


def rows_of(shard: Shard, *, ids: list[str]) -> dict[str, tuple[str, int]]:
    """Where in a shard documents lie: id -> (key, row)."""
    column = read(shard, ["id"]).column("id")
    places = pc.index_in(pa.array(ids, column.type), value_set=column.combine_chunks()).to_pylist()
    return {id: (shard.key, place) for id, place in zip(ids, places, strict=True) if place is not None}
