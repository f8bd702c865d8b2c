"""Decision: `chosen-step`, at which of its steps a tuned model is taken: where its answers have the highest reward.

It comes behind the reward model, which itself begins with the model's last weights: no training waits for it. What goes
on from the model (PPO, evaluation) takes the snapshot that it names.
"""

import json
from dataclasses import field

import numpy as np

from tasks.models.reward_by_step import rewards_by_step
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "step.json"


@statistics
class Mean:
    """Of a step's rewards: the mean, its standard error (0 of one answer), and how many there are; the mean loss of
    the demonstrations' own answers, in nats a token."""

    reward: float = 0.0
    stderr: float = 0.0
    answers: int = 0
    loss: float = 0.0


@statistics
class Chosen:
    """The step, and all that it was chosen among; `last` of them, whose weights are the model's own."""

    step: int = 0
    last: int = 0
    steps: dict[str, Mean] = field(default_factory=dict)


@stage("chosen-step", kind="decision", section="rewards", libraries=("numpy",))
def chosen_step(job: Job, *, rewards: Artifact) -> Chosen:
    """The step of the highest mean reward; of equal ones the earliest. `rewards`: of `reward-by-step`."""
    table = rewards_by_step(rewards)
    steps, values, losses = (table[name].to_numpy().astype(np.float64) for name in ("step", "reward", "loss"))
    means = {int(step): _mean(values[steps == step], losses[steps == step]) for step in np.unique(steps)}
    best = max(means, key=lambda step: (means[step].reward, -step))
    with job.publish(FILE) as file:
        file.write(json.dumps({"step": best}).encode())
    return Chosen(best, max(means), {str(step): mean for step, mean in means.items()})


def step_of(chosen: Artifact) -> int:
    """The step that a built one names; `model_folder(model, step)` has its weights."""
    return int(json.loads(chosen.read(FILE))["step"])


def _mean(rewards: np.ndarray, losses: np.ndarray) -> Mean:
    count = len(rewards)
    stderr = float(rewards.std(ddof=1) / np.sqrt(count)) if count > 1 else 0.0
    return Mean(round(float(rewards.mean()), 6), round(stderr, 6), count, round(float(losses.mean()), 6))
