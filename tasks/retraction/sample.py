"""Which documents the quality classifier learned from, by the rule of its sample (tasks/quality/drawn.py).

The sample is a function of ids, languages and seed, so that it can be told long after; no text is read. Once a document
of it is gone, the next draw takes its place: so the rule is asked again, until none of those that are to go is in it.
A good document of a language that raw ones lack is drawn, and then left out: nothing is learned from it, but it takes a
place, so that it counts as one of the sample here.
"""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.quality.drawn import Limits, chosen
from tasks.quality.remaining import smallest
from tasks.runtime.artifact import Artifact, Shard, artifact_at
from tasks.runtime.engine import Engine
from tasks.runtime.shards import read

SHAPES_NO_BYTES = True


def learned_from(engine: Engine, classifier: Artifact, gone: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """By source those ids of `gone` that the sample holds, or would hold once others of them are gone; ascending.

    `classifier` is a fitted one, built. What it was fitted without already is not told again.
    """
    parameters = classifier.manifest["parameters"]
    how = {name: parameters[name] for name in ("validation", "seed")} | {"mixed": parameters["preset"] == "gpt3"}
    sides: list[list[tuple[str, Shard]]] = []
    without: set[str] = set()
    for side in ("good", "raw"):
        drawn_from = [artifact_at(label, classifier.store) for label in classifier.manifest["inputs"][side]]
        for number, artifact in enumerate(drawn_from):
            if artifact.stage == "remaining":
                without |= set(artifact.manifest["parameters"]["ids"])
                drawn_from[number] = artifact_at(artifact.manifest["inputs"]["documents"], artifact.store)
        sides.append([(artifact.name, shard) for artifact in drawn_from for shard in artifact.shards()])
    found: dict[str, set[str]] = {}
    asked = {name: sorted(ids) for name, ids in gone.items()}
    while True:
        limits = _limits(engine, sides, parameters["sample"], sorted(without), how)
        more: dict[str, set[str]] = {}
        for shards, of_side in zip(sides, limits, strict=True):
            call = partial(members, limits=of_side, gone=asked, how=how)
            for (name, _), ids in zip(shards, engine.map(call, shards), strict=True):
                if new := set(ids) - without:
                    more.setdefault(name, set()).update(new)
        if not more:
            return {name: sorted(found[name]) for name in gone if name in found}
        for name, ids in more.items():
            found.setdefault(name, set()).update(ids)
            without |= ids


def members(item: tuple[str, Shard], *, limits: Limits, gone: dict[str, list[str]], how: dict[str, Any]) -> list[str]:
    """Ids of a shard that are to go and lie within the limits."""
    name, shard = item
    if name not in gone:
        return []
    here, _, _ = chosen(shard, limits, **how)
    ids = read(shard, ["id"]).column("id")
    there = here & pc.is_in(ids, value_set=pa.array(gone[name], pa.string())).to_numpy()
    met: list[str] = ids.filter(pa.array(there)).to_pylist()
    return met


def _limits(
    engine: Engine, sides: list[list[tuple[str, Shard]]], sample: int, without: list[str], how: dict[str, Any]
) -> tuple[Limits, Limits]:
    """Of both sides, good and raw, by language the greatest draw that is taken, as `drawn.draw_both` has them."""
    good, raw = (_draws(engine, [shard for _, shard in side], sample, without, how) for side in sides)
    together = np.sort(np.concatenate([np.zeros(0), *good.values()]))[:sample]
    best = {language: draws[draws <= together[-1]] for language, draws in good.items() if len(together)}
    counts = {language: len(draws) for language, draws in best.items() if len(draws)}
    wanted = {language: -(-sample * count // sum(counts.values())) for language, count in counts.items()}
    matched = {language: raw[language][:count] for language, count in wanted.items() if language in raw}
    return (
        {language: float(best[language][-1]) for language in counts},
        {language: float(draws[-1]) for language, draws in matched.items()},
    )


def _draws(
    engine: Engine, shards: list[Shard], sample: int, without: list[str], how: dict[str, Any]
) -> dict[str, np.ndarray]:
    """By language the smallest draws of all shards, ascending, `sample` of each at most."""
    draws: dict[str, np.ndarray] = {}
    for part in engine.map(partial(smallest, sample=sample, ids=without, how=how), shards):
        for language, found in part.items():
            draws[language] = np.sort(np.concatenate([draws.get(language, np.zeros(0)), found]))[:sample]
    return draws
