"""Checkpoints and final weights: safetensors and JSON, nothing pickled; a folder or file appears whole or not at all.

    out/checkpoints/step-00000500/   model-00001-of-00002.safetensors   weights
                                     model-00002-of-00002.safetensors   AdamW's two moments
                                     model.safetensors.index.json       which tensor is where
                                     state.json                         FORMAT, step, windows read, configuration,
                                                                        sha256 of these files, of the metrics so far,
                                                                        of the snapshots so far, and of itself
    out/snapshots/step-00000512.safetensors                             the weights after that update
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
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.state_dict_loader import load as load_tensors
from torch.distributed.checkpoint.state_dict_saver import save as save_tensors

from model import MODEL_VERSION
from model.config import Architecture, stated
from model.files import PARTIAL, sha256_of
from model.gpt import GPT
from model.lstm import trunk_of
from model.weights import tensors_in

FORMAT = 1  # of model.json
ABOUT = {"format", "architecture", "tokenizer_sha256", "end_of_text"}  # keys that every model.json has
STATE_FORMAT = 2  # of a checkpoint
STATE = "state.json"  # the last file of a checkpoint to be written
SNAPSHOTS = "snapshots"
MOMENTS = ("exp_avg", "exp_avg_sq")


class Damaged(ValueError):
    """A file of a checkpoint or a model is missing, or not as it was written."""


# ---- while training


def save(
    out: Path,
    state: Mapping[str, Any],
    held: Mapping[str, Tensor],
    keep: int,
    good: int | None = None,
) -> Path:
    """Publish checkpoints/step-<state["step"]> and drop all but the newest `keep`; returns it. For one rank to call.

    `held`: what `tensors` gives, whole. `good`: the newest checkpoint of before this step stays as well: what came
    later may be part of a spike.
    """
    folder = out / "checkpoints" / name_of(state["step"])
    aside = aside_of(folder)
    shutil.rmtree(aside, ignore_errors=True)  # an earlier run's, killed while writing
    aside.mkdir(parents=True)
    files = {name: 1 if name.startswith("model.") else 2 for name in held}
    _quietly(save_tensors, dict(held), storage_writer=HuggingFaceStorageWriter(str(aside), files))
    contents = {path.name: sha256_of(path) for path in sorted(aside.iterdir())}
    (aside / STATE).write_bytes(_encoded({"format": STATE_FORMAT, **state, "sha256": contents}))
    appear(aside, folder)
    kept = found(out)
    before = [old for old in kept if good is not None and step_of(old) < good]
    for old in kept[:-keep]:
        if old not in before[-1:]:
            shutil.rmtree(old)
    return folder


def name_of(step: int) -> str:
    """A checkpoint's folder; the order of names is that of steps."""
    return f"step-{step:08d}"


def step_of(folder: Path) -> int:
    """The step of a checkpoint's folder."""
    return int(folder.name.removeprefix("step-"))


def found(out: Path) -> list[Path]:
    """The checkpoints, oldest first. Unpublished and damaged ones have names of their own."""
    return sorted((out / "checkpoints").glob("step-*"))


