"""What a model is (`Architecture`) and how it is trained (`Training`): frozen, torch-free, checked when made.

Every default of the model stands here and nowhere else; conf builds its schema from these two classes.
The papers' values are in presets.py. A wrong value raises ValueError with a sentence.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

PF_DAY = 8.64e19  # floating-point operations of 10^15 a second for a day (GPT-3, appendix D)

# Float32 logits that a training makes at a time (model/chunked_loss.py): 166 positions of GPT-2's vocabulary on CPU,
# a block that the allocator keeps; 5,336 on a GPU, whose matrix products want more of them.
CHUNK_BYTES = {"cpu": 1 << 25, "cuda": 1 << 30}


@dataclass(frozen=True)
class Architecture:
    """A decoder-only transformer with learned positions and tied embeddings."""

    layers: int = 12
    width: int = 768
    heads: int = 12
    context: int = 1024
    vocabulary: int = 50257
    norm: Literal["pre", "post"] = (
        "pre"  # LayerNorm before each sub-layer (GPT-2, 3), or after its residual sum (GPT-1)
    )
    final_norm: bool = True  # a LayerNorm after the last block (GPT-2, 3)
    init: Literal["gpt1", "gpt2"] = (
        "gpt2"  # gpt1: N(0, .02); gpt2: also positions .01, residual outputs / sqrt(2 layers)
    )
    dropout: float = 0.0  # on embeddings, attention weights and residuals
    residual_dropout: float | None = None  # on residuals, where it is another one (InstructGPT's SFT: .2)
    band: int | None = (
        None  # every second layer attends to the last `band` positions only, itself included; None: all dense
    )

    trunk: Literal["transformer", "lstm"] = "transformer"  # lstm: GPT-1's ablation, model/lstm.py

    def __post_init__(self) -> None:
        _require(self.trunk in ("transformer", "lstm"), f"trunk is {self.trunk!r}: it must be 'transformer' or 'lstm'")
        for key in ("layers", "width", "heads", "context", "vocabulary"):
            _require(getattr(self, key) >= 1, f"{key} is {getattr(self, key)}: it must be at least 1")
        _require(
            self.width % self.heads == 0,
            f"width {self.width} is not a multiple of heads {self.heads}: give heads that divide it",
        )
        _require(self.norm in ("pre", "post"), f"norm is {self.norm!r}: it must be 'pre' or 'post'")
        _require(self.init in ("gpt1", "gpt2"), f"init is {self.init!r}: it must be 'gpt1' or 'gpt2'")
        for key in ("dropout", "residual_dropout"):
            value = getattr(self, key)
            _require(value is None or 0 <= value < 1, f"{key} is {value}: it must be in [0, 1)")
        _require(
            self.band is None or self.band >= 1,
            f"band is {self.band}: it must be at least 1, or null for dense attention",
        )

    @property
    def of_residuals(self) -> float:
        """The dropout of residuals."""
        return self.dropout if self.residual_dropout is None else self.residual_dropout


@dataclass(frozen=True)
class Training:
    """One run. Exactly one of `tokens` and `updates` is given: the budget, and the unit of `warm_up` and `decay`.

    A preset's schedule is scaled to another budget (model/presets.py); a key that is given is taken as given.
    """

    tokens: int | None = None  # the budget in tokens (GPT-2, 3) ...
    updates: int | None = None  # ... or in updates of the optimiser (GPT-1)
    batch: int = 524_288  # tokens an update, over all ranks; rounded to whole windows of `context`
    batch_start: int | None = None  # the batch grows linearly from this many tokens ...
    batch_ramp: int = 0  # ... over this many tokens
    micro_batch: int | None = (
        None  # windows a forward pass on a rank, at most: memory, not arithmetic; None: 8, on cuda what fits, up to 64
    )
    learning_rate: float = 6e-4  # the peak
    warm_up: int = 0  # linear, from 0
    decay: int | None = None  # a cosine ends here, then flat; None: the whole budget
    floor: float = 0.1  # where the cosine ends, as a share of the peak
    schedule: Literal["cosine", "linear"] = "cosine"  # linear: GPT-1's fine-tuning, to 0 at the budget's end, no floor
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    clip: float | None = 1.0  # the gradient's norm over all parameters; None: unclipped
    weight_decay: float = 0.1  # decoupled (AdamW), on matrices and embeddings; not on biases and gains
    seed: int = 1
    checkpoint_every: int = 1000  # updates
    keep: int = 2  # checkpoints
    # Updates whose weights are kept; log-spaced: 1, 2, 4, 8; epochs, of a training on examples: those that end one.
    snapshots: list[int] | Literal["log-spaced", "epochs"] | None = None
    # What is no success (model/divergence.py), beside a loss or gradient that is not finite. Null switches a rule off.
    above_uniform: int | None = 100  # updates in a row, behind the warm-up, with a loss above that of knowing nothing
    norm_spike: float | None = 100.0  # a gradient's norm, behind the warm-up, in medians of the 100 updates before
    on_spike: Literal["stop", "rewind"] = "stop"  # rewind: go back to before the spike, and pass over its updates
    validate_every: int = 1000  # updates; besides, at the end
    validation_windows: int = 64  # a source, at most
    device: Literal["auto", "cpu", "cuda"] = "auto"  # auto: cuda where there is one
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"  # auto: bfloat16 autocast on cuda, float32 on cpu
    recompute: bool = False  # compute a layer's activations again in the backward pass: less memory, a third more time
    shard: bool = False  # over several ranks each holds its part of weights, gradients, moments (FSDP2); not compiled
    deterministic: bool = True  # the same bits on the same kind of device; false: on cuda others, perhaps sooner
    compile: bool | None = None  # torch.compile; None: on cuda only
    threads: int = 2  # a rank, on cpu; a fixed number, since the last bits of a sum depend on it

    def __post_init__(self) -> None:
        _require(
            (self.tokens is None) != (self.updates is None),
            "give one of tokens and updates, the budget of the training, and not both",
        )
        for key in ("batch", "checkpoint_every", "keep", "validate_every", "threads"):
            _require(getattr(self, key) >= 1, f"{key} is {getattr(self, key)}: it must be at least 1")
        for key in ("warm_up", "batch_ramp", "weight_decay", "validation_windows"):
            _require(getattr(self, key) >= 0, f"{key} is {getattr(self, key)}: it must not be negative")
        for key in ("tokens", "updates", "decay", "batch_start", "micro_batch", "clip", "above_uniform"):
            value = getattr(self, key)
            _require(value is None or value > 0, f"{key} is {value}: it must be positive, or null")
        for key in ("beta1", "beta2"):
            _require(0 <= getattr(self, key) < 1, f"{key} is {getattr(self, key)}: it must be in [0, 1)")
        _require(self.learning_rate > 0, f"learning_rate is {self.learning_rate}: it must be positive")
        _require(0 <= self.floor <= 1, f"floor is {self.floor}: it is a share of the peak learning rate, in [0, 1]")
        _require(
            self.decay is None or self.decay >= self.warm_up,
            f"decay ends at {self.decay}, before warm_up ends at {self.warm_up}",
        )
        _require(
            self.norm_spike is None or self.norm_spike > 1,
            f"norm_spike is {self.norm_spike}: it is a multiple of the median, above 1, or null",
        )
        _require(
            self.schedule in ("cosine", "linear"), f"schedule is {self.schedule!r}: it must be 'cosine' or 'linear'"
        )
        _require(self.on_spike in ("stop", "rewind"), f"on_spike is {self.on_spike!r}: it must be 'stop' or 'rewind'")
        listed = isinstance(self.snapshots, list) and all(type(step) is int and step >= 1 for step in self.snapshots)
        _require(
            self.snapshots in (None, "log-spaced", "epochs") or listed,
            f"snapshots is {self.snapshots!r}: it must be a list of updates, from 1, or log-spaced, or epochs",
        )
        _require(self.device in ("auto", "cpu", "cuda"), f"device is {self.device!r}: it must be auto, cpu or cuda")
        _require(
            self.dtype in ("auto", "float32", "bfloat16"),
            f"dtype is {self.dtype!r}: it must be auto, float32 or bfloat16",
        )

    @property
    def at_once(self) -> int:
        """Windows a forward pass: `micro_batch`; where none is given, nor found on a GPU (model/micro_batch.py), 8."""
        return self.micro_batch or 8


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise ValueError(sentence)


# Keys that came later, with what all trainings of before had. Left at that they are not written down, so that their
# manifests, fingerprints and checkpoints stay what they were: a new key must not throw away two weeks of training.
LATER = {"schedule": "cosine", "trunk": "transformer", "residual_dropout": None}


def stated(keys: "Architecture | Training") -> dict[str, Any]:
    """The keys by name, as they are written down; `type(keys)(**stated(keys)) == keys`."""
    return {name: value for name, value in asdict(keys).items() if name not in LATER or value != LATER[name]}


def parameters(a: Architecture) -> int:
    """How many parameters, the output matrix being the embedding's (tied).

    >>> parameters(Architecture())
    124439808
    """
    C = a.width
    if a.trunk == "lstm":  # four gates, of the input and of the state, with two biases each; no positions
        return a.vocabulary * C + a.layers * (8 * C * C + 8 * C) + (2 * C if a.final_norm else 0)
    attention = (C * 3 * C + 3 * C) + (C * C + C)  # query, key, value; output
    mlp = (C * 4 * C + 4 * C) + (4 * C * C + C)
    block = 2 * C + attention + 2 * C + mlp  # each sub-layer with its LayerNorm's gain and bias
    return a.vocabulary * C + a.context * C + a.layers * block + (2 * C if a.final_norm else 0)


def banded(a: Architecture, layer: int) -> bool:
    """GPT-3 alternates dense and locally banded layers: 0 is dense, 1 banded, ... (which comes first is ours)."""
    return a.band is not None and layer % 2 == 1


def flops_per_token(a: Architecture) -> int:
    """Floating-point operations of one token, forward and backward, at full context.

    Two a multiply-add, backward twice forward: 6 a weight of every matrix product (the output's included, look-ups
    not), and 12 x width x keys a layer for scores and weighted sums. As usual for MFU (PaLM, appendix B) the causal
    half is not deducted: keys = context, or the band's width in a banded layer. Recomputation does not count.
    """
    if a.trunk == "lstm":
        return 6 * (a.layers * 8 * a.width * a.width + a.vocabulary * a.width)
    matrices = a.layers * 12 * a.width * a.width + a.vocabulary * a.width
    keys = sum(min(a.band or a.context, a.context) if banded(a, layer) else a.context for layer in range(a.layers))
    return 6 * matrices + 12 * a.width * keys


def without_embeddings(a: Architecture) -> int:
    """Parameters but for the two tables of embeddings, of tokens and of positions.

    >>> without_embeddings(Architecture())
    85056000
    """
    return parameters(a) - (a.vocabulary + (a.context if a.trunk == "transformer" else 0)) * a.width


def training_flops(a: Architecture, t: Training) -> float:
    """6 N D of a whole training, N without embeddings (Kaplan et al. 2020, section 2.1)."""
    return 6.0 * without_embeddings(a) * total_windows(t, a.context) * a.context


def training_memory(a: Architecture, t: Training, bfloat16: bool) -> int:
    """Bytes, roughly, that one rank holds at the most while it trains: a third more or less is to be expected.

    16 a parameter: weight, gradient and Adam's two moments in float32. A micro-batch's activations, per layer and
    element of the residual stream: 64 in float32, as measured on CPU (59 to 78 over shapes of 2 to 8 layers, widths of
    256 and 768, contexts of 256 to 1,024); 34 under bfloat16 autocast (Korthikanti et al. 2022, section 4.1, without
    attention's scores), not measured. With `recompute` that of one layer, and the others' inputs in float32. Two
    chunks of logits, in float32, and twice the gradient of the output matrix beside its parameter's (its sum over
    chunks, and scaled), with `bfloat16` on a GPU. Where no `micro_batch` is given: of 8 windows.
    """
    positions = t.at_once * a.context
    of_layer = 34 if bfloat16 else 64
    activations = (of_layer + 4 * a.layers if t.recompute else of_layer * a.layers) * positions * a.width
    chunk = min(4 * positions * a.vocabulary, CHUNK_BYTES["cuda" if bfloat16 else "cpu"])
    return 16 * parameters(a) + activations + 2 * chunk + 2 * 4 * a.vocabulary * a.width


def whole_windows(tokens: int, context: int) -> int:
    """`tokens` as a whole number of windows, at least one: .5M tokens at 2,048 are 244 windows."""
    return max(1, round(tokens / context))


def batch_windows(t: Training, context: int, seen: int) -> int:
    """Windows in the update that begins after `seen` tokens: the ramp of GPT-3 (section 2.3, appendix B), then flat."""
    if t.batch_start is None or seen >= t.batch_ramp:
        return whole_windows(t.batch, context)
    return whole_windows(round(t.batch_start + (t.batch - t.batch_start) * seen / t.batch_ramp), context)


def total_windows(t: Training, context: int) -> int:
    """Windows of the whole run (a token budget is rounded to whole windows)."""
    if t.tokens is not None:
        return whole_windows(t.tokens, context)
    assert t.updates is not None
    if t.batch_start is None or t.batch_ramp == 0:
        return t.updates * whole_windows(t.batch, context)
    windows = 0
    for update in range(t.updates):
        if windows * context >= t.batch_ramp:
            return windows + (t.updates - update) * whole_windows(t.batch, context)
        windows += batch_windows(t, context, windows * context)
    return windows


def updates(t: Training, context: int) -> Iterator[range]:
    """The windows of each update, in order: by number, 0 ... total_windows - 1. `Updates` finds one alone."""
    first, total = 0, total_windows(t, context)
    while first < total:
        size = min(batch_windows(t, context, first * context), total - first)
        yield range(first, first + size)
        first += size


class Updates:
    """The windows of each update: `first[k]` is the one that update k + 1 begins with, as far as the batch grows.

    Behind the ramp all updates are of one size, so that a training of a million updates takes no list of them.
    """

    def __init__(self, training: Training, context: int) -> None:
        self.windows = total_windows(training, context)  # of the whole training
        self.first = [0]
        while self.first[-1] < self.windows and training.batch_start and self.first[-1] * context < training.batch_ramp:
            self.first.append(self.first[-1] + batch_windows(training, context, self.first[-1] * context))
        self.size = batch_windows(training, context, self.first[-1] * context)
        ramped = len(self.first) - 1
        rest = max(0, self.windows - self.first[-1])
        self.count = ramped + -(-rest // self.size)

    def of(self, step: int) -> range:
        """The windows that update `step` reads, by number. ValueError where the training has no such update."""
        if not 1 <= step <= self.count:
            raise ValueError(f"there is no step {step}: the training has steps 1 to {self.count}")
        last = len(self.first) - 1
        begins = [self.first[k] if k <= last else self.first[last] + (k - last) * self.size for k in (step - 1, step)]
        return range(begins[0], min(begins[1], self.windows))

    def step(self, i: int) -> int:
        """The update that reads window i of the training."""
        if i < self.first[-1]:
            return bisect_right(self.first, i)
        return len(self.first) + (i - self.first[-1]) // self.size


def snapshot_steps(t: Training, context: int) -> list[int]:
    """The updates after which the weights are kept. ValueError for one that the run does not have."""
    if not t.snapshots:
        return []
    total = Updates(t, context).count
    if t.snapshots == "epochs":
        raise ValueError("snapshots is epochs, which belongs to a training on examples over `epochs` of them")
    if t.snapshots == "log-spaced":
        return [1 << power for power in range(total.bit_length())]
    steps = sorted(set(t.snapshots))
    if steps[-1] > total:
        raise ValueError(f"snapshots has {steps[-1]}, and the training has {total} updates: take it out")
    return steps


def warmed_up(t: Training, position: float) -> bool:
    """Whether an update at `position`, as `learning_rate` counts, lies behind the warm-up."""
    return position > t.warm_up


def learning_rate(t: Training, position: float) -> float:
    """At `position`, tokens or updates, as the budget is.

    cosine: counted at the update's end; linear up over the warm-up, a cosine to the floor, flat.
    linear: counted at the update's beginning; the peak times min(position / warm_up, 1) (1 - position / budget), as
    `warmup_linear` of GPT-1's released code has it (opt.py): behind the warm-up it is not brought up to the peak.
    """
    from math import cos, pi

    budget = t.tokens if t.tokens is not None else t.updates
    if t.schedule == "linear":
        assert budget is not None
        warmed = min(position / t.warm_up, 1.0) if t.warm_up else 1.0
        return t.learning_rate * warmed * (1 - position / budget)
    end = t.decay if t.decay is not None else budget
    assert end is not None
    if position < t.warm_up:
        return t.learning_rate * position / t.warm_up
    if position >= end:
        return t.learning_rate * t.floor
    share = (position - t.warm_up) / (end - t.warm_up)
    return t.learning_rate * (t.floor + (1 - t.floor) * 0.5 * (1 + cos(pi * share)))
