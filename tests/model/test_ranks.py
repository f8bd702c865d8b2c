"""Three gloo ranks in one group: two cannot show an order of sums, a + b being b + a."""

import copy
import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import yaml
from safetensors.torch import load_file
from torch import multiprocessing
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from model import dropout, train
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


def trained(run: Path, port: int) -> float:
    """model.train, on this rank of a group of its own: which share of the weights it holds."""
    held = []

    def noted(model: GPT, t: Training) -> torch.optim.AdamW:
        local = [p.to_local() if isinstance(p, DTensor) else p for p in model.parameters()]
        held.append(sum(p.numel() for p in local) / sum(p.numel() for p in model.parameters()))
        return adamw(model, t)

    os.environ["MASTER_PORT"] = str(port)
    train.adamw = noted
    train.main(run / "run.yaml")
    return held[0]


def on_a_rank(rank: int, ports: list[int], folder: Path) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(ports[0]), "RANK": str(rank)}
    os.environ["WORLD_SIZE"] = str(RANKS)
    machine = Machine(T)
    found: dict[str, Any] = {"settled": resumed(machine, True), "unsettled": resumed(machine, False)}
    machine.close()
    found |= {name: trained(folder / name, port) for name, port in zip(("divided", "plain"), ports[1:3], strict=True)}
    if rank == 0:
        (folder / "answers.json").write_text(json.dumps(found))
        for broken in (folder / "broken/out", folder / "alone/out"):
            shutil.copytree(folder / "divided/out", broken)  # and then as a kill after the first checkpoint leaves it
            for file in ("model.safetensors", "model.json", "tokenizer.json"):
                (broken / file).unlink()
            shutil.rmtree(broken / "checkpoints/step-00000004")
    trained(folder / "broken", ports[3])  # whose ranks meet before they read


@pytest.fixture(scope="module")
def folder(tmp_path_factory, corpus) -> Path:
    """What three ranks wrote: answers.json, and trainings: divided, the same broken off and resumed, not divided; and
    one that is broken off, for others to go on with."""
    folder = tmp_path_factory.mktemp("ranks")
    model = {"layers": 2, "width": 32, "heads": 2, "context": 32, "vocabulary": 257, "band": 8, "dropout": 0.1}
    # Of 5 windows, one at a time, a rank has one and the others two.
    training = {"updates": 4, "batch": 5 * 32, "micro_batch": 1, "learning_rate": 3e-3, "checkpoint_every": 2,
                "validate_every": 2, "snapshots": [3], "threads": 1, "device": "cpu"}  # fmt: skip
    for name, more in {"divided": {"shard": True, "recompute": True}, "broken": {"shard": True, "recompute": True},
                       "plain": {}, "alone": {}}.items():  # fmt: skip
        run = {"out": str(folder / name / "out"), "store": str(corpus), "mixture": str(corpus / "mixture.json"),
               "tokenizer": str(corpus / "tokenizer.json"), "model": model, "train": training | more}  # fmt: skip
        (folder / name).mkdir()
        (folder / name / "run.yaml").write_text(yaml.safe_dump(run))
    ports = []
    for _ in range(4):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    multiprocessing.spawn(on_a_rank, args=(ports, folder), nprocs=RANKS)
    return folder


def test_a_resumed_training_sums_gradients_in_the_same_order(folder):
    """DDP without its walk for unused parameters: a pass ahead of all updates settles its buckets."""
    found = json.loads((folder / "answers.json").read_text())
    assert found["settled"]
    assert not found["unsettled"]  # so that the test can see it


def test_a_divided_model_learns_what_a_whole_one_learns(folder):
    """FSDP2 beside DDP, with activations computed again: but for rounding the same rows and weights."""
    found = json.loads((folder / "answers.json").read_text())
    assert found["divided"] == pytest.approx(1 / RANKS, rel=0.1) and found["plain"] == 1
    divided, plain = (
        [json.loads(line) for line in (folder / name / "out/metrics.jsonl").read_text().splitlines()]
        for name in ("divided", "plain")
    )
    assert len(divided) == 4 and any(name.startswith("validation_") for name in divided[-1])
    for one, other in zip(divided, plain, strict=True):
        assert one.keys() == other.keys()
        for key in one:
            assert one[key] == pytest.approx(other[key], rel=1e-4), key
    for file in ("model.safetensors", "snapshots/step-00000003.safetensors"):
        weights, expected = (load_file(folder / name / "out" / file) for name in ("divided", "plain"))
        assert {name: w.shape for name, w in weights.items()} == {name: w.shape for name, w in expected.items()}
        for name, weight in weights.items():
            # AdamW moves a weight by the learning rate even where rounding is all of its gradient (key biases).
            far = (weight - expected[name]).abs()
            assert far.max() < 4 * 3e-3 and (far > 1e-4).float().mean() < 0.02, name


def test_a_divided_model_resumes_to_the_same_bytes(folder):
    divided, broken = folder / "divided/out", folder / "broken/out"
    for file in ("metrics.jsonl", "model.safetensors", "model.json", "snapshots/step-00000003.safetensors"):
        assert (broken / file).read_bytes() == (divided / file).read_bytes(), file
    held = load_file(divided / "checkpoints/step-00000004/model-00001-of-00002.safetensors")
    weights = load_file(divided / "model.safetensors")  # whole tensors, as of a training that is not divided
    assert all(torch.equal(held[f"model.{name}"], weight) for name, weight in weights.items())


def test_a_divided_models_checkpoint_goes_on_in_one_process(folder, here):
    here(folder / "alone/run.yaml")
    alone, divided = (
        [json.loads(line) for line in (folder / name / "out/metrics.jsonl").read_text().splitlines()]
        for name in ("alone", "divided")
    )
    assert alone[:2] == divided[:2]  # as they were
    for one, other in zip(alone[2:], divided[2:], strict=True):
        assert {key: one[key] for key in other} == pytest.approx(other, rel=1e-4)
