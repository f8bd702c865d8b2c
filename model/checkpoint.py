"""Checkpoints and final weights: safetensors and JSON, nothing pickled; a folder or file appears whole or not at all.

    out/checkpoints/step-00000500/   model-00001-of-00002.safetensors   weights
                                     model-00002-of-00002.safetensors   AdamW's two moments
                                     model.safetensors.index.json       which tensor is where
                                     state.json                         FORMAT, step, windows read, configuration,
                                                                        sha256 of these files and of the metrics so far
    out/model.safetensors, model.json, tokenizer.json                   the finished model; model.safetensors comes last

Tensors go through torch.distributed.checkpoint's safetensors writer (its default metadata is a pickle).
"""

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.state_dict_loader import load as load_tensors
from torch.distributed.checkpoint.state_dict_saver import save as save_tensors

from model import MODEL_VERSION
from model.config import Architecture
from model.files import PARTIAL, sha256_of
from model.gpt import GPT

FORMAT = 1
STATE = "state.json"  # the last file of a checkpoint to be written
MOMENTS = ("exp_avg", "exp_avg_sq")


# ---- while training


def save(out: Path, state: Mapping[str, Any], model: nn.Module, optimizer: torch.optim.Optimizer, keep: int) -> Path:
    """Publish checkpoints/step-<state["step"]> and drop all but the newest `keep`; returns it. For one rank to call."""
    folder = out / "checkpoints" / name_of(state["step"])
    aside = aside_of(folder)
    shutil.rmtree(aside, ignore_errors=True)  # an earlier run's, killed while writing
    aside.mkdir(parents=True)
    held = tensors(model, optimizer)
    files = {name: 1 if name.startswith("model.") else 2 for name in held}
    _quietly(save_tensors, held, storage_writer=HuggingFaceStorageWriter(str(aside), files))
    contents = {path.name: sha256_of(path) for path in sorted(aside.iterdir())}
    state = {"format": FORMAT, **state, "sha256": contents}
    (aside / STATE).write_text(json.dumps(state, indent=1, sort_keys=True) + "\n")
    appear(aside, folder)
    for old in found(out)[:-keep]:
        shutil.rmtree(old)
    return folder


def name_of(step: int) -> str:
    """A checkpoint's folder; the order of names is that of steps."""
    return f"step-{step:08d}"


def found(out: Path) -> list[Path]:
    """The checkpoints, oldest first. Unpublished ones have names of their own."""
    return sorted((out / "checkpoints").glob("step-*"))


def state_of(folder: Path) -> dict[str, Any]:
    """What state.json says. ValueError where its format is another, or a file is not the one that it was written with
    (checkpoints of before this was recorded are believed)."""
    if name := damaged(folder):
        raise ValueError(f"{folder / name} is damaged: remove {folder}, to resume from the one before it")
    state: dict[str, Any] = json.loads((folder / STATE).read_bytes())
    if state["format"] != FORMAT:
        raise ValueError(
            f"{folder} has checkpoint format {state['format']}, this code reads {FORMAT}: use the version that wrote it"
        )
    return state


def damaged(folder: Path) -> str | None:
    """The name of a file of the checkpoint that is missing or not the one it was written with; None where all are."""
    try:
        state = json.loads((folder / STATE).read_bytes())
        contents = state.get("sha256", {}).items()
    except (FileNotFoundError, ValueError, AttributeError):
        return STATE
    for name, sha256 in contents:
        if not (folder / name).is_file() or sha256_of(folder / name) != sha256:
            return str(name)
    return None


