"""Fit: `scaling`, the laws that a ladder of models shows: loss by compute, by parameters, by tokens.

KMH+20 fits models trained to convergence, and models trained on growing data, apart. A ladder trains each size on a
budget of its own, so here size and data grow together: L(N) and L(D) are laws of this ladder, printed beside the
paper's exponents and not to be taken for them. L(C) is the envelope: of all models' losses along their trainings, those
that no model reached with less compute (GPT-3, figure 3.1).
"""

import json
from dataclasses import asdict, field
from typing import Any

import numpy as np

from model.config import PF_DAY, Architecture, parameters, without_embeddings
from tasks.models.laws import Power, power
from tasks.models.validation_loss import curve
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "laws.json"
PAPERS = {"compute": -0.050, "parameters": -0.076, "tokens": -0.095}  # KMH+20, table 1 in section 1.2


@statistics
class Ran:
    """A training: parameters with and without embeddings, tokens, PF-days of 6ND by either, and the last loss."""

    parameters: int = 0
    without_embeddings: int = 0
    tokens: int = 0
    pf_days: float = 0.0
    pf_days_without_embeddings: float = 0.0
    loss: float = 0.0


@statistics
class Law:
    """Loss = a x^b, and the paper's b."""

    a: float = 0.0
    b: float = 0.0
    paper: float = 0.0


@statistics
class Scaled:
    """The runs by name; the laws by what they are in: compute and compute_without_embeddings (PF-days, the envelope),
    parameters (without embeddings), tokens. None of a law that has fewer than two different points."""

    runs: dict[str, Ran] = field(default_factory=dict)
    laws: dict[str, Law] = field(default_factory=dict)


@stage("scaling", kind="fit", section="scaling", libraries=("numpy",))
def scaling(job: Job, *, models: dict[str, Artifact], mixtures: dict[str, Artifact]) -> Scaled:
    """The laws of a ladder, and every model's losses by compute (laws.json).

    Raises:
        Failure: a model was never validated.
    """
    runs: dict[str, Ran] = {}
    curves: dict[str, list[tuple[float, float, float]]] = {}  # PF-days, those without embeddings, loss
    for name, model in models.items():
        a = Architecture(**model.manifest["parameters"]["architecture"])
        points = curve(model, mixtures[name])
        whole, inner = 6.0 * parameters(a) / PF_DAY, 6.0 * without_embeddings(a) / PF_DAY  # PF-days a token
        curves[name] = [(tokens * whole, tokens * inner, loss) for tokens, loss in points]
        tokens, loss = points[-1]
        runs[name] = Ran(parameters(a), without_embeddings(a), tokens, tokens * whole, tokens * inner, round(loss, 6))
    points_of = {
        "compute": envelope([(c, loss) for points in curves.values() for c, _, loss in points]),
        "compute_without_embeddings": envelope([(c, loss) for points in curves.values() for _, c, loss in points]),
        "parameters": [(float(ran.without_embeddings), ran.loss) for ran in runs.values()],
        "tokens": [(float(ran.tokens), ran.loss) for ran in runs.values()],
    }
    laws = {name: law for name, points in points_of.items() if (law := _law(name, points)) is not None}
    about: dict[str, Any] = {
        "runs": {name: asdict(ran) for name, ran in runs.items()},
        "laws": {name: asdict(law) for name, law in laws.items()},
        "curves": curves,
        "envelope": points_of["compute_without_embeddings"],
    }
    with job.publish(FILE) as file:
        file.write(json.dumps(about, indent=1).encode())
    return Scaled(runs, laws)


def envelope(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Of (compute, loss): those whose loss nothing of the same or less compute reached, by compute."""
    best: list[tuple[float, float]] = []
    for compute, loss in sorted(points):
        if not best or loss < best[-1][1]:
            best.append((compute, loss))
    return best


def _law(name: str, points: list[tuple[float, float]]) -> Law | None:
    x, y = np.array(points).T
    if len(np.unique(x)) < 2:
        return None
    fitted: Power = power(x, y)
    return Law(fitted.a, round(fitted.b, 6), PAPERS[name.removesuffix("_without_embeddings")])
