"""The overview at the head of the page, of what the sections hold: bytes through the decisions, tokens against the
budget, losses, scores with their intervals. Four pictures that fit one screen together, whatever the run.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from tasks.report import curves
from tasks.report.flow import Flow, draw_flow
from tasks.report.formats import rounded, share
from tasks.report.funnel import INGEST, TOKENS
from tasks.report.palette import LINE, MUTED, SERIES
from tasks.report.section import Content, Plot

NAME = "overview"
SIZE = (5.6, 3.1)  # inches: two rows of them, the tiles and the title are 800 pixels high
BANDS = 8  # sources that have a band of their own; the smallest beyond share one
CURVES = 6  # models or sources with a curve
BARS, ROWS = 7, 9  # groups and scores that have a row


def figures(sections: Mapping[str, Content]) -> dict[str, Plot]:
    """By name, those that there is something to show of."""
    plots: dict[str, Plot] = {}
    if "funnel" in sections and (flow := flow_of(sections["funnel"])):
        plots["funnel"] = partial(draw_flow, flow=flow)
    if mixed := main_mixture(sections.get("mixture")):
        plots["tokens"] = partial(_tokens, mixed=mixed)
    if models := finished(sections.get("training")):
        plots["loss"] = partial(_loss, models=models)
    if rows := [row for row in _scores(sections.get("scores")) if row["metric"] != "perplexity"]:
        plots["scores"] = partial(_forest, rows=rows)
    return plots


def flow_of(content: Content) -> Flow | None:
    """Bytes of each source after each step; a source without a step goes through it whole."""
    rows = [row for row in content["sources"] if row["steps"]]
    titles = {INGEST: "ingested"} | {each["stage"]: each["title"] for each in content["decisions"]}
    if not rows or not content["decisions"]:
        return None
    flows: dict[str, list[int]] = {}
    for row in rows:
        counted = {step["step"]: step["bytes"] for step in row["steps"] if step["step"] != TOKENS}
        left: list[int] = []
        for step in titles:
            left.append(counted.get(step, left[-1] if left else 0))
        flows[row["source"]] = left
    if len(flows) > BANDS:
        largest = set(sorted(flows, key=lambda source: -flows[source][0])[: BANDS - 1])
        rest = [left for source, left in flows.items() if source not in largest]
        flows = {source: left for source, left in flows.items() if source in largest}
        flows[f"{len(rest)} others"] = [sum(part) for part in zip(*rest, strict=True)]
    return Flow([title.removeprefix("after ") for title in titles.values()], flows)


def main_mixture(content: Content | None) -> dict[str, Any] | None:
    """That of the largest budget."""
    mixtures = content["mixtures"] if content else []
    return max(mixtures, key=lambda mixed: mixed["budget"], default=None)


def finished(content: Content | None) -> list[dict[str, Any]]:
    """The models that have a curve, without a ladder's; the largest first."""
    models = content["models"] if content else []
    shown = [row for row in models if row["curve"] and row["model"] not in content["rungs"]] if content else []
    return sorted(shown or [row for row in models if row["curve"]], key=lambda row: -row["parameters"])


def _scores(content: Content | None) -> list[curves.Row]:
    """Those of the largest models first."""
    rows = curves.plainly(curves.rows_of(content)) if content else []
    return sorted(rows, key=lambda row: -(row["parameters"] or 0))


def _tokens(axes: Any, mixed: dict[str, Any]) -> None:
    """A group's tokens held, and over them what was read, or is to be read where no model was trained."""
    rows = sorted(mixed["groups"], key=lambda row: -row["tokens"])
    more, rows = rows[BARS:], rows[:BARS]
    read = [row["tokens"] if row["realised_tokens"] is None else row["realised_tokens"] for row in rows]
    names = [row["group"] for row in rows]
    if more:
        names.append(f"{len(more)} others")
        read.append(sum(row["realised_tokens"] or row["tokens"] for row in more))
    held = [row["held"] for row in rows] + ([sum(row["held"] for row in more)] if more else [])
    places = np.arange(len(names))
    trained = any(row["realised_tokens"] is not None for row in mixed["groups"])
    axes.barh(places - 0.2, held, 0.36, color=LINE, label="held")
    axes.barh(places + 0.2, read, 0.36, color=SERIES[0], label="read" if trained else "to be read")
    for place, (of, got) in enumerate(zip(held, read, strict=True)):
        if of:
            told = f" {got / of:.2g} x" if got >= of else f" {share(got / of)}"
            axes.text(got, place + 0.2, told, va="center", fontsize=7, color=MUTED)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_formatter(lambda x, _: rounded(x))
    done = sum(row["realised_tokens"] or 0 for row in mixed["groups"])
    said = f"{rounded(done)} read of {rounded(mixed['budget'])}" if trained else f"{rounded(mixed['budget'])} to read"
    axes.set(title=f"Tokens, {mixed['model']}: {said}", xlabel="tokens")
    axes.legend(loc="lower right")


def _loss(axes: Any, models: list[dict[str, Any]]) -> None:
    """Training losses of the models; of a single one its validation losses beside."""
    for place, row in enumerate(models[:CURVES]):
        axes.plot(*zip(*row["curve"], strict=True), color=SERIES[place], label=row["model"], linewidth=1.2)
    if len(models) == 1:
        for place, (source, points) in enumerate(list(models[0]["validations"].items())[: CURVES - 1], 1):
            if points:
                label = f"{source}, held out"
                axes.plot(*zip(*points, strict=True), "o-", markersize=2.5, color=SERIES[place], label=label)
    more = f" ({CURVES} largest of {len(models)} models)" if len(models) > CURVES else ""
    axes.set(title=f"Loss{more}", xlabel="tokens read", ylabel="nats a token")
    axes.xaxis.set_major_formatter(lambda x, _: rounded(x))
    axes.legend(fontsize=7)


def _forest(axes: Any, rows: list[curves.Row]) -> None:
    """A score a row, with its interval and what guessing comes to."""
    shown = rows[:ROWS]
    for place, row in enumerate(shown):
        of = row["all"]
        if of["low"] is not None:
            axes.plot([of["low"], of["high"]], [place, place], color=SERIES[0], linewidth=2)
        axes.plot([of["value"]], [place], "o", color=SERIES[0], markersize=5, label="score" if not place else None)
    chances = [(place, row["chance"]) for place, row in enumerate(shown) if row["chance"]]
    for place, chance in chances:
        first = place == chances[0][0]
        axes.plot([chance] * 2, [place - 0.35, place + 0.35], color=SERIES[1], label="by chance" if first else None)
    one = len({row["model"] for row in shown}) == 1
    names = [f"{'' if one else row['model'] + ': '}{row['task']} ({row['label']})" for row in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=8 if len(shown) < 7 else 7)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    more = f", {ROWS} of {len(rows)}" if len(rows) > ROWS else ""
    axes.set(title=f"Scores{' of ' + shown[0]['model'] if one else ''}{more}", xlim=(-0.02, 1.02))
    axes.set_xlabel("score, with its 95 % interval")
    axes.legend(loc="lower right")