def make_room(step: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """The optimiser's state after `step` updates, its moments still to be filled: all 0."""
    for parameter in model.parameters():
        optimizer.state[parameter] = {
            "step": torch.tensor(float(step), dtype=torch.float32, device=parameter.device),
            **{moment: torch.zeros_like(parameter) for moment in MOMENTS},
        }


def load(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Fill the model's weights and the optimiser's moments, in place, after make_room."""
    _quietly(load_tensors, tensors(model, optimizer), storage_reader=HuggingFaceStorageReader(str(folder)))


def tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """All that a training is made of, by name: weights, and the moments of each."""
    named = {f"model.{name}": parameter.detach() for name, parameter in model.named_parameters()}
    for name, parameter in model.named_parameters():
        named |= {f"{moment}.{name}": optimizer.state[parameter][moment] for moment in MOMENTS}
    return named


def _quietly(call: Any, held: dict[str, Tensor], **keywords: Any) -> None:
    """One process reads or writes by itself (every rank holds all); torch warns that this is so, each time."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        call(held, no_dist=True, **keywords)


# ---- the finished model


def publish(
    out: Path,
    model: GPT,
    tokenizer: Path | bytes,
    fingerprint: str | None,
    end_of_text: int,
    training: Mapping[str, Any],
) -> None:
    """Write tokenizer.json, model.json and, last, model.safetensors: its presence says that the model is whole.

    `tokenizer`: the content of a tokenizer.json, or its path. The weights are written aside first, since model.json
    holds their sha256.
    """
    content = tokenizer if isinstance(tokenizer, bytes) else tokenizer.read_bytes()
    weights = {name: p.detach().to("cpu", torch.float32).contiguous() for name, p in model.named_parameters()}
    aside = aside_of(out / "model.safetensors")
    save_file(weights, aside, metadata={"format": "pt"})
    aside.chmod(0o644)  # save_file makes it readable by its owner only
    _write(out / "tokenizer.json", content)
    about = {
        "format": FORMAT,
        "model_version": MODEL_VERSION,
        "architecture": vars(model.architecture),
        "training": dict(training),
        "parameters": sum(p.numel() for p in model.parameters()),
        "tokenizer": fingerprint,  # as the tokens and the mixture name it
        "tokenizer_sha256": hashlib.sha256(content).hexdigest(),  # of the tokenizer.json beside this file
        "model_sha256": sha256_of(aside),  # of the model.safetensors beside it
        "end_of_text": end_of_text,
    }
    _write(out / "model.json", (json.dumps(about, indent=1, sort_keys=True) + "\n").encode())
    _rename(aside, out / "model.safetensors")


def read(folder: Path, device: str | torch.device = "cpu") -> tuple[GPT, dict[str, Any]]:
    """A finished model, in evaluation mode, and its model.json. ValueError where a part is missing, damaged or
    another's."""
    if not (folder / "model.safetensors").is_file():
        raise ValueError(f"{folder} holds no model.safetensors: its training has not finished; run it again")
    about = json.loads((folder / "model.json").read_text())
    if about["format"] != FORMAT:
        raise ValueError(f"{folder}/model.json has format {about['format']}, this code reads {FORMAT}")
    if sha256_of(folder / "tokenizer.json") != about["tokenizer_sha256"]:
        raise ValueError(
            f"{folder}/tokenizer.json is not the tokenizer that the model was trained with: put the right one back"
        )
    # Not recorded by models of before.
    if about.get("model_sha256") not in (None, sha256_of(folder / "model.safetensors")):
        raise ValueError(
            f"{folder}/model.safetensors is damaged: its content is not what model.json recorded (sha256); "
            "train the model again: millrace repair"
        )
    with torch.device("meta"):
        model = GPT(Architecture(**about["architecture"]))
    model.load_state_dict(load_file(folder / "model.safetensors", device=str(device)), assign=True)
    model.end_of_text = about["end_of_text"]
    return model.eval(), about


# ---- appearing whole


def aside_of(path: Path) -> Path:
    """Where a file or folder is written before it appears under its own name."""
    return path.with_name(f".{path.name}{PARTIAL}")


def appear(aside: Path, folder: Path) -> None:
    """Rename a folder of files, once all are on the disk, in the place of what has that name."""
    for path in aside.iterdir():
        _sync(path)
    _sync(aside)
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    _sync(folder.parent)


def _write(path: Path, data: bytes) -> None:
    aside = aside_of(path)
    aside.write_bytes(data)
    _rename(aside, path)


def _rename(aside: Path, path: Path) -> None:
    _sync(aside)
    aside.rename(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
