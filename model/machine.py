"""What a training runs on: this process's rank and device, its arithmetic, and what ranks say to one another.

Ranks are torchrun's (RANK, WORLD_SIZE, LOCAL_RANK in the environment), over any number of machines, which need share
no folder: rank 0 of the world reads and writes `out`, and tells the others.
"""

import gc
import json
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from model.allocator import keep_freed_memory
from model.config import Training
from model.gpt import GPT
from model.sharded import hand_out, shard

T = TypeVar("T")


class Machine:
    """Made once a process: sets torch's threads, determinism and process group, and takes SIGTERM."""

    def __init__(self, t: Training) -> None:
        self.rank, self.world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        self.cuda = t.device == "cuda" or (t.device == "auto" and torch.cuda.is_available())
        self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if self.cuda else torch.device("cpu")
        if self.cuda:
            torch.cuda.set_device(self.device)
            torch.set_float32_matmul_precision("high")  # TF32
        else:
            keep_freed_memory()
        torch.set_num_threads(t.threads)
        # Of inductor, too: its kernels are then not chosen by how fast they were on the day.
        torch.use_deterministic_algorithms(t.deterministic, warn_only=self.cuda)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # slow, for debugging
        if self.world > 1:
            dist.init_process_group("nccl" if self.cuda else "gloo")
        self.bfloat16 = t.dtype == "bfloat16" or (t.dtype == "auto" and self.cuda)
        self.sharded = t.shard and self.world > 1
        self.compiled = not self.sharded and (self.cuda if t.compile is None else t.compile)
        self.stop_asked = False
        signal.signal(signal.SIGTERM, self._ask_to_stop)

    def _ask_to_stop(self, number: int, frame: Any) -> None:
        self.stop_asked = True

    def say(self, text: str) -> None:
        """Print, on one rank."""
        if self.rank == 0:
            print(text, flush=True)

    def autocast(self) -> AbstractContextManager[Any]:
        """The context of a forward pass: bfloat16 products, or none."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.bfloat16 else nullcontext()

    def wrap(self, model: GPT, within: Callable[[GPT], nn.Module] | None = None) -> nn.Module:
        """The model as it is trained: on its device, compiled, its gradients averaged over the ranks; or divided over
        them, uncompiled. Its parameters are others then: an optimiser must be made after this. `within`: what computes
        with it, where that is not the model itself; it is not compiled, since examples differ in length.

        After its first backward pass DDP puts the buckets of gradients that it sums at once into the order in which
        they came. A pass that teaches nothing (model.micro_batch.one_pass) must come before all others, so that a
        resumed training has the order of the unbroken one from its first update on: else it sums in another, and ends
        with other bits (seen with three ranks; the sum of two has no order).
        """
        if self.sharded:
            shard(model, self.device)
            return model if within is None else within(model)
        model.to(self.device)
        forward: nn.Module = model if within is None else within(model)
        if self.compiled and within is None:
            forward = torch.compile(model)  # type: ignore[assignment]
        if self.world == 1:
            return forward
        return DistributedDataParallel(
            forward, device_ids=[self.device.index] if self.cuda else None, gradient_as_bucket_view=True
        )

    def bare(self, forward: nn.Module) -> nn.Module:
        """What `wrap` gave, without what averages its gradients."""
        return forward.module if isinstance(forward, DistributedDataParallel) else forward  # type: ignore[no-any-return]

    def own_gradients(self, forward: nn.Module, last: bool) -> AbstractContextManager[Any]:
        """The context of a backward pass: the last of an update all-reduces gradients, those before it do not."""
        return forward.no_sync() if isinstance(forward, DistributedDataParallel) and not last else nullcontext()

    def add_up(self, sums: Tensor) -> Tensor:
        """Summed over the ranks, in place."""
        if self.world > 1:
            dist.all_reduce(sums)
        return sums

    def all(self, holds: bool) -> bool:
        """Whether it holds on every rank."""
        return self.add_up(torch.tensor([float(not holds)], device=self.device)).item() == 0

    def from_first(self, decide: Callable[[], T]) -> T:
        """What `decide` gives on rank 0, which JSON must hold, on every rank. Where it raises, rank 0 raises that, and
        the others end without a word: SystemExit(2)."""
        if self.world == 1:
            return decide()
        said, length = b"", torch.zeros(1, dtype=torch.int64, device=self.device)  # 0: nothing was decided
        try:
            if self.rank == 0:
                said = json.dumps(decide()).encode()
                length[0] = len(said)
        finally:
            dist.broadcast(length, 0)
        if not length[0]:
            raise SystemExit(2)
        content = torch.frombuffer(bytearray(said or bytes(int(length[0]))), dtype=torch.uint8).to(self.device)
        dist.broadcast(content, 0)
        decided: T = json.loads(content.cpu().numpy().tobytes())
        return decided

    def copy_first(self, held: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
        """What rank 0 holds into every rank's tensors of the same name (model.sharded)."""
        if self.world > 1:
            hand_out(held, tensors)

    def wait(self) -> None:
        """Until all ranks are here."""
        if self.world > 1:
            dist.barrier()

    def close(self) -> None:
        """Leave the process group, after the last use of what `wrap` gave."""
        if self.world > 1:
            dist.barrier()
            # DDP's reducer must not be the last to hold the process group: it then waits, holding Python's lock, for a
            # gloo thread that waits for that lock (torch 2.13; one run in three hung here).
            gc.collect()
            dist.destroy_process_group()
