"""How PPO is run (`PPO`): frozen, torch-free, checked when made; and what follows from it alone.

Defaults are InstructGPT's (Ouyang et al., 2022, appendix C.4, "details of RLHF training"); where that paper says
nothing they are those of the code of Ziegler et al. (2019), lm-human-preferences, launch.py, of the same group.
"""

from dataclasses import dataclass
from typing import Literal

from model.config import Training

FIRST_SHARE = 0.1  # the learning rate "starting with one tenth of the peak"
KL_STEP = 0.2  # the most that an update of the KL coefficient counts of its error (lm-human-preferences)


@dataclass(frozen=True)
class PPO:
    """One run, counted in episodes: an episode is a prompt and the answer that was drawn for it."""

    episodes: int = 256_000
    batch: int = 512  # episodes an iteration: all drawn from the same weights
    minibatch: int = 64  # episodes an update of the weights
    inner_epochs: int = 1  # over an iteration's episodes: InstructGPT's "single inner epoch"
    answer_tokens: int = 1024  # of an answer, at most
    learning_rate: float = 8.05e-6  # of the policy; ours: the highest that held without ptx (E.8), none is printed
    value_learning_rate: float = 9e-6
    warm_up: int = 10  # iterations, from a tenth of the rate; constant behind them
    beta: float = 0.02  # nats of reward that a nat of log(policy / start) costs
    target: float | None = None  # adaptive KL: the nats an episode that beta is steered towards; None: beta stays
    horizon: int = 10_000  # episodes in which it is steered (lm-human-preferences)
    clip: float = 0.2  # of the ratio
    value_clip: float = 0.2
    value_share: float = 0.1  # lm-human-preferences' vf_coef
    gae_lambda: float = 0.95  # GAE's lambda; there is no discount
    gamma: float = 27.8  # weight of the LM loss on pretraining windows (PPO-ptx); 0: none are read (PPO)
    pretraining: int = 8  # pretraining windows an episode
    average: float = 0.992  # EMA of the policy's weights, an update
    publish: Literal["average", "policy"] = "average"  # which weights model.safetensors holds at the end
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    weight_decay: float = 0.0  # ours: of PPO the paper names none
    norm: float | None = 1.0  # the gradient's norm is cut to this, of each network by itself; ours: none is named
    micro_batch: int = 16  # rows of a forward pass, at most: memory, not arithmetic
    checkpoint_every: int = 50  # updates of the weights
    keep: int = 2  # checkpoints
    seed: int = 1
    device: Literal["auto", "cpu", "cuda"] = "auto"
    deterministic: bool = True
    threads: int = 2  # on cpu; a fixed number, since the last bits of a sum depend on it

    def __post_init__(self) -> None:
        for key in ("episodes", "batch", "minibatch", "inner_epochs", "answer_tokens", "horizon", "pretraining",
                    "micro_batch", "checkpoint_every", "keep", "threads"):  # fmt: skip
            _require(getattr(self, key) >= 1, f"{key} is {getattr(self, key)}: it must be at least 1")
        for key in ("warm_up", "beta", "gamma", "value_share", "weight_decay"):
            _require(getattr(self, key) >= 0, f"{key} is {getattr(self, key)}: it must not be negative")
        for key in ("learning_rate", "value_learning_rate", "clip", "value_clip", "epsilon"):
            _require(getattr(self, key) > 0, f"{key} is {getattr(self, key)}: it must be positive")
        for key in ("target", "norm"):
            value = getattr(self, key)
            _require(value is None or value > 0, f"{key} is {value}: it must be positive, or null")
        for key in ("beta1", "beta2", "average"):
            _require(0 <= getattr(self, key) < 1, f"{key} is {getattr(self, key)}: it must be in [0, 1)")
        _require(0 <= self.gae_lambda <= 1, f"gae_lambda is {self.gae_lambda}: it must be in [0, 1]")
        _require(self.publish in ("average", "policy"), f"publish is {self.publish!r}: it must be average or policy")
        _require(
            self.batch % self.minibatch == 0,
            f"batch {self.batch} is not a multiple of minibatch {self.minibatch}: give one that is",
        )
        _require(
            self.episodes % self.batch == 0,
            f"episodes {self.episodes} are not a multiple of batch {self.batch}: give as many as iterations make",
        )
        _require(self.target is None or self.beta > 0, "target steers beta, which is 0: give it a beginning above 0")

    @property
    def iterations(self) -> int:
        return self.episodes // self.batch

    @property
    def updates(self) -> int:
        """Of the weights, an iteration."""
        return self.inner_epochs * (self.batch // self.minibatch)

    def machine(self) -> Training:
        """What model.machine and model.optimiser ask for: the same keys, as a training of the LM has them."""
        return Training(
            updates=self.iterations * self.updates, learning_rate=self.learning_rate, beta1=self.beta1,
            beta2=self.beta2, epsilon=self.epsilon, weight_decay=self.weight_decay, seed=self.seed, device=self.device,
            dtype="float32", deterministic=self.deterministic, compile=False, threads=self.threads,
        )  # fmt: skip


def rate(peak: float, warm_up: int, iteration: int) -> float:
    """The learning rate of an iteration, from 0: linear from a tenth of the peak, which iteration `warm_up` has."""
    share = min(1.0, iteration / warm_up) if warm_up else 1.0
    return peak * (FIRST_SHARE + (1 - FIRST_SHARE) * share)


def steered(p: PPO, beta: float, kl: float) -> float:
    """beta after an iteration whose episodes had `kl` nats on average (Ziegler et al., 2019, section 2.2)."""
    if p.target is None:
        return beta
    error = min(max(kl / p.target - 1, -KL_STEP), KL_STEP)
    return beta * (1 + error * p.batch / p.horizon)


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise ValueError(sentence)
