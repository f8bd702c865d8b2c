"""How many windows go through the network at once on a rank: what is given, or as many as the memory holds.

Larger ones keep a GPU busier (llm.c trains GPT-2's 124M with 64 windows of 1,024; ours is not measured).
What is found is written into checkpoints, so that a resumed training divides its updates as the unbroken one did.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from model import dropout
from model.config import Architecture, Training, whole_windows
from model.data import Data, divided, micro_batches
from model.machine import Machine
from model.objectives import Objective

MOST = 64  # windows tried first on a GPU


def micro_batch(a: Architecture, t: Training, forward: nn.Module, machine: Machine) -> int:
    """On every rank the same: `t.at_once` where a number is given, on CPU, or where the model is divided (its ranks
    would wait for one that is out of memory); else the first of 64, 32, ... 1 windows (of what a rank has of an update,
    where that is fewer) that go forward and backward in a GPU's memory. `forward`: the model as it is computed, without
    what averages its gradients. ValueError where not even one window fits."""
    if t.micro_batch is not None or not machine.cuda or machine.sharded:
        return t.at_once
    whole = whole_windows(t.batch, a.context)

    def attempt(windows: int) -> None:
        moments = [torch.zeros_like(p) for p in forward.parameters() for _ in range(2)]  # AdamW's, which come later
        one_pass(forward, a, t, divided(whole, windows, machine.world)[1], machine)  # compiled in the shape to come
        torch.cuda.synchronize()
        del moments

    def fits(windows: int) -> bool:
        held = memory_holds(attempt, windows)
        forward.zero_grad(set_to_none=True)  # of a pass that broke off, too
        if not held:
            torch.compiler.reset()  # else the next size is compiled for any size
            torch.cuda.empty_cache()
        return machine.all(held)

    return largest(divided(whole, whole, machine.world)[1], fits)


def one_pass(forward: nn.Module, a: Architecture, t: Training, windows: int, machine: Machine) -> None:
    """So many windows of token 0 forward and backward, whose gradients are forgotten."""
    tokens = torch.zeros(windows, a.context, dtype=torch.int64, device=machine.device)
    shares = torch.full((windows, a.context), 1 / a.context, device=machine.device)
    with dropout.windows(t.seed, 0, windows):
        with machine.autocast():
            losses: Tensor = forward(tokens, tokens, shares=shares)
        losses.sum().backward()  # type: ignore[no-untyped-call]
    forward.zero_grad(set_to_none=True)


def first_pass(
    forward: nn.Module, data: Data, objective: Objective, t: Training, first: int, rows: int, machine: Machine
) -> None:
    """This rank's first micro-batch of these rows, forward and backward, whose gradients are forgotten."""
    batch = next(micro_batches(data, first, first + rows, t.at_once, machine))
    with dropout.windows(t.seed, batch.first, batch.rows):
        with machine.autocast():
            losses, _ = objective.losses(forward, batch)
        losses.sum().backward()  # type: ignore[no-untyped-call]
    forward.zero_grad(set_to_none=True)


def largest(share: int, fits: Callable[[int], bool]) -> int:
    """The first that `fits` of min(share, 64) and the powers of two below it. ValueError where none does."""
    first = min(share, MOST)
    sizes = [first, *(1 << power for power in reversed(range(first.bit_length())) if 1 << power < first)]
    for windows in sizes:
        if fits(windows):
            return windows
    raise ValueError("not even one window fits the GPU's memory: set recompute, or use more memory")


def memory_holds(attempt: Callable[[int], None], windows: int) -> bool:
    """Whether the attempt ends without running out of the device's memory."""
    try:
        attempt(windows)
    except torch.OutOfMemoryError:
        return False
    return True
