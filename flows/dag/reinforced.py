"""A model that learns from rewards of its own answers."""

from dataclasses import asdict
from typing import Any

from conf.pipeline import Pipeline
from flows.dag.built import Built
from flows.dag.examples import needed
from model.config import total_windows
from tasks.judges.rewards import RULES
from tasks.models.ppo import ppo
from tasks.runtime.run import Run


def rewarded(p: Pipeline, built: Built, name: str) -> dict[str, Any]:
    """Who says how good an answer is: a reward model, or a judge's rules."""
    if name in built.models:
        return {"reward": built.models[name]}
    return {"reward": None, "function": RULES, "arguments": {"rules": p.judges[name].as_judge()["rules"]}}


def reinforce(run: Run, p: Pipeline, built: Built, name: str) -> None:
    """PPO, or PPO-ptx where `mix` names the model whose windows of pretraining go on behind those that it has read."""
    model = p.models[name]
    assert model.start is not None and model.data is not None and model.reward is not None
    k = model.reinforcing(p.seed)
    mixture, windows = None, {"seed": p.seed, "first": 0}
    if k.gamma:
        assert model.mix is not None
        mixture = built.mixtures[model.mix]
        architecture, training = p.filled(model.mix, {})
        assert training is not None
        windows = {"seed": training.seed, "first": total_windows(training, architecture.context)}
    prompts = needed(run, p, built, model.data)
    with run.group("reinforcing", name):
        built.models[name] = run(
            ppo,
            name,
            start=built.models[model.start],
            prompts=prompts,
            **rewarded(p, built, model.reward),
            mixture=mixture,
            keys=asdict(k),
            windows=windows,
            chosen=built.chosen.get(model.start),
        )
