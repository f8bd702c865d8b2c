"""The papers' models, by name, and their scaling down. Torch-free. Numbers: shared/RECIPES.md, "Models".

    architecture, training = preset("gpt3-small", tokens=10_000_000, layers=4, width=128, batch=8192)

Where a paper publishes nothing, the comment says so and the value is ours.
"""

from collections.abc import Mapping
from dataclasses import fields
from itertools import islice
from math import ceil
from typing import Any

from model.config import Architecture, Training, snapshot_steps, updates, whole_windows
from model.presets_instruct import INSTRUCT, SFT, Reward
from model.presets_instruct import training as instruct_keys

B, M = 1_000_000_000, 1_000_000

# GPT-1 (2018), section 4.1. What the paper leaves out stands in the released code (openai/finetune-transformer-lm,
# opt.py and train.py's defaults): Adam with .9, .999, 1e-8, gradients clipped to a norm of 1, decoupled L2 of .01 on
# tensors of two or more dimensions (`vector_l2` is off). The length is 100 epochs of BooksCorpus (985M words, so about
# 1B tokens): 3M updates, ours.
GPT1 = {
    "context": 512, "vocabulary": 40478, "norm": "post", "final_norm": False, "init": "gpt1", "dropout": 0.1,
    "updates": 3 * M, "batch": 64 * 512, "learning_rate": 2.5e-4, "warm_up": 2000, "floor": 0.0,
    "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "clip": 1.0, "weight_decay": 0.01,
}  # fmt: skip

# GPT-2 (2019), section 2.3: batch of 512, context of 1,024. Learning rate ("tuned on held-out"), schedule, betas, decay
# and length are not published: ours are GPT-3's for the model nearest in size.
GPT2 = {
    "context": 1024, "vocabulary": 50257, "norm": "pre", "final_norm": True, "init": "gpt2", "dropout": 0.1,
    "tokens": 300 * B, "batch": 512 * 1024, "warm_up": 375 * M, "decay": 260 * B, "floor": 0.1,
    "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "clip": 1.0, "weight_decay": 0.1,
}  # fmt: skip

# GPT-3 (2020), section 2.1 and appendix B. The band's width is not published (256 is ours), nor is dropout (none is
# ours). The batch is as printed, rounded to whole windows when trained. It grows from 32k tokens over the first 4 to
# 12B tokens "depending on the model size": which size has which is ours.
GPT3 = {
    "context": 2048, "vocabulary": 50257, "norm": "pre", "final_norm": True, "init": "gpt2", "dropout": 0.0,
    "band": 256, "tokens": 300 * B, "batch_start": 32_000, "warm_up": 375 * M, "decay": 260 * B, "floor": 0.1,
    "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "clip": 1.0, "weight_decay": 0.1,
}  # fmt: skip


def _gpt3(layers: int, width: int, heads: int, learning_rate: float, batch: int, batch_ramp: int) -> dict[str, Any]:
    return {**GPT3, "layers": layers, "width": width, "heads": heads, "learning_rate": learning_rate,
            "batch": batch, "batch_ramp": batch_ramp}  # fmt: skip


