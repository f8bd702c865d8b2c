"""Planted and found: what the demo's input was made with, held against what became of it. Measured, by row.

Copies count as resolved when at most one of the two stays. Since only documents that quality kept reach deduplication,
each count says how many pairs reached it; beside that, what the signatures alone say of every pair that was extracted.
"""

import json
from collections import Counter
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from tasks.report.chances import found_by_lsh
from tasks.report.columns import Wanted
from tasks.runtime.store import Artifact

EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9)
FORMS = ("whole", "rewrapped", "deep")
COUNTS = ("planted", "extracted", "hit", "dropped", "met", "removed", "left", "clean", "dirty")


def wanted(planted: dict[str, Any], n: int, benchmarks: dict[str, Artifact]) -> Wanted:
    """What shards are to look for. A leak's item is known by its benchmark's file and line."""
    pairs = frozenset(
        url for row in [*planted["exact_copies"], *planted["near_copies"]] for url in (row["url"], row["of_url"])
    )
    items = _items(benchmarks)
    leaks = tuple(
        {key: row[key] for key in ("text", "source", "where")} | {"item": items.get((row["benchmark"], row["line"]))}
        for row in planted["leaks"]
    )
    return Wanted(pairs | {row["where"] for row in leaks}, pairs, leaks, n)


def _items(benchmarks: dict[str, Artifact]) -> dict[tuple[str, int], tuple[str, str]]:
    """(benchmark, item) by (stem of the file's name, line)."""
    return {
        (row["file"].partition(".")[0], row["line"]): (name, row["item"])
        for name, artifact in benchmarks.items()
        for row in pq.read_table(artifact.folder / "items.parquet", columns=["item", "file", "line"]).to_pylist()
    }


def read(sample: Artifact) -> dict[str, Any]:
    return json.loads((sample.folder / "planted.json").read_bytes())


def found(
    planted: dict[str, Any],
    facts: list[dict[str, Any]],
    dedup: dict[str, Any] | None,
    benchmarks: dict[str, Artifact],
    overlap: Artifact | None,
) -> dict[str, Any]:
    """All the lines. `dedup` holds bands, rows, threshold, permutations, shingle, or is None where nothing was."""
    rows: dict[str, dict[str, Any]] = {}
    for one in facts:
        for url, row in one["planted"]["rows"].items():
            rows.setdefault(url, row)
    return {
        "damaged": damaged(planted["damaged"], facts),
        "exact": copies(planted["exact_copies"], rows, dedup),
        "near": near(planted["near_copies"], rows, dedup),
        "pages": pages(planted["pages"], facts),
        "leaks": leaks(planted["leaks"], facts, states(planted["leaks"], benchmarks, overlap)),
    }


def damaged(planted: list[dict[str, Any]], facts: list[dict[str, Any]]) -> dict[str, Any]:
    """Damaged records that a reject for damage overlaps, by kind; and rejects for damage that overlap none."""
    listed = [row for one in facts for row in one["damage"]]
    kinds: dict[str, dict[str, Any]] = {}
    met = set()
    for plant in planted:
        one = kinds.setdefault(plant["kind"], {"planted": 0, "found": 0, "reasons": {}})
        one["planted"] += 1
        hits = [number for number, row in enumerate(listed) if _overlaps(plant, row)]
        met.update(hits)
        one["found"] += bool(hits)
        for reason in sorted({listed[number]["reason"] for number in hits}):
            one["reasons"][reason] = one["reasons"].get(reason, 0) + 1
    return {
        "planted": len(planted),
        "found": sum(one["found"] for one in kinds.values()),
        "others": len(listed) - len(met),
        "kinds": dict(sorted(kinds.items())),
    }


def _overlaps(plant: dict[str, Any], row: dict[str, Any]) -> bool:
    a, b = plant["file"].split("/"), row["file"].split("/")
    shorter = min(len(a), len(b))
    if a[-shorter:] != b[-shorter:]:
        return False
    end = row["offset"] + max(1, row["length"] or 1)
    return row["offset"] < plant["offset"] + plant["length"] and plant["offset"] < end


def copies(planted: list[dict[str, Any]], rows: dict[str, dict[str, Any]], dedup: dict[str, Any] | None) -> dict:
    """Pairs planted, extracted, met by deduplication, resolved by it; and found by the signatures alone."""
    made = {"planted": len(planted), "extracted": 0, "reached": 0, "resolved": 0, "by_each_other": 0, "signatures": 0}
    for pair in planted:
        one, other = rows.get(pair["url"]), rows.get(pair["of_url"])
        if one is None or other is None:
            continue
        made["extracted"] += 1
        made["signatures"] += _agree(one, other, dedup)
        if one.get("keep", True) and other.get("keep", True) and "survivors" in one:
            made["reached"] += 1
            made["resolved"] += not (one["survivors"] and other["survivors"])
            made["by_each_other"] += one["duplicate_of"] == other["id"] or other["duplicate_of"] == one["id"]
    return made


