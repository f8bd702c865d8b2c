"""The weights that a training begins with, where they are given: `start` of run.yaml, a model.safetensors as
checkpoint.py writes it (or a snapshot of a training: the same names).

The optimiser and the schedule begin anew. Where the architecture has a longer context than the file's model, or a
larger vocabulary (tokens that examples add), the rows of the table are copied and those behind them drawn, N(0, .02). A
head of the file's is left: an objective's own is drawn anew (model/headed.py). `layers`: so many of the blocks are
taken, from the first on, and the others stay as they were drawn; without all of them so does the last norm.

The file is read by rank 0 of the world, and named by its sha256 in every checkpoint, so that a training that is resumed
is one that began with the same weights.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from model.files import sha256_of
from model.gpt import GPT
from model.machine import Machine
from model.sharded import room_for
from model.weights import tensors_in

POSITIONS, TOKENS = "positions.weight", "tokens.weight"  # (context, C), (V, C)
MORE_TOKENS = 1 << 32  # added to the seed that positions are drawn by
HEAD = "head."  # before the names of a head's tensors


def sha256_of_start(path: Path | None, machine: Machine) -> str | None:
    """Of the file, on all ranks; None where there is none. ValueError where the file is missing."""
    return machine.from_first(lambda: _sha256(path)) if path is not None else None


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise ValueError(f"start: there is no file {path}: give the model.safetensors of a finished model")
    return sha256_of(path)


@torch.no_grad()
def begin_with(model: GPT, path: Path, machine: Machine, seed: int, layers: int | None = None) -> None:
    """Put the file's weights into the model, in place, on all ranks; `seed`: of positions and tokens that it does not
    have; `layers`: how many blocks are taken, all if None.

    ValueError where the file is no safetensors, or its tensors are not the model's by name and shape.
    """
    held: dict[str, Tensor] = {}  # of rank 0
    shapes = {name: parameter.shape for name, parameter in model.named_parameters() if not name.startswith(HEAD)}

    def read() -> dict[str, int]:
        held.update(_read(path, shapes))
        return {name: len(held[name]) for name in (POSITIONS, TOKENS) if name in held}

    for name, rows in machine.from_first(read).items():
        if rows < shapes[name][0]:
            machine.say(f"of {shapes[name][0]} {name.split('.')[0]} {path} has {rows}; the others are drawn")
            if held:
                held[name] = _longer(held[name], shapes[name][0], seed if name == POSITIONS else seed + MORE_TOKENS)
    taken = [name for name in shapes if layers is None or _taken(name, layers, model.architecture.layers)]
    weights = {name: parameter.detach() for name, parameter in model.named_parameters() if name in taken}
    held = {name: held[name] for name in taken if name in held}
    room = room_for(weights) if machine.rank == 0 else {}
    for name, tensor in held.items():
        room[name].copy_(tensor)
    machine.copy_first(room, weights)


def _taken(name: str, layers: int, of: int) -> bool:
    """Whether a tensor is taken with so many of the blocks; embeddings always are."""
    if name.startswith("blocks."):
        return int(name.split(".")[1]) < layers
    return not name.startswith("norm.") or layers >= of


def _read(path: Path, shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """The file's tensors, of these names and shapes, but for fewer positions or tokens."""
    try:
        tensors = tensors_in(path)
    except ValueError as error:
        raise ValueError(f"start: {error}") from None
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(HEAD)}
    if missing := sorted(set(shapes) - set(tensors)):
        raise ValueError(f"start: {path} has no tensor {missing[0]}: it is not a model of this architecture")
    if unknown := sorted(set(tensors) - set(shapes)):
        raise ValueError(f"start: {path} has a tensor {unknown[0]}, which the architecture does not have")
    for name, shape in shapes.items():
        found = tensors[name].shape
        shorter = name in (POSITIONS, TOKENS) and found[1:] == shape[1:] and found[0] < shape[0]
        if found != shape and not shorter:
            raise ValueError(
                f"start: {path} has {name} of shape {tuple(found)}, the architecture has {tuple(shape)}: give `model` "
                "the start's own architecture"
            )
    return tensors


def _longer(table: Tensor, rows: int, seed: int) -> Tensor:
    """(n, C) -> (rows, C), those behind the first n drawn on the CPU."""
    draw = torch.Generator().manual_seed(seed)
    more = torch.empty(rows - len(table), table.shape[1]).normal_(0.0, 0.02, generator=draw)
    return torch.cat([table.float(), more])
