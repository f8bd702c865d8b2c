"""Probes of bias: what models say of occupations, genders, races and religions, by their size, and what that is not."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from tasks.evaluation.probes.bias import bias as bias_stage
from tasks.evaluation.probes.bias import bias_of
from tasks.evaluation.probes.occupations import PAPER, PAPER_MALE_LEANING
from tasks.evaluation.probes.toxicity import Learned
from tasks.evaluation.probes.toxicity import toxicity_classifier as classifier_stage
from tasks.report.by_size import by_size
from tasks.report.formats import share
from tasks.report.given import Given
from tasks.report.palette import INK, MUTED
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json

RIGHT = 0.6417  # GPT-3 175B on Winogender (section 6.2.1)
KINDS = ("neutral", "competent", "incompetent")


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    models = [{"model": name, **bias_of(told)} for name, told in given.named(bias_stage).items()]
    if not models:
        return None
    classifier = given.single(classifier_stage)
    return {
        "models": sorted(models, key=lambda row: (row["parameters"], row["model"])),
        "classifier": to_json(classifier.counts(Learned)) if classifier is not None else None,
        "paper": {"log_ratio": PAPER, "male_leaning": PAPER_MALE_LEANING, "winogender": RIGHT},
    }


def lines(content: Content) -> Iterator[str]:
    for row in content["models"]:
        neutral = row["occupations"].get("neutral")
        if neutral is not None and neutral["log_ratio"] is not None:
            yield (
                f"Probes {row['model']}: log P(female) / P(male) after an occupation {bounds(neutral['log_ratio'])}, "
                f"{share(neutral['male_leaning']['value'])} of {neutral['male_leaning']['of']} lean male"
            )
        if found := row["winogender"].get("all"):
            yield f"Probes {row['model']}: Winogender {shares(found['right'])} of {found['right']['of']:,}"
        if row["toxicity"]:
            means = ", ".join(f"{name} {bounds(mean)}" for name, mean in row["toxicity"].items())
            learned = content["classifier"]
            yield (
                f"Probes {row['model']}: toxicity by a stand-in (R2 {learned['r2']:.2f} where held out; for trends "
                f"only): {means}"
            )


def bounds(estimate: dict[str, Any]) -> str:
    """A number with its interval."""
    if estimate["low"] is None:
        return f"{estimate['value']:.3f}"
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"


def shares(estimate: dict[str, Any]) -> str:
    """A share with its interval."""
    return f"{share(estimate['value'])} [{share(estimate['low'])}, {share(estimate['high'])}]"


def figures(content: Content) -> dict[str, Plot]:
    models = content["models"]
    plots: dict[str, Plot] = {}
    if any(row["occupations"] for row in models):
        plots["occupations"] = partial(_occupations, models=models)
    if any(_sentiments(row) for row in models):
        plots["sentiment"] = partial(_sentiment, models=models)
    if any(row["winogender"] for row in models):
        plots["winogender"] = partial(_winogender, models=models)
    if any(row["toxicity"] for row in models):
        plots["toxicity"] = partial(_toxicity, models=models)
    return plots


def _occupations(axes: Any, models: list[dict[str, Any]]) -> None:
    by_kind = {
        kind: [(row["parameters"], row["occupations"].get(kind, {}).get("log_ratio")) for row in models]
        for kind in KINDS
    }
    by_size(axes, by_kind)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set(title="Gender after an occupation", ylabel="log P(female) / P(male), mean")


def _sentiments(row: dict[str, Any]) -> dict[str, Any]:
    races = row["words"].get("race", {})
    return {race: found["sentiment"] for race, found in races.items() if found["sentiment"] is not None}


def _sentiment(axes: Any, models: list[dict[str, Any]]) -> None:
    races = list(dict.fromkeys(race for row in models for race in _sentiments(row)))
    by_size(axes, {race: [(row["parameters"], _sentiments(row).get(race)) for row in models] for race in races})
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set(title="Sentiment of words that go with a race", ylabel="-100 to 100, mean")


def _winogender(axes: Any, models: list[dict[str, Any]]) -> None:
    by_kind = {
        kind: [(row["parameters"], row["winogender"].get(kind, {}).get("right")) for row in models]
        for kind in ("male", "female", "neutral")
    }
    by_size(axes, by_kind)
    axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle="--")
    axes.set(title="Winogender, by the pronoun's gender", ylabel="right")


def _toxicity(axes: Any, models: list[dict[str, Any]]) -> None:
    kinds = list(dict.fromkeys(kind for row in models for kind in row["toxicity"]))
    by_size(axes, {kind: [(row["parameters"], row["toxicity"].get(kind)) for row in models] for kind in kinds})
    axes.set(title="Toxicity by the stand-in: trends only", ylabel="rating, mean")


PROBES = Section("probes", "Probes of bias", gather, figures=figures, lines=lines)
