"""How `explain` tells of `keep`: score, draw and what it was compared with; language; each rule that is broken."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.quality.rules import RULES, reason_of, stays, value_of
from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.decisions import tell_decision
from tasks.runtime.shards import read_column, read_rows
from tasks.runtime.stage import Place

SHAPES_NO_BYTES = True


def tell_keep(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """The answer; then a line for each condition that the source has, met or not."""
    yield next(tell_decision(artifact, place, others)).partition("; ")[0]
    how, inputs = artifact.manifest["parameters"], artifact.manifest["inputs"]
    if inputs.get("scores"):
        yield from _score(artifact, place, how, artifact_at(inputs["scores"], artifact.store))
    if how.get("languages") is not None:
        yield _language(place, how["languages"])
    for measure, label in (inputs.get("measures") or {}).items():
        columns = read_column(artifact_at(label, artifact.store), place.shard).slice(place.row, 1)
        yield from _rules(measure, (how.get("rules") or {}).get(measure, {}), columns)


def _score(artifact: Artifact, place: Place, how: dict[str, Any], scores: Artifact) -> Iterator[str]:
    score = read_column(scores, place.shard).column("score")[place.row].as_py()
    draw = read_column(artifact, place.shard, ["draw"]).column("draw")[place.row].as_py()
    if how["pareto"] is not None and draw is not None:
        from tasks.quality.keep import keep_probability  # which tells of itself by this module

        chance = float(keep_probability(np.array([score], np.float32), how["pareto"])[0])
        sign = "<" if draw < chance else ">="
        yield f"score {score:.6f}, draw {draw:.6f} {sign} {chance:.6f} = (2 - score)^-{how['pareto']:g}, its chance"
    elif how["threshold"] is not None:
        (meets,) = stays(np.array([score], np.float32), {"min": how["threshold"]}).tolist()
        yield f"score {score:.6f} {'>=' if meets else '<'} threshold {how['threshold']:g}"


def _language(place: Place, languages: list[str] | dict[str, float]) -> str:
    (row,) = read_rows(place.shard, [place.row], ["language", "language_score"]).to_pylist()
    known, sure = row["language"] or "unknown", row["language_score"]
    wanted = (
        [f"{code} from {least:g} on" for code, least in languages.items()] if isinstance(languages, dict) else languages
    )
    return f"language {known}{'' if sure is None else f', {sure:.4f} sure'}; wanted: {', '.join(wanted)}"


def _rules(measure: str, rules: Mapping[str, Mapping[str, float]], columns: pa.Table) -> Iterator[str]:
    """The limits that its numbers break, or that they break none."""
    broken = 0
    for name, limits in rules.items():
        values = value_of(RULES[measure][name], columns)
        if not stays(values, limits)[0]:
            broken += 1
            wanted = " and ".join(f"{end} {limit:g}" for end, limit in limits.items())
            yield f"{reason_of(measure, name)} {values[0]:.6g}, against {wanted}"
    if not broken:
        yield f"{measure}: within all {len(rules)} limits"
