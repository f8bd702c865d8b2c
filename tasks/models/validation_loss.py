"""A model's validation loss as one number: its sources', weighted as the mixture weights them."""

import json
from typing import Any

from tasks.models.pretrain import metrics_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.tokens.mixture import FILE


def weights_of(mixture: Artifact) -> dict[str, float]:
    """Each source's share of the loss: its group's weight, divided by the tokens of validation that each source has."""
    shares: dict[str, float] = {}
    for group in json.loads(mixture.read(FILE))["groups"]:
        held = sum(source["validation"] for source in group["sources"])
        for source in group["sources"]:
            shares[source["source"]] = group["weight"] * source["validation"] / held if held else 0.0
    return shares


def curve(model: Artifact, mixture: Artifact) -> list[tuple[int, float]]:
    """(tokens read, loss in nats a token) at each update that was validated; the last is the finished model's.

    Raises:
        Failure: the model was never validated on a source that the mixture weighs.
    """
    weights = weights_of(mixture)
    points = [(row["tokens"], _weighted(row, weights)) for row in metrics_of(model)]
    known = [(tokens, loss) for tokens, loss in points if loss is not None]
    if not known:
        raise Failure(
            f"model {model.name} has no validation loss to judge by: no source that its mixture weighs has a held-out "
            f"window; raise `validation`, or shorten `context`"
        )
    return known


def _weighted(row: dict[str, Any], weights: dict[str, float]) -> float | None:
    """None for an update that was not validated; sources without a window are left out of the mean."""
    losses = {source: row.get(f"validation_{source}") for source, weight in weights.items() if weight}
    measured = {source: loss for source, loss in losses.items() if loss is not None}
    if not measured:
        return None
    total = sum(weights[source] for source in measured)
    return sum(weights[source] * loss for source, loss in measured.items()) / total
