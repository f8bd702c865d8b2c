"""PPO and PPO-ptx: a model learns to answer as a reward asks, and stays near to the model that it began as.

    python -m model.ppo run.yaml

What run.yaml holds: model/ppo_run.py. What is maximised (InstructGPT, section 3.5, equation 2; an objective, not a
loss), y drawn by pi of prompts x, and z windows of pretraining:

    E [ reward(x, y) - beta log(pi(y|x) / pi_start(y|x)) ]  +  gamma E [ log pi(z) ]

This file puts the parts together; the loop is model/ppo_loop.py. Written into `out`: metrics.jsonl, a row an iteration,
run.metrics.jsonl, checkpoints/, and at the end tokenizer.json, model.json and model.safetensors: the average of the
policy's weights, or the policy itself (`publish`).

Exit: 0 finished, or stopped by SIGTERM after a checkpoint (model.safetensors is not there); 1 a number was not finite,
or the store could not be reached; 2 run.yaml or its inputs are wrong.
"""

import copy
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

# As model/train.py: read when the libraries start.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from torch import Tensor

from model import checkpoint, ppo_place, score
from model.divergence import Diverged
from model.episodes import Value
from model.files import Unreachable
from model.gpt import GPT
from model.machine import Machine
from model.metrics import Metrics
from model.optimiser import adamw
from model.ppo_inputs import end_of, prompts_of, reward_named, reward_of, windows_of
from model.ppo_keys import PPO
from model.ppo_loop import Parts, Place, Prompts, Scores, learn
from model.ppo_run import read_run
from model.train import finished
from model.windows import Windows


def main(path: str | Path) -> None:
    """What run.yaml says. ValueError where it or its inputs are wrong; Diverged; Unreachable."""
    run = read_run(path)
    machine = Machine(run.ppo.machine())
    if machine.world > 1:
        raise ValueError("PPO runs in one process: start it without torchrun")
    if finished(run.out, machine):
        machine.say(f"{run.out} is finished: its model.safetensors is there")
        return
    policy, tokenizer, about = score.load(run.start, machine.device.type, run.step)
    prompts, named = prompts_of(run, tokenizer, policy.architecture.context)
    reward, value = reward_of(run, policy, machine.device.type)
    windows = windows_of(run, policy, about) if run.ppo.gamma else None
    settings = {
        "start": about["model_sha256"], "step": run.step, "prompts": named, "reward": reward_named(run),
        "mixture": windows.mixture_sha256 if windows is not None else None, "first_window": run.first_window,
        "end": end_of(run, tokenizer),
    }  # fmt: skip
    made = train(
        run.out, run.ppo, policy, prompts, reward, settings["end"], machine, windows=windows, value=value,
        first_window=run.first_window, settings=settings,
    )  # fmt: skip
    if made.place.iteration < run.ppo.iterations:
        machine.say(f"stopped by SIGTERM in iteration {made.place.iteration + 1}: unfinished, checkpoint written; the "
                    "same command resumes")  # fmt: skip
        return
    more = {"dtype": "float32", "snapshots": [], "skipped": [], "start_sha256": about["model_sha256"],
            "objective": "ppo", "added": about.get("added", {}), "published": run.ppo.publish}  # fmt: skip
    weights = made.average if run.ppo.publish == "average" else dict(policy.named_parameters())
    checkpoint.publish(
        run.out, policy, tokenizer.content, about.get("tokenizer"), about["end_of_text"], asdict(run.ppo), more, weights
    )
    machine.say(f"finished: {run.out / 'model.safetensors'}")


class Made(NamedTuple):
    """How far PPO came, and what it has learned beside the policy's own weights."""

    place: Place
    average: dict[str, Tensor]  # the EMA of the policy's weights
    value: Value


def train(
    out: Path, k: PPO, policy: GPT, prompts: Prompts, reward: Scores, end: int, machine: Machine, *,
    windows: Windows | None = None, value: Value | None = None, first_window: int = 0,
    settings: dict[str, Any] | None = None,
) -> Made:  # fmt: skip
    """Teach `policy`, which is changed, from the newest checkpoint in `out` or from the beginning, to the end or to
    SIGTERM.

    `value`: the network that begins as the reward model; None: the policy's trunk under a head that says 0 of all.
    `settings`: what else must be the same for a checkpoint to be resumed.

    Raises:
        ValueError: `out` holds another run's checkpoints, or none that is whole; a prompt that fills the context.
        Diverged: a number that is not finite.
    """
    for network in (policy, value):
        if network is not None:
            network.to(machine.device).eval()  # no dropout: what draws the answers is what learns
    start = copy.deepcopy(policy).requires_grad_(False)
    if value is None:
        value = Value(copy.deepcopy(policy)).to(machine.device)
    t = k.machine()
    optimizers = adamw(policy, t), adamw(value, replace(t, learning_rate=k.value_learning_rate))
    networks = {"policy": (policy, optimizers[0]), "value": (value, optimizers[1])}
    average = {name: parameter.detach().clone() for name, parameter in policy.named_parameters()}
    held = {"ppo": asdict(k), **(settings or {})}
    for learner, optimizer in networks.values():
        checkpoint.make_room(0, learner, optimizer)
    place = ppo_place.restore(out, networks, average, held, machine.say) or Place(beta=k.beta)
    metrics = Metrics(out, k.episodes, policy.architecture, machine, unit="episodes")

    def save(place: Place) -> None:
        ppo_place.save(out, place, k.updates, ppo_place.tensors(networks, average), held, metrics.sync(), k.keep)

    parts = Parts(
        k, policy, start, value, average, optimizers, machine, metrics, prompts, reward, end,
        windows if k.gamma else None, first_window, save,
    )  # fmt: skip
    return Made(learn(parts, place), average, value)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m model.ppo run.yaml")
    try:
        main(sys.argv[1])
    except ValueError as error:
        print(f"model.ppo: {error}", file=sys.stderr)
        sys.exit(2)
    except (Diverged, Unreachable) as error:
        print(f"model.ppo: {error}", file=sys.stderr)
        sys.exit(1)
