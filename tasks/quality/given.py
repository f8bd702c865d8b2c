"""Input: `given-classifier`, a user's own weights in place of a fit; weights.py says what the file holds."""

from typing import Any

from tasks.quality import weights
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.sources.input.inside import place_of


@statistics
class Given:
    """A user's classifier: buckets of HashingTF, by which preset it is weighed, and the sha256 of the file."""

    features: int = 0
    preset: str = ""
    sha256: str = ""


@stage("given-classifier", kind="input", section="quality", libraries=("numpy",))
def given_classifier(job: Job, *, files: list[dict[str, Any]], inside: Artifact | None) -> Given:
    """A quality classifier of the user's, from weights.npz.

    Raises:
        Mistake: the file is not what weights.py says. Failure: it changed since it was listed.
    """
    if len(files) != 1:
        raise Mistake(f"quality.classifier matches {len(files)} files; name one")
    file = files[0]
    coefficients, intercept, preset = weights.given(place_of(file, inside))
    with job.publish(weights.FILE) as out:
        weights.write(out, coefficients, intercept, preset)
    return Given(len(coefficients), preset, file.get("sha256", ""))