PRESETS: dict[str, dict[str, Any]] = {
    "gpt1": {**GPT1, "layers": 12, "width": 768, "heads": 12},
    "gpt2-small": {**GPT2, "layers": 12, "width": 768, "heads": 12, "learning_rate": 6e-4},
    "gpt2-medium": {**GPT2, "layers": 24, "width": 1024, "heads": 16, "learning_rate": 3e-4},
    "gpt2-large": {**GPT2, "layers": 36, "width": 1280, "heads": 20, "learning_rate": 2.5e-4},
    "gpt2-xl": {**GPT2, "layers": 48, "width": 1600, "heads": 25, "learning_rate": 2e-4},
    "gpt3-small": _gpt3(12, 768, 12, 6e-4, 500_000, 4 * B),
    "gpt3-medium": _gpt3(24, 1024, 16, 3e-4, 500_000, 4 * B),
    "gpt3-large": _gpt3(24, 1536, 16, 2.5e-4, 500_000, 4 * B),
    "gpt3-xl": _gpt3(24, 2048, 16, 2e-4, 1 * M, 6 * B),  # the paper prints 24 heads of 128, more than 2,048
    "gpt3-2.7b": _gpt3(32, 2560, 32, 1.6e-4, 1 * M, 6 * B),
    "gpt3-6.7b": _gpt3(32, 4096, 32, 1.2e-4, 2 * M, 8 * B),
    "gpt3-13b": _gpt3(40, 5120, 40, 1e-4, 2 * M, 8 * B),  # the paper prints a width of 5,140, which 40 x 128 is not
    "gpt3-175b": _gpt3(96, 12288, 96, 0.6e-4, 3_200_000, 12 * B),
    # Ours: about a minute on two CPU cores, to see a loss fall. GPT-3's shape, banded layers included.
    "demo": {
        **GPT3, "layers": 4, "width": 128, "heads": 4, "context": 256, "vocabulary": 4096, "band": 64,
        "tokens": 600_000, "batch": 1024, "batch_start": None, "micro_batch": 4,
        "learning_rate": 1.5e-3, "warm_up": 30_000, "decay": None,
        "checkpoint_every": 100, "validate_every": 100, "validation_windows": 16,
    },
}  # fmt: skip

ARCHITECTURE = frozenset(field.name for field in fields(Architecture))
TRAINING = frozenset(field.name for field in fields(Training))
SCALED = ("warm_up", "decay", "batch_ramp")

# A warm-up is there until Adam's second moment is that of many gradients: a length in updates, whatever the budget. Ma
# and Yarats (2021, "On the adequacy of untuned warmup for adaptive optimization", section 5) give 2 / (1 - beta2): 40
# updates at .95, and at .999 GPT-1's own 2,000. At .95 we measured 100 to be better than 40 (docs/lab-notes.md).
WARM_UP = 100  # updates, at least, ...
WARM_UP_SHARE = 4  # ... but at most this part (a quarter) of the way to the decay's end


def preset(name: str, **overrides: Any) -> tuple[Architecture, Training]:
    """A preset with some keys of Architecture and Training replaced; raises ValueError for a name or key unknown.

    - A width without heads keeps the preset's head width.
    - A budget (`tokens`, or `updates`) other than the preset's scales the schedule in proportion: warm-up, decay's end
      and the batch's ramp, those not given themselves. A preset in updates (GPT-1) stays in updates: a budget in
      tokens is divided by the batch.
    - The warm-up alone has a floor: max(100, 2 / (1 - beta2)) updates, or the preset's own where that is shorter, and
      at most a quarter of the way to the decay's end. A shorter ramp of the batch costs nothing but updates.
    """
    if name not in PRESETS:
        raise ValueError(f"no preset is called {name!r}: there are {', '.join(PRESETS)}")
    if unknown := sorted(set(overrides) - ARCHITECTURE - TRAINING):
        raise ValueError(
            f"preset {name!r} does not know {', '.join(unknown)}: keys are {', '.join(sorted(ARCHITECTURE | TRAINING))}"
        )
    if overrides.get("tokens") is not None and overrides.get("updates") is not None:
        raise ValueError("give one of tokens and updates, the budget of the training, and not both")
    base = PRESETS[name]
    keys = {**base, **overrides}
    if "width" in overrides and "heads" not in overrides:
        head = base["width"] // base["heads"]
        if keys["width"] % head:
            raise ValueError(
                f"width {keys['width']} is not a multiple of {name}'s head width {head}: give heads as well"
            )
        keys["heads"] = keys["width"] // head
    if overrides.get("tokens") is not None or overrides.get("updates") is not None:
        keys = _scale(base, overrides, keys)
    architecture = Architecture(**{key: value for key, value in keys.items() if key in ARCHITECTURE})
    training = _schedule(keys)
    snapshot_steps(training, architecture.context)  # refuses one that the training does not have
    return architecture, training


