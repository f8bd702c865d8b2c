"""Training: each model's size, its losses, and their curves, thinned."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

from tasks.models.gaps import gaps
from tasks.models.ngrams import Counted as NGrams
from tasks.models.ngrams import ngrams as ngrams_stage
from tasks.models.pretrain import Trained, metrics_of
from tasks.models.pretrain import pretrain as pretrain_stage
from tasks.report.formats import number
from tasks.report.given import Given
from tasks.report.palette import MUTED
from tasks.report.rungs import rungs_of
from tasks.report.section import Content, Counted, Plot, Section
from tasks.report.told_apart import look, many, name_lines
from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json
from tasks.tokens.mixture import Mixed
from tasks.tokens.mixture import mixture as mixture_stage

POINTS = 200  # of a curve
SHAPE = ("layers", "width", "heads", "context", "vocabulary")


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    mixtures = given.named(mixture_stage)
    models = [
        losses(name, model, mixtures[name].counts(Mixed) if name in mixtures else None, given.groups)
        for name, model in given.named(pretrain_stage).items()
    ]
    baselines = {name: to_json(made.counts(NGrams)) for name, made in given.named(ngrams_stage).items()}
    return {"models": models, "rungs": sorted(rungs_of(given)), "ngrams": baselines} if models else None


def losses(name: str, model: Artifact, mixed: Mixed | None, groups: Mapping[str, str]) -> dict[str, Any]:
    """The curves of its metrics: loss overall and a group by tokens, validation loss a source with its error, and how
    far a group's stands above its training loss. `groups`: of sources."""
    rows = metrics_of(model)
    keys = list(dict.fromkeys(key for row in rows for key in row))
    curves = {key.removeprefix("loss_"): thinned(rows, key) for key in keys if key.startswith("loss_")}
    of_stderr = "validation_stderr_"  # no source's name has a _
    errors = {key.removeprefix(of_stderr): thinned(rows, key) for key in keys if key.startswith(of_stderr)}
    held_out = {
        key.removeprefix("validation_"): thinned(rows, key)
        for key in keys
        if key.startswith("validation_") and not key.startswith(of_stderr)
    }
    counts = {key: value for key, value in to_json(model.counts(Trained)).items() if key != "realised"}
    shape = model.manifest["parameters"].get("architecture", {})
    start = model.manifest["inputs"].get("start")
    return {
        "model": name,
        "start": artifact_at(start, model.store).name if start is not None else None,
        **counts,
        "shape": {key: shape.get(key) for key in SHAPE},
        "last_tenth": last_tenth(rows),
        "curve": thinned(rows, "loss"),
        "groups": curves,
        "validations": held_out,
        "validation_errors": errors,
        "gaps": gaps(rows, mixed, groups) if mixed else {},
    }


