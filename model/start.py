"""The weights that a training begins with, where they are given: `start` of run.yaml, a model.safetensors as
checkpoint.py writes it (or a snapshot of a training: the same names).

The optimiser and the schedule begin anew. Where the architecture has a longer context than the file's model, the rows
of the table of positions are copied and those behind them drawn, N(0, .02).

The file is read by rank 0 of the world, and named by its sha256 in every checkpoint, so that a training that is resumed
is one that began with the same weights.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from model.files import sha256_of
from model.gpt import GPT
from model.machine import Machine
from model.sharded import room_for

POSITIONS = "positions.weight"  # (context, C)


def sha256_of_start(path: Path | None, machine: Machine) -> str | None:
    """Of the file, on all ranks; None where there is none. ValueError where the file is missing."""
    return machine.from_first(lambda: _sha256(path)) if path is not None else None


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise ValueError(f"start: there is no file {path}: give the model.safetensors of a finished model")
    return sha256_of(path)


def begin_with(path: Path, model: GPT, machine: Machine, seed: int) -> None:
    """Put the file's weights into the model, in place, on all ranks; `seed`: of positions that it does not have.

    ValueError where the file is no safetensors, or its tensors are not the model's by name and shape.
    """
    weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
    room = room_for(weights) if machine.rank == 0 else {}
    known = machine.from_first(lambda: _read(room, model.architecture.context, path, seed))
    machine.copy_first(room, weights)
    if known < model.architecture.context:
        machine.say(f"of {model.architecture.context} positions {path} has {known}; the others are drawn")


@torch.no_grad()
def _read(ours: Mapping[str, Tensor], context: int, path: Path, seed: int) -> int:
    """Into tensors by name; returns how many positions the file has."""
    known = context
    try:
        with safe_open(path, "pt") as held:
            given = set(held.keys())
            if missing := sorted(set(ours) - given):
                raise ValueError(f"start: {path} has no tensor {missing[0]}: it is not a model of this architecture")
            if unknown := sorted(given - set(ours)):
                raise ValueError(f"start: {path} has a tensor {unknown[0]}, which the architecture does not have")
            for name, parameter in ours.items():
                tensor = held.get_tensor(name)
                if name == POSITIONS and tensor.shape[1:] == parameter.shape[1:] and len(tensor) < len(parameter):
                    known, tensor = len(tensor), _longer(tensor, len(parameter), seed)
                if tensor.shape != parameter.shape:
                    raise ValueError(
                        f"start: {path} has {name} of shape {tuple(tensor.shape)}, the architecture has "
                        f"{tuple(parameter.shape)}: give `model` the start's own architecture"
                    )
                parameter.copy_(tensor)
    except SafetensorError as error:
        raise ValueError(f"start: {path} is no safetensors file: {error}") from None
    return known


def _longer(table: Tensor, rows: int, seed: int) -> Tensor:
    """(n, C) -> (rows, C), those behind the first n drawn on the CPU."""
    draw = torch.Generator().manual_seed(seed)
    more = torch.empty(rows - len(table), table.shape[1]).normal_(0.0, 0.02, generator=draw)
    return torch.cat([table.float(), more])
