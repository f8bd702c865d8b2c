"""Rewards: how often a reward model agrees with those who ranked, and at which step a tuned model pleases it most."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from tasks.examples.examples import Made
from tasks.examples.examples import examples as examples_stage
from tasks.examples.paper import DATA
from tasks.models.chosen_step import Chosen
from tasks.models.chosen_step import chosen_step as chosen_stage
from tasks.models.reward_accuracy import Accuracy
from tasks.models.reward_accuracy import reward_accuracy as accuracy_stage
from tasks.report.formats import share
from tasks.report.given import Given
from tasks.report.palette import MUTED, SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json

KINDS = {"chat": "demonstrations", "compare": "comparisons", "prompt": "prompts"}  # of labelled text, by form
# InstructGPT's reward models on labelers that they were trained on, and on others (section 4.1, cross-validation).
PAPER = {"labelers of training": 0.724, "other labelers": 0.696}


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    accuracies = {name: to_json(one.counts(Accuracy)) for name, one in given.named(accuracy_stage).items()}
    chosen = {name: to_json(one.counts(Chosen)) for name, one in given.named(chosen_stage).items()}
    if not accuracies and not chosen:
        return None
    return {"accuracies": accuracies, "chosen": chosen, "paper": PAPER, "data": _data(given)}


def _data(given: Given) -> list[dict[str, Any]]:
    """Of each kind of labelled text of the run how many there are, beside the paper's (table 6)."""
    found: dict[str, dict[str, int]] = {}
    for one in given.named(examples_stage).values():
        if (kind := KINDS.get(one.manifest["parameters"]["form"])) is not None:
            counts = one.counts(Made)
            of = found.setdefault(kind, {"train": 0, "validation": 0, "left_out": 0})
            of["train"] += counts.train.examples
            of["validation"] += counts.validation.examples
            of["left_out"] += counts.decided + sum(counts.rejects.values())
    return [
        {"kind": kind, **of, "paper": {split: sum(DATA[kind, split]) for split in ("train", "validation")}}
        for kind, of in sorted(found.items())
    ]


def lines(content: Content) -> Iterator[str]:
    for name, of in content["accuracies"].items():
        if of["all"]["pairs"]:
            yield (
                f"Reward {name}: agrees with {share(_right(of['all']))} of {of['all']['pairs']:,} held-out pairs, of "
                f"{of['prompts']:,} prompts (chance is half)"
            )
    for name, of in content["chosen"].items():
        best = of["steps"][str(of["step"])]
        yield (
            f"Rewards of {name}: highest after update {of['step']:,} of {of['last']:,} ({best['reward']:.3f}, standard "
            f"error {best['stderr']:.3f}), which is the one taken"
        )


def _right(agreed: dict[str, Any]) -> float | None:
    return agreed["right"] / agreed["pairs"] if agreed["pairs"] else None


def figures(content: Content) -> dict[str, Plot]:
    plots: dict[str, Plot] = {}
    for key, title in (("by_answers", "answers to a prompt (K)"), ("by_labeler", "who ranked")):
        if any(of[key] for of in content["accuracies"].values()):
            plots[f"rewards-{key}"] = partial(_bars, accuracies=content["accuracies"], key=key, title=title)
    for name, of in content["chosen"].items():
        plots[f"rewards-step-{name}"] = partial(_steps, name=name, of=of)
    return plots


def _bars(axes: Any, accuracies: dict[str, Any], key: str, title: str) -> None:
    """Accuracy by what `key` names, with the standard error of a share of so many pairs."""
    names = list(dict.fromkeys(name for of in accuracies.values() for name in of[key]))
    width = 0.8 / len(accuracies)
    for number, (model, of) in enumerate(accuracies.items()):
        there = [(place, of[key][name]) for place, name in enumerate(names) if of[key].get(name, {}).get("pairs")]
        values = [agreed["right"] / agreed["pairs"] for _, agreed in there]
        errors = [(v * (1 - v) / agreed["pairs"]) ** 0.5 for v, (_, agreed) in zip(values, there, strict=True)]
        at = [place + (number - (len(accuracies) - 1) / 2) * width for place, _ in there]
        axes.bar(at, values, width, yerr=errors, color=SERIES[number % len(SERIES)], label=model)
    axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle="--")
    axes.set_xticks(range(len(names)), names)
    axes.set(title="Pairs that the reward model orders as they were ranked", xlabel=title, ylabel="share", ylim=(0, 1))
    if len(accuracies) > 1:
        axes.legend(frameon=False)


def _steps(axes: Any, name: str, of: dict[str, Any]) -> None:
    """The reward of answers, and how likely the demonstrations are, by update."""
    steps = sorted(map(int, of["steps"]))  # JSON's keys are texts, in the order of texts
    means = [of["steps"][str(step)] for step in steps]
    axes.errorbar(steps, [m["reward"] for m in means], [m["stderr"] for m in means], color=SERIES[0], marker="o", ms=3)
    axes.axvline(of["step"], color=MUTED, linewidth=0.8, linestyle="--")
    axes.set(title=f"{name}: what is taken is where the dashes stand", xlabel="update", ylabel="reward, mean")
    axes.yaxis.label.set_color(SERIES[0])
    other = axes.twinx()
    other.plot(steps, [m["loss"] for m in means], color=SERIES[1], marker="s", ms=3)
    other.set_ylabel("loss of demonstrations, nats a token", color=SERIES[1])


REWARDS = Section("rewards", "Rewards", gather, figures=figures, lines=lines)