def _agree(one: dict[str, Any], other: dict[str, Any], dedup: dict[str, Any] | None) -> bool:
    """Whether two signatures share a band and agree in enough places."""
    if dedup is None or "signature" not in one or "signature" not in other:
        return False
    same = one["signature"] == other["signature"]
    bands = same[: dedup["bands"] * dedup["rows"]].reshape(dedup["bands"], dedup["rows"])
    return bool(bands.all(axis=1).any() and same.mean() >= dedup["threshold"])


def near(planted: list[dict[str, Any]], rows: dict[str, dict[str, Any]], dedup: dict[str, Any] | None) -> list[dict]:
    """`copies` by bands of Jaccard similarity, with the share that LSH should find of those extracted."""
    known = dedup is not None and dedup["shingle"] == 5  # the shingles by which the planted similarity was measured
    made = []
    for low, high in zip(EDGES, (*EDGES[1:], 1.01), strict=True):
        here = [pair for pair in planted if low <= pair["jaccard"] < high]
        if not here:
            continue
        expected = None
        if known and dedup is not None:
            how = (dedup["bands"], dedup["rows"], dedup["permutations"], dedup["threshold"])
            extracted = [pair for pair in here if pair["url"] in rows and pair["of_url"] in rows]
            chances = [found_by_lsh(pair["jaccard"], *how) for pair in extracted]
            expected = float(np.mean(chances)) if chances else None
        made.append({"from": low, "to": min(high, 1.0), **copies(here, rows, dedup), "expected": expected})
    return made


def pages(planted: dict[str, int], facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each kind of page: responses, documents, and what stays after each decision."""
    counted: dict[str, Counter[str]] = {}
    for one in facts:
        for kind, row in one["planted"]["kinds"].items():
            counted.setdefault(kind, Counter()).update(row)
    good = [kind for kind in planted if kind == "good" or kind.startswith(("copy/", "leak/"))]
    return [
        {"kind": kind, "good": kind in good, "responses": planted[kind], **counted.get(kind, {"documents": 0})}
        for kind in [*good, *(kind for kind in planted if kind not in good)]
    ]


def states(
    planted: list[dict[str, Any]], benchmarks: dict[str, Artifact], overlap: Artifact | None
) -> list[str | None]:
    """What `overlap` says of each leaked item: clean, dirty or uncheckable; None where it does not know it."""
    if overlap is None:
        return [None] * len(planted)
    said: dict[tuple[str, str], set[str]] = {}
    for row in pq.read_table(overlap.folder / "items.parquet", columns=["benchmark", "item", "state"]).to_pylist():
        said.setdefault((row["benchmark"], row["item"]), set()).add(row["state"])
    items = _items(benchmarks)
    found = [said.get(items.get((row["benchmark"], row["line"]), ("", "")), set()) for row in planted]
    return [next((state for state in ("dirty", "clean", "uncheckable") if state in one), None) for one in found]


def leaks(planted: list[dict[str, Any]], facts: list[dict[str, Any]], said: list[str | None]) -> dict[str, Any]:
    """By form and source: leaks planted, extracted, seen by `hits`; dropped before the cuts, or met; removed, left.

    clean and dirty are what `overlap` says of the item.
    """
    documents: dict[int, list[dict[str, Any]]] = {}
    for one in facts:
        for row in one["planted"]["leaks"]:
            documents.setdefault(row["leak"], []).append(row)
    kinds: dict[tuple[str, str], dict[str, Any]] = {}
    for number, plant in enumerate(planted):
        blank = dict.fromkeys(COUNTS, 0)
        key = (plant["form"], plant["source"])
        one = kinds.setdefault(key, {"form": key[0], "source": key[1], **blank})
        one["planted"] += 1
        for state in ("clean", "dirty"):
            one[state] += said[number] == state
        rows = documents.get(number)
        if not rows:
            continue
        one["extracted"] += 1
        one["hit"] += any(row["hit"] for row in rows)
        if all(row["dropped"] in ("keep", "survivors") for row in rows):
            one["dropped"] += 1
        else:
            one["met"] += 1
            one["left" if any(row["left"] for row in rows) else "removed"] += 1
    order = {form: place for place, form in enumerate(FORMS)}
    forms = [kinds[key] for key in sorted(kinds, key=lambda key: (key[1], order.get(key[0], 9), key[0]))]
    total = {key: sum(row[key] for row in forms) for key in forms[0] if key not in ("form", "source")} if forms else {}
    return {"forms": forms, "total": total, "checked": any(said)}
