"""`mixture`: for a budget of tokens, what each group gives and how often it is read over. Small, from counts alone.

Weights need not sum to 1 (GPT-3's table 2.2 sums to 101 %): they are normalised, and what was asked stands beside.
Without weights a group counts by the tokens it holds. A group's epochs are tokens drawn / tokens held.

With `times` documents of large clusters count several times (FineWeb2's rehydration): an epoch of a group reads its
train streams whole, then once more those parts that count twice or more often, then those that count thrice, and so on,
so that a document and its repetition lie as far apart as can be. Those tokens are among the tokens held.
"""

import json
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.tokens import TokenShards

FILE = "mixture.json"


@statistics
class Share:
    """Of one group: the weight asked and as normalised, tokens held and to be drawn, and epochs = drawn / held.

    `again`: those of the tokens held that are read again, since their documents count more than once.
    """

    asked: float = 0.0
    weight: float = 0.0
    held: int = 0
    tokens: int = 0
    epochs: float = 0.0
    again: int = 0


@statistics
class Mixed:
    """The budget in tokens, the sum of the weights as asked, and each group's share."""

    budget: int = 0
    asked_sum: float = 0.0
    groups: dict[str, Share] = field(default_factory=dict)


@stage("mixture", kind="decision", section="mixture")
def mixture(
    job: Job,
    *,
    tokens: dict[str, Artifact],
    groups: dict[str, str],
    weights: dict[str, float],
    budget: int,
    seed: int,
    times: Sequence[int] = (),
) -> Mixed:
    """What the loader reads. `groups` gives each source's group, `weights` each group's weight.

    `times`: for each of the sizes of clusters that the tokens were made with, how often its documents count.

    Raises:
        Failure: a group has a weight and no tokens, or no group has any.
    """
    shards = {name: TokenShards.of(artifact) for name, artifact in tokens.items()}
    held: dict[str, int] = {}
    again: dict[str, int] = {}
    sources: dict[str, list[dict[str, Any]]] = {}
    for name, artifact in tokens.items():
        train, validation = shards[name].count("train"), shards[name].count("validation")
        parts = shards[name].clusters().values()
        more = sum(part * (each - 1) for part, each in zip(parts, (1, *times), strict=True))
        held[groups[name]] = held.get(groups[name], 0) + train + more
        again[groups[name]] = again.get(groups[name], 0) + more
        sources.setdefault(groups[name], []).append(
            {
                "source": name,
                "folder": artifact.label,
                "tokens_json_sha256": shards[name].sha256,
                "train": train,
                "validation": validation,
                **({"times": [1, *times]} if times else {}),
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
    rows: list[dict[str, Any]] = [
        {
            "group": group,
            "asked": weight,
            "weight": weight / total,
            "held": held[group],
            "tokens": round(budget * weight / total),
            "epochs": budget * weight / total / held[group],
            **({"again": again[group]} if times else {}),
            "sources": sources[group],
        }
        for group, weight in asked.items()
        if weight
    ]
    about = next(iter(shards.values())).about
    plan = {
        "tokenizer": about["tokenizer"],
        "dtype": about["dtype"],
        "end_of_text": about["end_of_text"],
        "seed": seed,
        "groups": rows,
    }
    with job.publish(FILE) as file:
        file.write(json.dumps(plan, indent=1).encode())
    return Mixed(budget, float(total), {row["group"]: _share(row) for row in rows})


def _share(row: dict[str, Any]) -> Share:
    return Share(**{key: row[key] for key in ("asked", "weight", "held", "tokens", "epochs", "again") if key in row})


def mixture_file(mixture: Artifact) -> Path:
    """A local path of what the loader reads, checked."""
    return mixture.local(FILE)