def remove(folder: Path) -> None:
    """Remove a checkpoint, state.json first: what is left of it, should we be killed, is none."""
    (folder / STATE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def state_of(folder: Path) -> dict[str, Any]:
    """What state.json says. Damaged where it, or a file that it names, is missing, empty or not as it was written;
    ValueError where its format is another."""
    path = folder / STATE
    try:
        content = path.read_bytes()
        state = json.loads(content)
        if not isinstance(state, dict):
            raise ValueError
    except FileNotFoundError:
        raise Damaged(f"{path} is missing") from None
    except ValueError:  # of no bytes, too
        raise Damaged(f"{path} is damaged: it is {'not JSON' if content else 'empty'}") from None
    if state.get("format") == 1 and "state_sha256" not in state:
        raise ValueError(f"{folder} has checkpoint format 1, this code reads {STATE_FORMAT}: use the version before")
    checksum = state.pop("state_sha256", None)
    if content != _encoded(state) or checksum is None:
        raise Damaged(f"{path} is damaged: it is not as it was written (sha256)")
    if state["format"] != STATE_FORMAT:
        raise ValueError(
            f"{folder} has checkpoint format {state['format']}, this code reads {STATE_FORMAT}: "
            "use the version that wrote it"
        )
    named = {folder / name: sha256 for name, sha256 in state["sha256"].items()}
    named |= {folder.parent.parent / name: sha256 for name, sha256 in state["snapshots"].items()}
    for file, sha256 in named.items():
        if not file.is_file():
            raise Damaged(f"{file} is missing")
        if sha256_of(file) != sha256:
            raise Damaged(
                f"{file} is damaged: it is {'not as it was written (sha256)' if file.stat().st_size else 'empty'}"
            )
    return state


def _encoded(state: Mapping[str, Any]) -> bytes:
    """state.json, with the sha256 of what it holds: one flipped bit anywhere gives other bytes than these."""
    held = json.dumps(state, sort_keys=True).encode()
    whole = {**state, "state_sha256": hashlib.sha256(held).hexdigest()}
    return (json.dumps(whole, indent=1, sort_keys=True) + "\n").encode()


def snapshot(out: Path, step: int, weights: Mapping[str, Tensor]) -> tuple[str, str]:
    """Write snapshots/step-<step>.safetensors, as model.safetensors is; returns its name in `out`, and its sha256."""
    path = out / SNAPSHOTS / f"{name_of(step)}.safetensors"
    path.parent.mkdir(exist_ok=True)
    aside = _weights_aside(path, weights)
    sha256 = sha256_of(aside)
    _rename(aside, path)
    return f"{SNAPSHOTS}/{path.name}", sha256


def make_room(step: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """The optimiser's state after `step` updates, its moments still to be filled: all 0."""
    for parameter in model.parameters():
        optimizer.state[parameter] = {
            "step": torch.tensor(float(step), dtype=torch.float32, device=parameter.device),
            **{moment: torch.zeros_like(parameter) for moment in MOMENTS},
        }


def load(folder: Path, held: Mapping[str, Tensor]) -> None:
    """Fill tensors that are there, named and shaped as those that were saved."""
    _quietly(load_tensors, dict(held), storage_reader=HuggingFaceStorageReader(str(folder)))


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
    more: Mapping[str, Any] | None = None,
    weights: Mapping[str, Tensor] | None = None,
) -> None:
    """Write tokenizer.json, model.json and, last, model.safetensors: its presence says that the model is whole.

    `tokenizer`: the content of a tokenizer.json, or its path. `more`: keys of model.json that a training adds:
    `dtype` (its arithmetic), `snapshots` (step, file, sha256), `skipped` (model/divergence.py), `start_sha256` (of the
    weights that it began with). `weights`: the model's parameters, where it does not hold them whole. They are written
    aside first, since model.json holds their sha256.
    """
    content = tokenizer if isinstance(tokenizer, bytes) else tokenizer.read_bytes()
    aside = _weights_aside(out / "model.safetensors", dict(model.named_parameters()) if weights is None else weights)
    _write(out / "tokenizer.json", content)
    about = {
        "format": FORMAT,
        "model_version": MODEL_VERSION,
        "architecture": stated(model.architecture),
        "training": dict(training),
        "parameters": sum(p.numel() for p in model.parameters()),
        "tokenizer": fingerprint,  # as the tokens and the mixture name it
        "tokenizer_sha256": hashlib.sha256(content).hexdigest(),  # of the tokenizer.json beside this file
        "model_sha256": sha256_of(aside),  # of the model.safetensors beside it
        "end_of_text": end_of_text,
        **(more or {}),
    }
    _write(out / "model.json", (json.dumps(about, indent=1, sort_keys=True) + "\n").encode())
    _rename(aside, out / "model.safetensors")


def about_of(folder: Path) -> dict[str, Any]:
    """model.json of a finished model, whose files it checks. ValueError where a part is missing or another's, Damaged
    where one is not as it was written."""
    if not (folder / "model.safetensors").is_file():
        raise ValueError(f"{folder} holds no model.safetensors: its training has not finished; run it again")
    try:
        about: dict[str, Any] = json.loads((folder / "model.json").read_bytes())
        if not isinstance(about, dict) or not set(about) >= ABOUT:
            raise ValueError
    except (FileNotFoundError, ValueError):
        raise Damaged(
            f"{folder}/model.json is missing, or not JSON as a finished model has it: train the model again: millrace "
            f"repair"
        ) from None
    if about["format"] != FORMAT:
        raise ValueError(f"{folder}/model.json has format {about['format']}, this code reads {FORMAT}")
    if missing := [name for name in ("tokenizer.json", "model.safetensors") if not (folder / name).is_file()]:
        raise Damaged(f"{folder}/{missing[0]} is missing: train the model again: millrace repair")
    if sha256_of(folder / "tokenizer.json") != about["tokenizer_sha256"]:
        raise ValueError(
            f"{folder}/tokenizer.json is not the tokenizer that the model was trained with: put the right one back"
        )
    # Not recorded by models of before.
    if about.get("model_sha256") not in (None, sha256_of(folder / "model.safetensors")):
        raise Damaged(
            f"{folder}/model.safetensors is damaged: its content is not what model.json recorded (sha256); "
            "train the model again: millrace repair"
        )
    return about


def read(
    folder: Path, device: str | torch.device = "cpu", step: int | None = None, with_head: bool = False
) -> tuple[GPT, dict[str, Any]]:
    """A finished model, in evaluation mode, and its model.json; with `step`, its weights after that update, of which
    it kept a snapshot; with `with_head` the head that an objective gave it (model/headed.py), as its `head`.
    ValueError as `about_of`, and where there is no such snapshot."""
    about = about_of(folder)
    weights = folder / "model.safetensors"
    if step is not None:
        snapshots = {kept["step"]: kept for kept in about.get("snapshots", [])}
        if step not in snapshots:
            there = ", ".join(map(str, snapshots)) or "none"
            raise ValueError(f"{folder} has no snapshot of step {step}; it has: {there} (`snapshots` of the model)")
        weights = folder / snapshots[step]["file"]
        if not weights.is_file() or sha256_of(weights) != snapshots[step]["sha256"]:
            raise Damaged(f"{weights} is missing or damaged (sha256); train the model again: millrace repair")
    tensors = tensors_in(weights, device)
    try:
        architecture, head = Architecture(**about["architecture"]), about.get("head")
        with torch.device("meta"):
            model = trunk_of(architecture)
            if head is not None and with_head:
                model.head = nn.Linear(architecture.width, head["outputs"])
        if head is not None and not with_head:
            tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("head.")}
        model.load_state_dict(tensors, assign=True)
    except (TypeError, RuntimeError) as error:  # keys that it has not; torch's sentence names the tensor
        fault = str(error).splitlines()[-1].strip()
        raise Damaged(f"{weights} does not fit the architecture in model.json: {fault}") from None
    model.end_of_text = about["end_of_text"]
    model.arithmetic = getattr(torch, about.get("dtype", "float32"))
    return model.eval(), about


def _weights_aside(path: Path, weights: Mapping[str, Tensor]) -> Path:
    """The weights as a file that is still to be renamed to `path`."""
    weights = {name: p.detach().to("cpu", torch.float32).contiguous() for name, p in weights.items()}
    aside = aside_of(path)
    save_file(weights, aside, metadata={"format": "pt"})
    aside.chmod(0o644)  # save_file makes it readable by its owner only
    return aside


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