def thinned(rows: list[dict[str, Any]], key: str) -> list[list[float]]:
    """[tokens, value] of at most 200 stretches of updates, each the mean of its updates that have a value."""
    with_value = [row for row in rows if row.get(key) is not None]
    count = min(POINTS, len(with_value))
    edges = [place * len(with_value) // count for place in range(count + 1)] if count else []
    points = []
    for low, high in pairwise(edges):
        part = with_value[low:high]
        points.append([part[-1]["tokens"], round(sum(row[key] for row in part) / len(part), 6)])
    return points


def last_tenth(rows: list[dict[str, Any]]) -> float | None:
    """Mean loss of the last tenth of the updates: one update's loss depends on which groups it happened to read."""
    last = [row["loss"] for row in rows[-max(1, len(rows) // 10) :] if row["loss"] is not None]  # None: passed over
    return round(sum(last) / len(last), 6) if last else None


def lines(content: Content) -> Iterator[str]:
    for row in content["models"]:
        yield (
            f"Model {row['model']}{' from ' + row['start'] if row['start'] else ''}: "
            f"{number(row['parameters'])} parameters, {number(row['tokens'])} tokens, "
            f"loss {number(row['first_loss'])} to {number(row['last_tenth'])} (mean of the last tenth)"
            + (f", {number(row['skipped'])} updates passed over" if row["skipped"] else "")
        )
    for name, counted in content["ngrams"].items():
        if counted["loss"] is not None:
            yield (
                f"N-grams {name}: held-out loss {counted['loss']:.3f} of Kneser-Ney {counted['order']} on "
                f"{number(counted['tokens'])} of its tokens"
            )


def tiles(content: Content) -> list[tuple[str, str]]:
    return [
        (
            number(row["last_tenth"] if row["last_tenth"] is not None else row["loss"]),
            f"loss of {row['model']}, {number(row['parameters'])} parameters",
        )
        for row in content["models"]
        if row["model"] not in content["rungs"]
    ]


def figures(content: Content) -> dict[str, Plot]:
    plots: dict[str, Plot] = {}
    models = [row for row in content["models"] if row["model"] not in content["rungs"]]
    curves = {row["model"]: row["curve"] for row in models if row["curve"]}
    if curves:
        plots["loss"] = partial(_losses, curves=curves, title="Training loss")
    for row in models:
        if any(row["groups"].values()):
            title = f"Training loss by group, {row['model']}"
            plots[f"loss-{row['model']}"] = partial(_losses, curves=row["groups"], title=title)
        if any(row["validations"].values()):
            title = f"Validation loss, {row['model']}"
            counted = content["ngrams"].get(row["model"], {"order": 0, "validation": {}})
            plots[f"validation-{row['model']}"] = partial(
                _validations,
                curves=row["validations"],
                title=title,
                order=counted["order"],
                lines=counted["validation"],
                errors=row["validation_errors"],
            )
        if row["gaps"]:
            plots[f"gap-{row['model']}"] = partial(_gaps, curves=row["gaps"], title=f"Overfitting, {row['model']}")
    return plots


Curves = dict[str, list[list[float]]]  # by name, [tokens, value] each


def _curves(axes: Any, curves: Curves, title: str, marker: str, errors: Curves | None = None) -> dict[str, Any]:
    """Each curve, and its lines. Where there are standard errors of all its points, 1.96 of them on either side: of few
    curves alone, as of more the bands hide each other."""
    drawn = {name: points for name, points in curves.items() if points}
    lines = {}
    for place, (name, points) in enumerate(drawn.items()):
        tokens, values = zip(*points, strict=True)
        shape = look(place, len(drawn))
        (lines[name],) = axes.plot(tokens, values, marker=marker, markersize=3, label=name, **shape)
        of_points = (errors or {}).get(name, [])
        if [at for at, _ in of_points] == list(tokens) and not many(drawn):
            pairs = list(zip(values, (1.96 * error for _, error in of_points), strict=True))
            low, high = [value - half for value, half in pairs], [value + half for value, half in pairs]
            axes.fill_between(tokens, low, high, color=shape["color"], alpha=0.15, linewidth=0)
    axes.set(title=title, xlabel="tokens", ylabel="nats a token")
    axes.xaxis.set_major_formatter(lambda x, _: _short(x))
    return lines


def _losses(axes: Any, curves: Curves, title: str) -> None:
    name_lines(axes, _curves(axes, curves, title, marker=""), always=False)


def _validations(axes: Any, curves: Curves, title: str, errors: Curves, order: int, lines: dict[str, float]) -> None:
    """Each source's curve, and in its colour where an n-gram model of the same text stands, where curves are few."""
    drawn = _curves(axes, curves, title, marker="o", errors=errors)
    first = True
    for source in () if many(drawn) else drawn:
        if source in lines:
            label = f"Kneser-Ney {order}, same text" if first else None
            axes.axhline(lines[source], color=drawn[source].get_color(), linestyle="--", linewidth=0.9, label=label)
            first = False
    name_lines(axes, drawn)


def _gaps(axes: Any, curves: Curves, title: str) -> None:
    """How far each group's validation loss stands above its training loss, by how often it was read over."""
    lines = _curves(axes, curves, title, marker="o")
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set(xlabel="epochs of the group", ylabel="validation less training loss, nats a token")
    name_lines(axes, lines)


def _short(count: float) -> str:
    for scale, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(count) >= scale:
            return f"{count / scale:g}{unit}"
    return f"{count:g}"


TRAINING = Section("training", "Training", gather, figures=figures, lines=lines, tiles=tiles)
