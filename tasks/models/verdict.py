"""Measure: `verdict`, what was foretold of a model beside what came."""

from tasks.models.prediction import Predicted
from tasks.models.validation_loss import curve
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics


@statistics
class Judged:
    """Losses in nats a token: foretold with its 90 % interval, and realised; 1 if that lies within."""

    predicted: float = 0.0
    low: float = 0.0
    high: float = 0.0
    realised: float = 0.0
    within: int = 0


@stage("verdict", kind="measure", section="scaling")
def verdict(job: Job, *, prediction: Artifact, model: Artifact, mixture: Artifact) -> Judged:
    """Whether a model came out as it was foretold.

    Raises:
        Failure: the model's training did not take the prediction as an input: it may be older.
    """
    if model.manifest["inputs"].get("prediction") != prediction.label:
        raise Failure(
            f"model {model.name} was not trained after {prediction.label}: a prediction made afterwards is none; "
            f"train it again with `ladder.predict: {model.name}`"
        )
    told = prediction.counts(Predicted)
    realised = round(curve(model, mixture)[-1][1], 6)
    return Judged(told.loss, told.low, told.high, realised, int(told.low <= realised <= told.high))
