"""The files of a model, trained here or elsewhere."""

import json
from pathlib import Path

from tasks.runtime.artifact import Artifact

WEIGHTS, ABOUT = "model.safetensors", "model.json"
MODEL_FILES = (WEIGHTS, ABOUT, "tokenizer.json")


def model_folder(model: Artifact, step: int | None = None) -> Path:
    """A local folder with its files, checked, for model.score.load; with the snapshot of a step, where there is one."""
    paths = [model.local(name) for name in MODEL_FILES]
    if step is not None:
        for snapshot in json.loads(paths[1].read_bytes()).get("snapshots", []):
            if snapshot["step"] == step:
                model.local(snapshot["file"])
    return paths[0].parent
