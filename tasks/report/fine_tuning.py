"""Fine-tuning: what tuned models learned and score on held-out examples; table 5 and figure 2 of GPT-1 from them."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from tasks.evaluation.scores import Scored
from tasks.evaluation.scores import scores as scores_stage
from tasks.models.train import Tuned
from tasks.models.train import train as train_stage
from tasks.report.formats import number, share
from tasks.report.given import Given
from tasks.report.palette import SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json

FULL = "full"


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    scored = given.named(scores_stage)
    rows = [_row(name, model, scored) for name, model in given.named(train_stage).items()]
    if not rows:
        return None
    return {"models": rows, "ablation": _ablation(rows), "layers": _layers(rows)}


def _row(name: str, model: Artifact, scored: dict[str, Artifact]) -> dict[str, Any]:
    parameters, inputs = model.manifest["parameters"], model.manifest["inputs"]
    examples = artifact_at(inputs["examples"], model.store).name
    start = inputs.get("start")
    made = scored.get(f"{name}.{examples}")
    way = to_json(made.counts(Scored))["ways"]["0"] if made is not None else None
    return {
        "model": name,
        "objective": parameters["objective"],
        "start": artifact_at(start, model.store).name if start else None,
        "variant": _variant(parameters, start),
        "transferred": _transferred(parameters, start),
        **to_json(model.counts(Tuned)),
        "of_examples": examples,
        "score": way["all"] if way else None,
        "chance": way["chance"] if way else None,
        "ece": way["ece"] if way else None,
    }


def _variant(parameters: dict[str, Any], start: str | None) -> str:
    """What of GPT-1's method a model leaves out: table 5's rows."""
    left_out = [] if start else ["no pretraining"]
    left_out += ["no auxiliary loss"] if parameters["objective_keys"].get("auxiliary") == 0 else []
    left_out += ["LSTM"] if parameters["architecture"].get("trunk") == "lstm" else []
    if start and (layers := parameters["layers_transferred"]) is not None:
        left_out.append(f"{layers} of {parameters['architecture']['layers']} layers")
    return ", ".join(left_out) or FULL


def _transferred(parameters: dict[str, Any], start: str | None) -> int | None:
    """How many layers a model took over, where it is otherwise the full method."""
    usual = parameters["objective_keys"].get("auxiliary") is None and "trunk" not in parameters["architecture"]
    if not (start and usual):
        return None
    layers: int | None = parameters["layers_transferred"]
    return int(parameters["architecture"]["layers"]) if layers is None else layers


def _ablation(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By variant and examples the score; empty where there is one variant alone. Of two models the first is told."""
    table: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["score"] is not None and (row["variant"] == FULL or row["transferred"] is None):
            table.setdefault(row["variant"], {}).setdefault(row["of_examples"], row["score"])
    return table if len(table) > 1 else {}


def _layers(rows: list[dict[str, Any]]) -> dict[str, list[list[float]]]:
    """By examples: [layers taken over, score, and its interval], of examples with two numbers of layers or more."""
    points: dict[str, dict[int, list[float]]] = {}
    for row in rows:
        if row["transferred"] is not None and row["score"] is not None and row["score"]["low"] is not None:
            score = row["score"]
            point = [row["transferred"], score["value"], score["low"], score["high"]]
            points.setdefault(row["of_examples"], {}).setdefault(row["transferred"], point)
    return {name: [by[at] for at in sorted(by)] for name, by in points.items() if len(by) > 1}


def lines(content: Content) -> Iterator[str]:
    for row in content["models"]:
        score = row["score"]
        told = f"accuracy {_told(score)}" if score is not None else _figures(row)
        yield (
            f"Tuned {row['model']} on {row['of_examples']} ({row['objective']}; "
            f"{'from ' + row['start'] if row['start'] else 'from nothing'}; {row['variant']}): {told}, "
            f"{row['epochs']:g} epochs, {number(row['updates'])} updates"
        )


def _told(score: dict[str, Any]) -> str:
    if score["value"] is None:
        return "-"
    within = f" [{share(score['low'])}, {share(score['high'])}]" if score["low"] is not None else ""
    return f"{share(score['value'])}{within}"


def _figures(row: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in row["figures"].items()) or "not scored"


def figures(content: Content) -> dict[str, Plot]:
    plots: dict[str, Plot] = {}
    if content["ablation"]:
        plots["ablation"] = partial(_bars, table=content["ablation"])
    if content["layers"]:
        plots["layers"] = partial(_by_layers, curves=content["layers"])
    return plots


def _bars(axes: Any, table: dict[str, dict[str, Any]]) -> None:
    """A group of bars an examples' name, a bar a variant, with its interval (GPT-1, table 5)."""
    names = list(dict.fromkeys(name for by in table.values() for name in by))
    width = 0.8 / len(table)
    for place, (variant, by) in enumerate(table.items()):
        there = [(n, by[name]) for n, name in enumerate(names) if name in by and by[name]["value"] is not None]
        at, values = [n + (place + 0.5) * width - 0.4 for n, _ in there], [score["value"] for _, score in there]
        low = [score["value"] - (score["low"] if score["low"] is not None else score["value"]) for _, score in there]
        high = [(score["high"] if score["high"] is not None else score["value"]) - score["value"] for _, score in there]
        axes.bar(at, values, width * 0.9, color=SERIES[place % 8], label=variant, yerr=[low, high], capsize=2)
    axes.set_xticks(range(len(names)), names)
    axes.set(title="What the method's parts are worth", ylabel="accuracy on held-out examples", ylim=(0, 1))
    axes.legend()


def _by_layers(axes: Any, curves: dict[str, list[list[float]]]) -> None:
    """Accuracy by how many layers were taken over, embeddings always (GPT-1, figure 2, left)."""
    for place, (name, points) in enumerate(curves.items()):
        layers, values, low, high = zip(*points, strict=True)
        axes.plot(layers, values, marker="o", markersize=3, color=SERIES[place % 8], label=name)
        axes.fill_between(layers, low, high, color=SERIES[place % 8], alpha=0.15, linewidth=0)
    axes.set(title="Layers transferred", xlabel="layers", ylabel="accuracy on held-out examples")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()


FINE_TUNING = Section("fine-tuning", "Fine-tuning", gather, figures=figures, lines=lines)
