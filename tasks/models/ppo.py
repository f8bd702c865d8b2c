"""Fit: `ppo`, a model that learns to answer as a reward model asks (InstructGPT, section 3.5), PPO or PPO-ptx.

It runs `model.ppo` as `pretrain` runs the trainer: a process of its own, with checkpoints, which leaves the same files.
"""

import json
from typing import Any

import yaml

from model import MODEL_VERSION
from model.ppo_keys import PPO
from tasks.examples.examples import FILE as EXAMPLES
from tasks.models import energy
from tasks.models.chosen_step import step_of
from tasks.models.files import ABOUT, model_folder
from tasks.models.loader import reading
from tasks.models.pretrain import METRICS, TIMINGS, put_all, trained_in
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.mixture import mixture_file


@statistics
class Reinforced:
    """Of the first and the last iteration: mean score, nats from the start an episode, entropy a token; of the last,
    the share of answers that ended by themselves, and pretraining's loss before its updates (None: no ptx)."""

    parameters: int = 0
    iterations: int = 0
    episodes: int = 0
    tokens: int = 0  # of answers
    first_score: float = 0.0
    score: float = 0.0
    first_kl: float = 0.0
    kl: float = 0.0
    first_entropy: float = 0.0
    entropy: float = 0.0
    ended: float = 0.0
    lm_loss: float | None = None


@stage("ppo", kind="fit", section="rewards", libraries=("torch",), version=f"model {MODEL_VERSION}")
def ppo(
    job: Job,
    *,
    start: Artifact,
    prompts: Artifact,
    reward: Artifact | None,
    mixture: Artifact | None,
    keys: dict[str, Any],
    windows: dict[str, int],
    chosen: Artifact | None = None,
    function: str | None = None,
    arguments: dict[str, Any] | None = None,
) -> Reinforced:
    """A model taught by rewards: weights, configuration, tokenizer, and what was learned at each iteration.

    `start`: the model that it begins as and is kept near to, at the step that `chosen` names, if it is given.
    `prompts`: examples of the form prompt. `reward`: a reward model; `function`, called with `arguments`: see
    model/ppo_run.py. `keys`: those of model.ppo_keys.PPO. `mixture`: of pretraining, for PPO-ptx; of its `windows`
    `seed` is the one that orders them, `first` the number of the first that is read.

    Raises:
        Mistake: the examples are no prompts, or leave no room for an answer.
        Failure: training stopped before its end, in the trainer's own last line.
    """
    out, about = job.workspace, json.loads(prompts.read(EXAMPLES))
    context = json.loads(start.read(ABOUT))["architecture"]["context"]
    if about["form"] != "prompt":
        raise Mistake(f"examples {prompts.name} have the form {about['form']}: PPO asks for `form: prompt`")
    if about["longest"] >= context:
        raise Mistake(
            f"examples {prompts.name} have a prompt of {about['longest']} tokens, {start.name} a context of {context}: "
            "give the examples a shorter `context`, so that there is room for an answer"
        )
    step = None if chosen is None else step_of(chosen)
    k = PPO(**keys)
    (out / "run.yaml").write_text(
        yaml.safe_dump(
            {
                "out": str(out),
                **reading(job.store),
                "start": str(model_folder(start, step)),
                **({} if step is None else {"step": step}),
                "examples": prompts.label,
                **({} if reward is None else {"reward": str(model_folder(reward))}),
                **({} if function is None else {"function": function, "arguments": arguments or {}}),
                **({} if mixture is None else {"mixture": str(mixture_file(mixture))}),
                "mixture_seed": windows["seed"],
                "first_window": windows["first"],
                "ppo": keys,
            }
        ),
        encoding="utf-8",
    )
    told = {"device": k.device, "updates": k.iterations, "tokens": None}
    trained_in(job, out, told, [], None, module="model.ppo")
    job.timing |= energy.noted(energy.read(out / TIMINGS))
    put_all(job, out)
    rows = iterations_in((out / METRICS).read_bytes())
    first, last = rows[0], rows[-1]
    return Reinforced(
        parameters=json.loads((out / ABOUT).read_bytes())["parameters"],
        iterations=last["step"],
        episodes=last["episodes"],
        tokens=last["tokens"],
        first_score=first["score"],
        score=last["score"],
        first_kl=first["kl"],
        kl=last["kl"],
        first_entropy=first["entropy"],
        entropy=last["entropy"],
        ended=last["ended"],
        lm_loss=last.get("lm_loss"),
    )


def iterations_in(metrics: bytes) -> list[dict[str, Any]]:
    """metrics.jsonl of PPO: a row an iteration, docs/ppo.md says of what."""
    return [json.loads(line) for line in metrics.splitlines()]


def iterations_of(model: Artifact) -> list[dict[str, Any]]:
    """Those of a built one."""
    return iterations_in(model.read(METRICS))
