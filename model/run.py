"""run.yaml, what model.train is started with, read and checked. Torch-free.

out: runs/small                what is written; a folder of this machine
store: store                   root of the folders that mixture.json names: a folder, or s3://bucket/prefix (files.py)
mixture: .../mixture.json      a file of this machine, or a name below the store: the objective is `lm`
objective: classify            or, with `examples`, one of model/objective_table.py ...
objective_keys: {auxiliary: 0} ... and its keys
examples: examples/sst-1a...   a name below the store; batch, tokens and schedule then count examples
epochs: 3                      of the examples, in the place of `tokens` and `updates`
tokenizer: .../tokenizer.json  likewise
tokenizer_fingerprint: 3f...   optional: refuse a mixture made with another
preset: gpt3-small             optional (model/presets.py); then model and train override its keys
model: {layers: 4, ...}        keys of model.config.Architecture
train: {tokens: 1000000, ...}  keys of model.config.Training
start: .../model.safetensors   optional: weights to begin with (model/start.py); a file of this machine
layers_transferred: 6          optional: of its blocks so many; all if absent
cache: /scratch/tokens         optional: where files of a store behind a URL are kept; by default ~/.cache/millrace
cache_bytes: 34359738368       optional: how much is kept there; by default 32 GiB
mirror: checkpoints/small      optional: a name below the store, where each checkpoint is copied (mirror.py)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from model.config import Architecture, Training
from model.files import CACHE_BYTES, is_url, store_at
from model.presets import over_epochs, preset


@dataclass(frozen=True)
class Run:
    """run.yaml's keys, in its order of meaning; see the head of this file."""

    out: Path
    store: str
    mixture: str | None
    tokenizer: str
    architecture: Architecture
    training: Training
    tokenizer_fingerprint: str | None
    cache: Path | None
    cache_bytes: int
    mirror: str | None
    start: Path | None = None
    layers_transferred: int | None = None
    objective: str = "lm"
    objective_keys: Mapping[str, Any] = field(default_factory=dict)
    examples: str | None = None
    epochs: float | None = None


def read_run(path: str | Path) -> Run:
    """run.yaml, checked; raises ValueError with a sentence."""
    try:
        keys = yaml.safe_load(Path(path).read_bytes()) if Path(path).is_file() else None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not YAML: {error}") from None
    if not isinstance(keys, dict):
        raise ValueError(f"{path} is not a file with a mapping of keys: see the head of model/run.py")
    known = {key.name for key in fields(Run)} - {"architecture", "training"} | {"preset", "model", "train"}
    if unknown := sorted(set(keys) - known):
        raise ValueError(f"{path}: unknown keys {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    if missing := [key for key in ("out", "store", "tokenizer") if not keys.get(key)]:
        raise ValueError(f"{path}: {', '.join(missing)} must be given")
    objective = keys.get("objective", "lm")
    if bool(keys.get("mixture")) == bool(keys.get("examples")) or (objective == "lm") != bool(keys.get("mixture")):
        raise ValueError(f"{path}: give `mixture` for the objective lm, or `examples` for another one")
    for key in ("epochs", "objective_keys"):
        if keys.get(key) is not None and objective == "lm":
            raise ValueError(f"{path}: {key} belongs to a training on examples")
    model, train = keys.get("model") or {}, keys.get("train") or {}
    try:
        if keys.get("epochs") is not None:
            train = over_epochs(train, keys["epochs"], _examples(keys))
        if keys.get("preset"):
            architecture, training = preset(keys["preset"], **model, **train)
        else:
            architecture, training = Architecture(**model), Training(**train)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None
    for key in ("out", "cache", "start"):
        if is_url(str(keys.get(key))):
            what = "a file of this machine" if key == "start" else "a folder of this machine; for the store: `mirror`"
            raise ValueError(f"{path}: {key} must be {what}")
    cache_bytes = keys.get("cache_bytes", CACHE_BYTES)
    if not isinstance(cache_bytes, int) or cache_bytes < 1:
        raise ValueError(f"{path}: cache_bytes is {cache_bytes!r}: it must be a number of bytes, at least 1")
    return Run(
        out=Path(keys["out"]),
        store=str(keys["store"]),
        mixture=str(keys["mixture"]) if keys.get("mixture") else None,
        tokenizer=str(keys["tokenizer"]),
        architecture=architecture,
        training=training,
        tokenizer_fingerprint=keys.get("tokenizer_fingerprint"),
        cache=Path(keys["cache"]) if keys.get("cache") else None,
        cache_bytes=cache_bytes,
        mirror=str(keys["mirror"]).strip("/") if keys.get("mirror") else None,
        start=Path(keys["start"]) if keys.get("start") else None,
        layers_transferred=keys.get("layers_transferred"),
        objective=objective,
        objective_keys=keys.get("objective_keys") or {},
        examples=str(keys["examples"]).strip("/") if keys.get("examples") else None,
        epochs=keys.get("epochs"),
    )


def _examples(keys: Mapping[str, Any]) -> int:
    """How many examples run.yaml's `examples` has to train on."""
    from model.examples import about_of, count

    cache = Path(keys["cache"]) if keys.get("cache") else None
    about, _ = about_of(store_at(str(keys["store"]), cache), str(keys["examples"]).strip("/"))
    return count(about)
