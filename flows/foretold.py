"""What loss a model will have, where a law is at hand: a ladder's prediction that is built, else the paper's own law.

GPT-3's law (its figure 3.1) is of its corpus and its tokenizer, so it is given for vocabularies of its size alone, and
named; C is 6ND without embeddings, in PF-days.
"""

from dataclasses import dataclass

from flows.paces import training_of
from model.config import PF_DAY, training_flops
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run

VOCABULARY = 50257


@dataclass(frozen=True)
class Loss:
    """Nats a token, and by which law; `low` and `high` where it has an interval."""

    value: float
    by: str
    low: float | None = None
    high: float | None = None


def loss_of(artifact: Artifact, run: Run) -> Loss | None:
    """Of a model of the run that is to be trained from its beginning; None where no law is at hand."""
    found = training_of(artifact.recipe)
    if found is None or "start" in artifact.recipe["inputs"]:
        return None
    for other in run.artifacts:
        if other.stage == "prediction" and other.name == artifact.name and other.built:
            told = other.manifest["statistics"]
            return Loss(told["loss"], f"this ladder's law on {told['runs']} runs", told["low"], told["high"])
    architecture, training = found
    if architecture.vocabulary != VOCABULARY:
        return None
    days = training_flops(architecture, training) / PF_DAY
    return Loss(2.57 * days**-0.048, "GPT-3's law, 2.57 C^-.048 (figure 3.1), of its own corpus")
