"""`mixture`: for a budget of tokens, what each group gives and how often it is read over. Small, from counts alone.

Weights need not sum to 1 (GPT-3's table 2.2 sums to 101 %): they are normalised, and what was asked stands beside.
Without weights a group counts by the tokens it holds. A group's epochs are tokens drawn / tokens held.
"""

import json
from typing import Any

from tasks.runtime.errors import Failure
from tasks.runtime.stage import Artifact, Job, stage


@stage("mixture")
def mixture(
    job: Job,
    *,
    tokens: dict[str, Artifact],
    groups: dict[str, str],
    weights: dict[str, float],
    budget: int,
    seed: int,
) -> dict[str, Any]:
    """mixture.json, which the loader reads. `groups` gives each source's group, `weights` each group's weight.

    Raises:
        Failure: a group has a weight and no tokens, or no group has any.
    """
    about = {name: json.loads((artifact.folder / "tokens.json").read_bytes()) for name, artifact in tokens.items()}
    held: dict[str, int] = {}
    sources: dict[str, list[dict[str, Any]]] = {}
    for name, artifact in tokens.items():
        train = sum(shard["train"] for shard in about[name]["shards"])
        validation = sum(shard["validation"] for shard in about[name]["shards"])
        held[groups[name]] = held.get(groups[name], 0) + train
        sources.setdefault(groups[name], []).append(
            {
                "source": name,
                "folder": artifact.folder.relative_to(job.root).as_posix(),
                "train": train,
                "validation": validation,
            }
        )
    asked: dict[str, float] = dict(weights) or {group: float(count) for group, count in held.items()}
    for group, weight in asked.items():
        if weight and not held.get(group):
            raise Failure(
                f"mixture gives {group} the weight {weight:g}, but no document of it is left after filtering; "
                f"see `millrace status`, or give it the weight 0"
            )
    total = sum(asked.values())
    if not total:
        raise Failure("mixture: no document of any source is left to train on; see `millrace status`")
    rows = [
        {
            "group": group,
            "asked": weight,
            "weight": weight / total,
            "held": held[group],
            "tokens": round(budget * weight / total),
            "epochs": budget * weight / total / held[group],
            "sources": sources[group],
        }
        for group, weight in asked.items()
        if weight
    ]
    first = next(iter(about.values()))
    plan = {
        "tokenizer": first["tokenizer"],
        "dtype": first["dtype"],
        "end_of_text": first["end_of_text"],
        "seed": seed,
        "groups": rows,
    }
    with job.publish("mixture.json") as file:
        file.write(json.dumps(plan, indent=1).encode())
    return {
        "budget": budget,
        "asked_sum": total,
        "groups": {
            row["group"]: {key: row[key] for key in ("asked", "weight", "held", "tokens", "epochs")} for row in rows
        },
    }
