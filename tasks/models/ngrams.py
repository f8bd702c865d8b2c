"""Fit: `ngrams`, what five tokens of memory are worth: a Kneser-Ney model of the text that a model reads.

A line under each loss curve: a network that stays above it has learned less than counting. It is fitted on the same
windows, each once (an n-gram that is read again is not met again), and judged on the same held-out ones.
"""

import math
from collections.abc import Iterator
from dataclasses import field

import numpy as np
from numpy.typing import NDArray

from model.windows import Windows
from tasks.models.kneser_ney import KneserNey
from tasks.models.loader import windows_of
from tasks.models.validation_loss import weights_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

TOKENS = (
    4_000_000  # at most: some 10 s of sorting and 1 GB; a model that reads more has the first of its windows counted
)


@statistics
class Counted:
    """Order, tokens it was fitted on, different n-grams of the highest order; loss in nats a token a source, and the
    mean that weighs sources as the mixture does (None where no source has a held-out window)."""

    order: int = 0
    tokens: int = 0
    grams: int = 0
    validation: dict[str, float] = field(default_factory=dict)
    loss: float | None = None


@stage("ngrams", kind="fit", section="training", libraries=("numpy",))
def ngrams(
    job: Job,
    *,
    mixture: Artifact,
    context: int,
    vocabulary: int,
    windows: int,
    validation_windows: int,
    order: int,
    seed: int,
) -> Counted:
    """Loss of an n-gram model of the first `windows` windows of a training.

    Raises:
        Failure: the loader refuses the mixture.
    """
    with windows_of(mixture, context, vocabulary, seed) as loader:
        count = min(windows, max(1, TOKENS // (context + 1)))
        text = np.stack(list(_once(loader, count)))
        model = KneserNey(text, vocabulary, min(order, context + 1))
        losses = {}
        for source, held_out in loader.validation.items():
            nats, tokens = model.loss(held_out.read(validation_windows))
            if tokens:
                losses[source] = nats / tokens
    weights = {source: weight for source, weight in weights_of(mixture).items() if source in losses}
    total = math.fsum(weights.values())
    loss = math.fsum(weights[source] * losses[source] for source in weights) / total if total else None
    return Counted(
        order=len(model.orders),
        tokens=text.size,
        grams=len(model.orders[-1].keys),
        validation={source: round(value, 6) for source, value in losses.items()},
        loss=None if loss is None else round(loss, 6),
    )


def _once(loader: Windows, count: int) -> Iterator[NDArray[np.int64]]:
    """The first windows of the training, one that comes again left out."""
    met: set[tuple[int, int]] = set()
    for index in range(count):
        group, _, place = loader.where(index)
        if (group, place) not in met:
            met.add((group, place))
            yield loader.read(index, index + 1)[0]["tokens"][0]
