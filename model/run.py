"""run.yaml, what model.train is started with, read and checked. Torch-free.

out: runs/small                what is written
store: store                   root of the folders that mixture.json names
mixture: .../mixture.json
tokenizer: .../tokenizer.json
tokenizer_fingerprint: 3f...   optional: refuse a mixture made with another
preset: gpt3-small             optional (model/presets.py); then model and train override its keys
model: {layers: 4, ...}        keys of model.config.Architecture
train: {tokens: 1000000, ...}  keys of model.config.Training
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

from model.config import Architecture, Training
from model.presets import preset


@dataclass(frozen=True)
class Run:
    out: Path
    store: Path
    mixture: Path
    tokenizer: Path
    architecture: Architecture
    training: Training
    tokenizer_fingerprint: str | None = None


def read_run(path: str | Path) -> Run:
    """run.yaml, checked; raises ValueError with a sentence."""
    keys = yaml.safe_load(Path(path).read_text()) if Path(path).is_file() else None
    if not isinstance(keys, dict):
        raise ValueError(f"{path} is not a file with a mapping of keys: see the head of model/run.py")
    known = {"out", "store", "mixture", "tokenizer", "tokenizer_fingerprint", "preset", "model", "train"}
    if unknown := sorted(set(keys) - known):
        raise ValueError(f"{path}: unknown keys {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    if missing := [key for key in ("out", "store", "mixture", "tokenizer") if not keys.get(key)]:
        raise ValueError(f"{path}: {', '.join(missing)} must be given")
    model, train = keys.get("model") or {}, keys.get("train") or {}
    try:
        if keys.get("preset"):
            architecture, training = preset(keys["preset"], **model, **train)
        else:
            architecture, training = Architecture(**model), Training(**train)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None
    out, store, mixture, tokenizer = (Path(keys[key]) for key in ("out", "store", "mixture", "tokenizer"))
    return Run(out, store, mixture, tokenizer, architecture, training, keys.get("tokenizer_fingerprint"))
