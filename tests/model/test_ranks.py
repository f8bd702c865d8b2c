"""Three gloo ranks in one group: two cannot show an order of sums, a + b being b + a."""

import copy
import gc
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing
from torch.nn.parallel import DistributedDataParallel

from model import dropout
from model.config import Architecture, Training
from model.gpt import GPT
from model.machine import Machine
from model.micro_batch import one_pass
from model.optimiser import adamw

RANKS = 3
A = Architecture(layers=2, width=32, heads=2, context=16, vocabulary=61, dropout=0.1)
T = Training(updates=1, learning_rate=1e-2, device="cpu", threads=1)


def update(forward: Any, optimizer: Any, number: int) -> None:
    rank = dist.get_rank()
    tokens = torch.randint(0, 61, (2, 17), generator=torch.Generator().manual_seed(100 * number + rank))
    with dropout.windows(1, 2 * RANKS * number + 2 * rank, 2):
        forward(tokens[:, :-1], tokens[:, 1:], shares=torch.full((2, 16), 1 / 32)).sum().backward()
    torch.nn.utils.clip_grad_norm_(forward.parameters(), 0.5)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def resumed(machine: Machine, settled: bool) -> bool:
    """Whether two updates, and two more in new objects, give the bits of four."""

    def new() -> tuple[GPT, Any, Any]:
        model = GPT(A).initialise(1).train()
        forward = machine.wrap(model)
        assert isinstance(forward, DistributedDataParallel) and not forward.find_unused_parameters
        if settled:
            one_pass(forward, A, T, 1, machine)
        return model, forward, adamw(model, T)

    model, forward, optimizer = new()
    for number in (0, 1):
        update(forward, optimizer, number)
    again, forward_again, optimizer_again = new()
    again.load_state_dict(model.state_dict())
    optimizer_again.load_state_dict(copy.deepcopy(optimizer.state_dict()))  # else it shares the moments
    for number in (2, 3):
        update(forward, optimizer, number)
        update(forward_again, optimizer_again, number)
    return all(torch.equal(*pair) for pair in zip(model.parameters(), again.parameters(), strict=True))


def on_a_rank(rank: int, port: int, answers: Path) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": str(RANKS)}
    machine = Machine(T)
    found = {"settled": resumed(machine, True), "unsettled": resumed(machine, False)}
    gc.collect()
    if rank == 0:
        answers.write_text(json.dumps(found))
    machine.close()


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, Any]:
    answers = tmp_path_factory.mktemp("ranks") / "answers.json"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(on_a_rank, args=(port, answers), nprocs=RANKS)
    return json.loads(answers.read_text())


def test_a_resumed_training_sums_gradients_in_the_same_order(found):
    """DDP without its walk for unused parameters: a pass ahead of all updates settles its buckets."""
    assert found["settled"]
    assert not found["unsettled"]  # so that the test can see it
