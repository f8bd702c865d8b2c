"""The report's sections on what was trained: tokenizer, mixture, losses, overlap, scores."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from tasks.runtime.stage import Artifact

POINTS = 200  # of a curve


def tokenizer(artifact: Artifact | None, tokens: dict[str, Artifact]) -> dict[str, Any]:
    """The vocabulary, what it was made from, and how far it packs each source."""
    sources = []
    for source, one in tokens.items():
        counted = one.statistics
        total = counted["train"] + counted["validation"]
        packed = counted["bytes"] / total if total else None
        sources.append({"source": source, **counted, "bytes_a_token": packed})
    return {"made": artifact.statistics if artifact else None, "sources": sources}


def mixture(name: str, planned: Artifact, model: Artifact | None, groups: dict[str, str]) -> dict[str, Any]:
    """By group: what was asked, what the plan computed from it, and what the loader gave; shares of all tokens."""
    counted = planned.statistics
    realised = model.statistics.get("realised", {}) if model else {}
    given = sum(row["tokens"] for row in realised.values())
    rows = []
    order = [*dict.fromkeys(groups.values()), *counted["groups"]]  # a manifest keeps no order
    for group, row in sorted(counted["groups"].items(), key=lambda row: order.index(row[0])):
        got = realised.get(group)
        rows.append(
            {
                "group": group,
                "asked": row["asked"],
                "held": row["held"],
                "weight": row["weight"],
                "tokens": row["tokens"],
                "epochs": row["epochs"],
                "realised": got["tokens"] / given if got and given else None,
                "realised_tokens": got["tokens"] if got else None,
                "realised_epochs": got["epochs"] if got else None,
            }
        )
    return {"model": name, "budget": counted["budget"], "asked_sum": counted["asked_sum"], "groups": rows}


def losses(name: str, model: Artifact) -> dict[str, Any]:
    """The curves of metrics.jsonl, thinned: loss overall and a group by tokens, validation loss a source."""
    rows = metrics(model.folder / "metrics.jsonl")
    keys = list(dict.fromkeys(key for row in rows for key in row))
    curves = {key.removeprefix("loss_"): thinned(rows, key) for key in keys if key.startswith("loss_")}
    held_out = {key.removeprefix("validation_"): thinned(rows, key) for key in keys if key.startswith("validation_")}
    known = {key: value for key, value in model.statistics.items() if key != "realised"}
    shape = model.manifest["parameters"].get("architecture", {})
    return {
        "model": name,
        **known,
        "shape": {key: shape.get(key) for key in ("layers", "width", "heads", "context", "vocabulary")},
        "last_tenth": last_tenth(rows),
        "curve": thinned(rows, "loss"),
        "groups": curves,
        "validations": held_out,
    }


def metrics(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def thinned(rows: list[dict[str, Any]], key: str) -> list[list[float]]:
    """[tokens, value] of at most 200 stretches of updates, each the mean of its updates that have a value."""
    with_value = [row for row in rows if row.get(key) is not None]
    count = min(POINTS, len(with_value))
    edges = [number * len(with_value) // count for number in range(count + 1)] if count else []
    points = []
    for low, high in pairwise(edges):
        part = with_value[low:high]
        points.append([part[-1]["tokens"], round(sum(row[key] for row in part) / len(part), 6)])
    return points


def last_tenth(rows: list[dict[str, Any]]) -> float | None:
    """Mean loss of the last tenth of the updates: one update's loss depends on which groups it happened to read."""
    last = [row["loss"] for row in rows[-max(1, len(rows) // 10) :]]
    return round(sum(last) / len(last), 6) if last else None


def overlap(artifact: Artifact | None) -> dict[str, Any] | None:
    return artifact.statistics if artifact else None


def scores(evaluations: dict[str, Artifact]) -> list[dict[str, Any]]:
    """A model's accuracy on all items and on clean ones, and its perplexity a source."""
    return [{"model": name, **artifact.statistics} for name, artifact in evaluations.items()]
