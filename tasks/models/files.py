"""The files of a model, trained here or elsewhere."""

from pathlib import Path

from tasks.runtime.artifact import Artifact

WEIGHTS, ABOUT = "model.safetensors", "model.json"
MODEL_FILES = (WEIGHTS, ABOUT, "tokenizer.json")


def model_folder(model: Artifact) -> Path:
    """A local folder with its files, checked, for model.score.load."""
    paths = [model.local(name) for name in MODEL_FILES]
    return paths[0].parent
