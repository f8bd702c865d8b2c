"""What people, or rules, prefer: reward models' demonstrations and accuracy, and at which step SFT is taken by them.

    sft -> reward, from sft's last weights -> reward-by-step, of sft's snapshots -> chosen-step -> what goes on from sft

So no training waits for a reward model that is made of it.
"""

from collections.abc import Iterator

from conf.pipeline import Pipeline
from flows.dag.built import Built
from tasks.models.chosen_step import chosen_step
from tasks.models.reward_accuracy import reward_accuracy
from tasks.models.reward_by_step import reward_by_step
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run

PROMPTS = 64  # of held-out demonstrations, that a snapshot answers: the standard error of a mean is an eighth of one's


def demonstrations_of(p: Pipeline, built: Built, name: str) -> Artifact | None:
    """The demonstrations whose mean reward is to be 0: those of the sft model that a reward model goes back to."""
    for start in _starts(p, name):
        if (data := p.models[start].data) is not None and p.models[start].objective == "sft":
            return built.examples[data]
    return None


def judge_reward(run: Run, p: Pipeline, built: Built, name: str) -> None:
    """How often a reward model agrees with those who ranked; and by it, each sft model's step that it goes back to and
    that no other has told before."""
    data = p.models[name].data
    assert data is not None
    with run.group("rewards", name):
        run(
            reward_accuracy, name, reward=built.models[name], examples=built.examples[data], records=built.records[data]
        )
        for start in _starts(p, name):
            if p.models[start].objective == "sft" and start not in built.chosen:
                choose(run, p, built, start, built.models[name])


def choose(run: Run, p: Pipeline, built: Built, name: str, reward: Artifact) -> None:
    """At which step an sft model is taken, by a reward model. An answer has half of the context at most, as a prompt
    has (InstructGPT, appendix C: 1k tokens of 2k)."""
    data = p.models[name].data
    context = p.context_of(data) if data is not None else None
    assert data is not None and context is not None
    rewards = run(
        reward_by_step,
        name,
        model=built.models[name],
        reward=reward,
        examples=built.examples[data],
        prompts=PROMPTS,
        limit=context // 2,
        seed=p.seed,
    )
    built.chosen[name] = run(chosen_step, name, rewards=rewards)


def _starts(p: Pipeline, name: str) -> Iterator[str]:
    """The models of the pipeline that a model goes back to, the nearest first."""
    start = p.models[name].start
    while start is not None and start in p.models:
        yield start
        start = p.models[start].start
