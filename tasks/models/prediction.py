"""Fit: `prediction`, a model's loss foretold from models of a small share of its compute, before it is trained.

GPT-4's technical report, section 3: L(C) = a C^b + c on runs of at most a stated share of the target's compute. C is
6ND without embeddings. The target's training takes this artifact as an input, so its manifest, which is there before
the first step, is named in the model's own fingerprint: a model that was trained without it is another artifact.
"""

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from model.config import PF_DAY, Architecture, Training, training_flops
from tasks.kernels.draw import uniform
from tasks.models.flops import flops_of
from tasks.models.laws import foretell
from tasks.models.validation_loss import curve
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "prediction.json"
REPLICATES = 1000


@statistics
class Predicted:
    """Loss in nats a token of a model of so many PF-days, with its 90 % interval, by a law a (C / unit)^b + c in
    PF-days fitted on so many runs; the largest of them had `share` of its compute."""

    pf_days: float = 0.0
    loss: float = 0.0
    low: float = 0.0
    high: float = 0.0
    runs: int = 0
    share: float = 0.0
    a: float = 0.0
    b: float = 0.0
    c: float = 0.0
    unit: float = 0.0


@stage("prediction", kind="fit", section="scaling", libraries=("numpy",))
def prediction(
    job: Job,
    *,
    models: dict[str, Artifact],
    mixtures: dict[str, Artifact],
    architecture: dict[str, Any],
    training: dict[str, Any],
    share: float,
    seed: int,
) -> Predicted:
    """The loss that the model of this architecture and training will have (prediction.json).

    `models`: runs of at most `share` of its compute.

    Raises:
        Failure: a run has more compute than that, a model was never validated, or fewer than four differ in compute.
    """
    target = training_flops(Architecture(**architecture), Training(**training))
    spent = {name: flops_of(model) for name, model in models.items()}
    largest = max(spent, key=lambda name: spent[name])
    if spent[largest] > share * target:
        raise Failure(
            f"{largest} took {100 * spent[largest] / target:.3g} % of the compute of {job.artifact.name}, which is to "
            f"be foretold from {100 * share:.3g} % at most; name smaller runs, or raise ladder.share"
        )
    costs = np.array(list(spent.values())) / PF_DAY
    losses = np.array([curve(model, mixtures[name])[-1][1] for name, model in models.items()])
    names = [f"{replicate}:{place}" for replicate in range(REPLICATES) for place in range(len(losses) + 1)]
    draws = uniform(names, seed, "prediction").reshape(REPLICATES, -1)
    try:
        law, foretold = foretell(costs, losses, target / PF_DAY, draws)
    except ValueError as error:
        raise Failure(f"{job.artifact.name} cannot be foretold: {error}; give ladder.sizes more small sizes") from None
    told = Predicted(
        pf_days=target / PF_DAY,
        loss=round(foretold.value, 6),
        low=round(foretold.low, 6),
        high=round(foretold.high, 6),
        runs=len(losses),
        share=spent[largest] / target,
        a=law.a,
        b=round(law.b, 6),
        c=round(law.c, 6),
        unit=law.unit,
    )
    points = [[float(cost), float(loss)] for cost, loss in zip(costs, losses, strict=True)]
    with job.publish(FILE) as file:
        file.write(json.dumps({**asdict(told), "points": points}, indent=1).encode())
    return told
