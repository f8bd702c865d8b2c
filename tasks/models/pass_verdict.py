"""Measure: `pass-verdict`, the pass rates that were foretold of a model beside those that came."""

import json
from dataclasses import field

import numpy as np

from tasks.models.answered import shared
from tasks.models.pass_rates import FILE, Bucket, Foreseen
from tasks.models.rates import negative_log
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics


@statistics
class Came:
    """-mean log(pass rate) of a bucket: foretold with its 90 % interval, and realised over the problems that the model
    solved at least once, as the law has it; `unsolved`: those it never did, which have no logarithm. 1 if within."""

    foretold: float = 0.0
    low: float = 0.0
    high: float = 0.0
    realised: float | None = None
    unsolved: int = 0
    within: int = 0


@statistics
class Passed:
    """By bucket; none where no law was found."""

    task: str = ""
    buckets: dict[str, Came] = field(default_factory=dict)


@stage("pass-verdict", kind="measure", section="abilities", libraries=("numpy",))
def pass_verdict(job: Job, *, pass_rates: Artifact, scores: Artifact, model: Artifact) -> Passed:
    """Whether a model's pass rates came out as they were foretold.

    Raises:
        Failure: the model's training did not take the prediction as an input: it may be older.
    """
    told = pass_rates.counts(Foreseen)
    if pass_rates.label not in (model.manifest["inputs"].get("pass_rates") or {}).values():
        raise Failure(
            f"model {model.name} was not trained after {pass_rates.label}: a prediction made afterwards is none; train "
            f"it again with {told.task} in `ladder.pass_rates`"
        )
    found = shared({model.name: scores})
    assert found.right is not None and found.samples is not None  # as of the small models
    place = {item: number for number, item in enumerate(found.items)}
    came: dict[str, Came] = {}
    for (name, law), bucket in zip(told.buckets.items(), json.loads(pass_rates.read(FILE))["buckets"], strict=True):
        if not law.why:
            some = np.array([place[item] for item in bucket["items"] if item in place], np.int64)
            came[name] = _came(law, found.right[0, some], found.samples[0, some])
    return Passed(told.task, came)


def _came(law: Bucket, right: np.ndarray, samples: np.ndarray) -> Came:
    solved = right > 0
    realised = round(float(negative_log(right[solved], samples[solved])), 6) if solved.any() else None
    within = realised is not None and law.low <= realised <= law.high
    return Came(law.foretold, law.low, law.high, realised, int((~solved).sum()), int(within))
