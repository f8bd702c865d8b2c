"""What a model's training cost."""

from model.config import Architecture, Training, training_flops
from tasks.runtime.artifact import Artifact


def flops_of(model: Artifact) -> float:
    """FLOPs of a training that its manifest describes: 6ND without embeddings."""
    parameters = model.manifest["parameters"]
    return training_flops(Architecture(**parameters["architecture"]), Training(**parameters["training"]))
