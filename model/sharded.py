"""A model divided over the ranks (FSDP2, Zhao et al. 2023): of each weight, gradient and moment a rank holds its part.

For what does not fit one device. A layer's weights are gathered when it is computed and let go again; gradients are
summed, and divided, after every micro-batch, so that no rank holds all of them. Checkpoints hold whole tensors, as of a
training that is not divided: rank 0 gathers one tensor after another into its memory, and hands them out again.
"""

from collections.abc import Mapping

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from model.gpt import GPT


def shard(model: GPT, device: torch.device) -> None:
    """Divide the model, whole on every rank, over all ranks; it moves to their devices, a block at a time."""
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    for block in model.blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh, reshard_after_forward=True)  # its own: embeddings and the last norm


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor, on every rank; to be asked for on every rank."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def gathered(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All of each, on rank 0, in the CPU's memory where they are divided; of divided ones others have none."""
    held = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, DTensor):
            held[name] = tensor
            continue
        full = tensor.full_tensor()
        if dist.get_rank() == 0:
            held[name] = full.cpu()
    return held


def room_for(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Where rank 0 reads to: the tensors themselves, or room on the CPU for all of divided ones."""
    return {name: torch.empty(tensor.shape, dtype=tensor.dtype) if isinstance(tensor, DTensor) else tensor
            for name, tensor in tensors.items()}  # fmt: skip


def hand_out(held: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    """Into every rank's tensors, or its parts of them, what rank 0 holds under their names."""
    for name, tensor in tensors.items():
        if not isinstance(tensor, DTensor):
            dist.broadcast(tensor, 0)
            continue
        full = torch.empty(tensor.shape, dtype=tensor.dtype, device=tensor.device)
        if dist.get_rank() == 0:
            full.copy_(held[name])
        dist.broadcast(full, 0)
        fill(full, tensor)


@torch.no_grad()
def fill(full: Tensor, tensor: Tensor) -> None:
    """What every rank holds into the tensor, or into its part of it."""
    full = full.to(tensor.device)
    if isinstance(tensor, DTensor):
        full = distribute_tensor(full, tensor.device_mesh, tensor.placements, src_data_rank=None)
    tensor.copy_(full)
