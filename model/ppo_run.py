"""run.yaml, what model.ppo is started with, read and checked. Torch-free.

out: runs/instruct             what is written; a folder of this machine
start: runs/sft                folder of the model that the policy begins as, and is kept near to: the SFT model
step: 400                      optional: of the start, as it was after that update (a snapshot)
prompts: prompts.jsonl         JSON lines, each {"tokens": [ids]} or {"prompt": "text"}; or `examples: FOLDER`, a name
                               below the store of prompts as token shards (model/examples.py)
reward: runs/reward            folder of a reward model, with which the value network begins; or, beside or without it,
function: package.module:name  what is called with `arguments` and the start's folder, and gives a function
arguments: {...}                 (prompt ids, answer ids) -> float. Where both are given their sum is the reward
store: store                   root of what follows: a folder, or s3://bucket/prefix (files.py)
mixture: .../mixture.json      pretraining's, for the windows of PPO-ptx; with gamma 0 none is read
mixture_seed: 1                the seed of pretraining, which orders them
first_window: 0                the first one: 0 are pretraining's first, its number of windows goes on behind its last
end: <|end|>                   the token that ends an answer; absent: this where the tokenizer has it, else end_of_text
ppo: {episodes: 7680, ...}     keys of model.ppo_keys.PPO
cache, cache_bytes             as of model/run.py
"""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from model.files import CACHE_BYTES
from model.ppo_keys import PPO


@dataclass(frozen=True)
class PPORun:
    """run.yaml's keys; see the head of this file."""

    out: Path
    start: Path
    ppo: PPO
    step: int | None = None
    prompts: Path | None = None
    examples: str | None = None
    reward: Path | None = None
    function: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    store: str = "."
    mixture: str | None = None
    mixture_seed: int = 1
    first_window: int = 0
    end: str | None = None
    cache: Path | None = None
    cache_bytes: int = CACHE_BYTES


def read_run(path: str | Path) -> PPORun:
    """run.yaml, checked; raises ValueError with a sentence."""
    try:
        keys = yaml.safe_load(Path(path).read_bytes()) if Path(path).is_file() else None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not YAML: {error}") from None
    if not isinstance(keys, dict):
        raise ValueError(f"{path} is not a file with a mapping of keys: see the head of model/ppo_run.py")
    known = {each.name for each in fields(PPORun)}
    if unknown := sorted(set(keys) - known):
        raise ValueError(f"{path}: unknown keys {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    if missing := [key for key in ("out", "start") if not keys.get(key)]:
        raise ValueError(f"{path}: {', '.join(missing)} must be given")
    if bool(keys.get("prompts")) == bool(keys.get("examples")):
        raise ValueError(f"{path}: give one of prompts and examples")
    if not keys.get("reward") and not keys.get("function"):
        raise ValueError(f"{path}: give reward, the folder of a reward model, or function")
    try:
        ppo = PPO(**(keys.get("ppo") or {}))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: ppo: {error}") from None
    if ppo.gamma and not keys.get("mixture"):
        raise ValueError(
            f"{path}: gamma is {ppo.gamma}, and there is no mixture to read windows of: give it, or gamma 0"
        )
    folders = {key: Path(keys[key]) for key in ("out", "start", "prompts", "reward", "cache") if keys.get(key)}
    return PPORun(**{**keys, **folders, "ppo": ppo})