def _scale(base: Mapping[str, Any], overrides: Mapping[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    """The schedule's lengths, in proportion to the budget; in tokens for a preset in tokens, else in updates."""
    windows = whole_windows(keys["batch"], keys["context"])
    if base.get("tokens") is not None:
        tokens = overrides.get("tokens") or overrides["updates"] * windows * keys["context"]
        keys.update(tokens=tokens, updates=None)
        share = tokens / base["tokens"]
    else:
        count = overrides.get("updates") or max(1, round(overrides["tokens"] / (windows * keys["context"])))
        keys.update(updates=count, tokens=None)
        share = count / base["updates"]
    for key in SCALED:
        if key not in overrides and base.get(key) is not None:
            keys[key] = round(base[key] * share)
    if "warm_up" not in overrides:
        least = min(_needed(keys["beta2"]), _updates_to(base["warm_up"], base))
        keys["warm_up"] = max(keys["warm_up"], _floor(least, keys))
    return keys


def trained_on(a: Architecture, start: Training | None, **given: Any) -> Training:
    """The training of a model that goes on from given weights, of architecture `a`; raises ValueError.

    What is not given is `start`'s, the training that the weights come from, or a default of Training where that is not
    known. The schedule is new: a warm-up of max(100, 2 / (1 - beta2)) updates, at most a quarter of the way to the
    decay's end, to the same peak, and a cosine over the new budget. Ibrahim et al. (2024, "Simple and scalable
    strategies to continually pre-train large language models", section 6) found warming up again and decaying again
    to be what a model that goes on needs. The batch does not grow again; snapshots are those that are given.
    """
    if unknown := sorted(set(given) - TRAINING):
        raise ValueError(f"{', '.join(unknown)}: a model that goes on from another has that one's architecture")
    if (given.get("tokens") is None) == (given.get("updates") is None):
        raise ValueError("give one of tokens and updates, how long the training is to go on, and not both")
    before = vars(start) if start is not None else {field.name: field.default for field in fields(Training)}
    new = {"tokens": None, "updates": None, "warm_up": 0, "decay": None, "batch_start": None, "batch_ramp": 0,
           "snapshots": None}  # fmt: skip
    keys: dict[str, Any] = {**before, **new, **given, "context": a.context}
    if "warm_up" not in given:
        keys["warm_up"] = _floor(_needed(keys["beta2"]), keys)
    training = _schedule(keys)
    snapshot_steps(training, a.context)
    return training


# GPT-1's fine-tuning (2018, section 4.1, and the released code's defaults: openai/finetune-transformer-lm, train.py): 8
# examples on each of 4 GPUs, `warmup_linear` over .002 of the updates, 3 epochs. The budget counts examples.
FINE_TUNING: dict[str, Any] = {
    "batch": 8 * 4, "learning_rate": 6.25e-5, "schedule": "linear", "floor": 0.0, "beta1": 0.9, "beta2": 0.999,
    "epsilon": 1e-8, "clip": 1.0, "weight_decay": 0.01,
}  # fmt: skip
FINE_TUNING_EPOCHS = 3
FINE_TUNING_WARM_UP = 0.002  # of the budget


# By objective, the forms of examples that it reads.
FORMS: dict[str, tuple[str, ...]] = {
    "classify": ("classify", "entail"), "entail": ("classify", "entail"), "similar": ("similar",),
    "choose": ("choose",), "regress": ("regress", "similar"), "span": ("span",), "tag": ("tag",),
    "sft": ("chat",), "reward": ("compare",),
    "ppo": ("prompt",),
}  # fmt: skip
# By objective, what it learns by where nothing is given, and for how many epochs.
TUNING: dict[str, tuple[dict[str, Any], float]] = dict.fromkeys(
    ("classify", "entail", "similar", "choose", "regress", "span", "tag"), (FINE_TUNING, FINE_TUNING_EPOCHS)
)
RECIPE = "instructgpt-1.3b"  # of sft and reward, where none is named


def _numbers(objective: str, recipe: str | None) -> SFT | Reward:
    """InstructGPT's of `sft` or `reward`."""
    numbers = INSTRUCT[recipe or RECIPE]
    return numbers.sft if objective == "sft" else numbers.reward


def dropout_of(objective: str, recipe: str | None) -> dict[str, Any]:
    """Keys of Architecture that an objective has otherwise than its start: dropout, which no weight is of."""
    if objective not in ("sft", "reward"):
        return {}
    return {"residual_dropout": _numbers(objective, recipe).dropout}


def tuned_on(
    objective: str, epochs: float | None, recipe: str | None = None, **given: Any
) -> tuple[dict[str, Any], float | None]:
    """Keys of Training for an objective over examples, and the epochs; None where a budget is given. ValueError for an
    unknown key, a wrong value, or two budgets."""
    if unknown := sorted(set(given) - TRAINING):
        raise ValueError(f"{', '.join(unknown)}: no keys of a training")
    if objective in TUNING:
        base, usual = TUNING[objective]
    else:
        numbers = _numbers(objective, recipe)
        base, usual = instruct_keys(numbers), numbers.epochs
    keys = {**base, **given}
    budget = [key for key in ("tokens", "updates") if given.get(key) is not None]
    if len(budget) + (epochs is not None) > 1:
        raise ValueError("give one of epochs, tokens and updates, how long the training is to be")
    if budget and keys.get("snapshots") == "epochs" and "snapshots" not in given:
        del keys["snapshots"]  # how long an epoch is, is not known
    if not budget:
        epochs = usual if epochs is None else epochs
    _schedule(keys if budget else over_epochs(keys, epochs or usual, 1_000_000))  # refuses what cannot be
    return keys, epochs


def over_epochs(train: Mapping[str, Any], epochs: float, examples: int) -> dict[str, Any]:
    """Keys of Training over so many epochs of so many examples: the budget in examples, and for the linear schedule,
    where none is given, its warm-up of .002 of it; `snapshots: epochs` as the updates in which epochs end. ValueError
    where a budget is given as well, or nothing is left."""
    if train.get("tokens") is not None or train.get("updates") is not None:
        raise ValueError("give one of epochs, tokens and updates, how long the training is to be")
    if epochs <= 0 or round(epochs * examples) < 1:
        raise ValueError(f"epochs is {epochs}, of {examples} examples: it must be above 0, and come to an example")
    budget = round(epochs * examples)
    if train.get("snapshots") == "epochs":
        batch = train.get("batch", Training.batch)
        ends = [*range(1, ceil(epochs)), epochs]
        train = {**train, "snapshots": sorted({ceil(round(end * examples) / batch) for end in ends})}
    warm_up = round(FINE_TUNING_WARM_UP * budget) if train.get("schedule") == "linear" else 0
    return {"warm_up": warm_up, **train, "tokens": budget, "updates": None}


def _needed(beta2: float) -> int:
    """Updates of warm-up that Adam's second moment needs."""
    return max(WARM_UP, round(2 / (1 - beta2)))


def _floor(least: int, keys: Mapping[str, Any]) -> int:
    """The least warm-up of a schedule, in the budget's unit: `least` updates, if they are no more than its share."""
    most: int = (keys.get("decay") or keys.get("updates") or keys["tokens"]) // WARM_UP_SHARE
    if keys.get("updates") is not None:
        return min(least, most)
    schedule = _schedule({**keys, "warm_up": 0, "decay": None})
    windows = sum(len(update) for update in islice(updates(schedule, keys["context"]), least))
    return min(windows * int(keys["context"]), most)


def _updates_to(position: int, keys: Mapping[str, Any]) -> int:
    """Updates until `position`, in the unit of the preset's budget."""
    if keys.get("updates") is not None:
        return position
    read, count = 0, 0
    for update in updates(_schedule(keys), keys["context"]):
        if read >= position:
            break
        read, count = read + len(update) * keys["context"], count + 1
    return count


def _schedule(keys: Mapping[str, Any]) -> Training:
    return Training(**{key: value for key, value in keys.items() if key in TRAINING})
