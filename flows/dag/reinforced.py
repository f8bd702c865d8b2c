"""Models that learn from rewards of their own answers, each behind its start and its reward model."""

from dataclasses import asdict

from conf.pipeline import Pipeline
from flows.dag.built import Built
from model.config import total_windows
from tasks.models.ppo import ppo
from tasks.runtime.run import Run


def reinforce(run: Run, p: Pipeline, built: Built) -> None:
    """PPO, or PPO-ptx where `mix` names the model whose windows of pretraining go on behind those that it has read."""
    for name in p.reinforced():
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
        with run.group("reinforcing", name):
            built.models[name] = run(
                ppo,
                name,
                start=built.models[model.start],
                prompts=built.examples[model.data],
                reward=built.models[model.reward],
                mixture=mixture,
                keys=asdict(k),
                windows=windows,
                chosen=built.chosen.get(model.start),
            )
