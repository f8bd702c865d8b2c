"""InstructGPT's three trainings by size, in numbers (Ouyang et al. 2022, appendix C; shared/SPECS.md, 2.7 and 2.8).
Torch-free.

    numbers = INSTRUCT["instructgpt-1.3b"]
    numbers.sft.epochs, numbers.reward.batch, numbers.ppo.clip

What the paper does not print says so and is ours, or lm-human-preferences' (Ziegler et al. 2019, the released code).
"""

from dataclasses import dataclass, field
from typing import Any

K = 1024  # of the paper's "1k" and "2k" tokens: the context is 2,048


@dataclass(frozen=True)
class SFT:
    """Fine-tuning on demonstrations (appendix C.1): a cosine to `floor` of the peak, no warm-up."""

    learning_rate: float
    batch: int  # demonstrations an update
    epochs: int = 16
    dropout: float = 0.2  # "residual dropout": on the residual stream's sums
    floor: float = 0.1
    warm_up: int = 0
    beta1: float = 0.9  # Adam's; of all three trainings (appendix C)
    beta2: float = 0.95


@dataclass(frozen=True)
class Mixed(SFT):
    """What PPO starts from (appendix C.3): fewer epochs, with windows of pretraining mixed in."""

    epochs: int = 2
    dropout: float = 0.0  # not said
    pretraining: float = 0.1  # share of the examples that are windows of pretraining


@dataclass(frozen=True)
class Reward:
    """The reward model (appendix C.2), one of 6B for policies of all sizes. It overfits in a second epoch."""

    architecture: str = "gpt3-6.7b"
    learning_rate: float = 9e-6
    batch: int = 64  # prompts an update, each with all its pairs: at most 64 x C(9, 2) = 2,304 of them
    epochs: int = 1
    dropout: float = 0.0  # not said
    floor: float = 0.1
    warm_up: int = 0
    answers: tuple[int, int] = (4, 9)  # K of a prompt, fewest and most
    beta1: float = 0.9
    beta2: float = 0.95


@dataclass(frozen=True)
class PPONumbers:
    """Reinforcement learning (appendix C.4). One epoch an iteration, each batch divided at random into minibatches."""

    value_learning_rate: float  # of the value network, which begins as the reward model
    learning_rate: float = 8.05e-6  # swept over `swept`; of the released ones not printed. Ours: the highest that held
    swept: tuple[float, float] = (2.55e-6, 2.55e-5)  # appendix E.8, log-linear
    diverged_above: float = 8.05e-6  # without pretraining's gradients (appendix E.8)
    episodes: int = 256_000
    batch: int = 512  # episodes an iteration
    minibatch: int = 64
    epochs: int = 1
    clip: float = 0.2
    temperature: float = 1.0
    beta: float = 0.02  # of the KL to the start, a token, in the reward
    discount: float = 1.0  # none
    trace: float = 0.95  # lambda of the generalised advantage (lm-human-preferences)
    warm_up: int = 10  # iterations, from ...
    warm_up_from: float = 0.1  # ... this share of the peak; constant after
    average: float = 0.992  # decay of the weights' moving average
    value_clip: float = 0.2  # lm-human-preferences
    value_weight: float = 0.1  # of the value's loss (lm-human-preferences' vf_coef)
    windows: int = 8  # of pretraining, an episode
    gamma: float = 27.8  # of their gradient; 0 is PPO without ptx
    prompt_tokens: int = 1 * K  # longer ones are left out
    limit: int = 1 * K  # tokens of an answer
    beta1: float = 0.9
    beta2: float = 0.95


@dataclass(frozen=True)
class Instruct:
    """A size of InstructGPT: `architecture` is the preset of model/presets.py whose pretrained model it begins with."""

    architecture: str
    sft: SFT
    start_of_ppo: Mixed
    ppo: PPONumbers
    reward: Reward = field(default_factory=Reward)


INSTRUCT = {
    "instructgpt-1.3b": Instruct("gpt3-xl", SFT(9.65e-6, 32), Mixed(5e-6, 32), PPONumbers(9e-6)),
    "instructgpt-6b": Instruct("gpt3-6.7b", SFT(9.65e-6, 32), Mixed(1.04e-5, 32), PPONumbers(9e-6)),
    "instructgpt-175b": Instruct("gpt3-175b", SFT(5.03e-6, 8), Mixed(2.45e-6, 8), PPONumbers(5e-6)),
}

# What an objective is trained by where nothing else is said: a preset's numbers (by default of the smallest).
TRAINING = ("learning_rate", "batch", "floor", "warm_up", "beta1", "beta2")  # keys of model.config.Training


def training(numbers: SFT | Reward) -> dict[str, Any]:
    """The keys of model.config.Training that the paper gives; the batch in examples. SFT keeps a snapshot an epoch, to
    choose among (appendix C.1)."""
    snapshots = {"snapshots": "epochs"} if isinstance(numbers, SFT) else {}
    return {key: getattr(numbers, key) for key in TRAINING} | snapshots
