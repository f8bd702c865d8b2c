"""Checkpoints and final weights: safetensors and JSON, nothing pickled; a folder or file appears whole or not at all.

    out/checkpoints/step-00000500/   model-00001-of-00002.safetensors   weights
                                     model-00002-of-00002.safetensors   AdamW's two moments
                                     model.safetensors.index.json       which tensor is where
                                     state.json                         FORMAT, step, windows read, configuration
    out/model.safetensors, model.json, tokenizer.json                   the finished model; model.safetensors comes last

Tensors go through torch.distributed.checkpoint's safetensors writer (its default metadata is a pickle).
"""

import json
import os
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.distributed.checkpoint import HuggingFaceStorageReader, HuggingFaceStorageWriter

from model import MODEL_VERSION
from model.config import Architecture
from model.gpt import GPT
from model.tokenizer import sha256

FORMAT = 1
MOMENTS = ("exp_avg", "exp_avg_sq")


# ---- while training


def save(out: Path, state: Mapping[str, Any], model: nn.Module, optimizer: torch.optim.Optimizer, keep: int) -> Path:
    """Publish checkpoints/step-<state["step"]> and drop all but the newest `keep`. For one rank to call."""
    folder = out / "checkpoints" / f"step-{state['step']:08d}"
    aside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)  # an earlier run's, killed while writing
    aside.mkdir(parents=True)
    tensors = _tensors(model, optimizer)
    files = {name: 1 if name.startswith("model.") else 2 for name in tensors}
    _quietly(dcp.save, tensors, storage_writer=HuggingFaceStorageWriter(str(aside), files))
    (aside / "state.json").write_text(json.dumps({"format": FORMAT, **state}, indent=1, sort_keys=True) + "\n")
    for path in aside.iterdir():
        _sync(path)
    _sync(aside)
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    _sync(folder.parent)
    for old in found(out)[:-keep]:
        shutil.rmtree(old)
    return folder


def found(out: Path) -> list[Path]:
    """The checkpoints, oldest first. Unpublished ones have names of their own."""
    return sorted((out / "checkpoints").glob("step-*"))


def state_of(folder: Path) -> dict[str, Any]:
    state = json.loads((folder / "state.json").read_text())
    if state["format"] != FORMAT:
        raise ValueError(
            f"{folder} has checkpoint format {state['format']}, this code reads {FORMAT}: use the version that wrote it"
        )
    return state


def load(folder: Path, step: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Fill the model's weights and the optimiser's moments, in place."""
    for parameter in model.parameters():
        optimizer.state[parameter] = {
            "step": torch.tensor(float(step), dtype=torch.float32, device=parameter.device),
            **{moment: torch.zeros_like(parameter) for moment in MOMENTS},
        }
    _quietly(dcp.load, _tensors(model, optimizer), storage_reader=HuggingFaceStorageReader(str(folder)))


def _tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    tensors = {f"model.{name}": parameter.detach() for name, parameter in model.named_parameters()}
    for name, parameter in model.named_parameters():
        tensors |= {f"{moment}.{name}": optimizer.state[parameter][moment] for moment in MOMENTS}
    return tensors


def _quietly(call: Any, tensors: dict[str, Tensor], **keywords: Any) -> None:
    """One process reads or writes by itself (every rank holds all); torch warns that this is so, each time."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        call(tensors, no_dist=True, **keywords)


# ---- the finished model


def publish(
    out: Path, model: GPT, tokenizer: Path, fingerprint: str | None, end_of_text: int, training: Mapping[str, Any]
) -> None:
    """Write tokenizer.json, model.json and, last, model.safetensors: its presence says that the model is whole."""
    _write(out / "tokenizer.json", tokenizer.read_bytes())
    about = {
        "format": FORMAT,
        "model_version": MODEL_VERSION,
        "architecture": vars(model.architecture),
        "training": dict(training),
        "parameters": sum(p.numel() for p in model.parameters()),
        "tokenizer": fingerprint,  # as the tokens and the mixture name it
        "tokenizer_sha256": sha256(tokenizer),  # of the tokenizer.json beside this file
        "end_of_text": end_of_text,
    }
    _write(out / "model.json", (json.dumps(about, indent=1, sort_keys=True) + "\n").encode())
    weights = {name: p.detach().to("cpu", torch.float32).contiguous() for name, p in model.named_parameters()}
    aside = out / ".model.safetensors.partial"
    save_file(weights, aside, metadata={"format": "pt"})
    aside.chmod(0o644)  # save_file makes it readable by its owner only
    _rename(aside, out / "model.safetensors")


def read(folder: Path, device: str | torch.device = "cpu") -> tuple[GPT, dict[str, Any]]:
    """A finished model, in evaluation mode, and its model.json. ValueError where a part is missing or another's."""
    if not (folder / "model.safetensors").is_file():
        raise ValueError(f"{folder} holds no model.safetensors: its training has not finished; run it again")
    about = json.loads((folder / "model.json").read_text())
    if about["format"] != FORMAT:
        raise ValueError(f"{folder}/model.json has format {about['format']}, this code reads {FORMAT}")
    if sha256(folder / "tokenizer.json") != about["tokenizer_sha256"]:
        raise ValueError(
            f"{folder}/tokenizer.json is not the tokenizer that the model was trained with: put the right one back"
        )
    with torch.device("meta"):
        model = GPT(Architecture(**about["architecture"]))
    model.load_state_dict(load_file(folder / "model.safetensors", device=str(device)), assign=True)
    model.end_of_text = about["end_of_text"]
    return model.eval(), about


# ---- appearing whole


def _write(path: Path, data: bytes) -> None:
    aside = path.with_name(f".{path.name}.partial")
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
