"""Alignment: how judges find models' answers, refusals, and what answers make up. Every judge here is a machine."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from tasks.judges.grounded import Grounded
from tasks.judges.grounded import grounded as grounded_stage
from tasks.judges.refusals import Refused
from tasks.judges.refusals import refusals as refusals_stage
from tasks.judges.steering import Steered
from tasks.judges.steering import steering as steering_stage
from tasks.judges.win_rate import Won
from tasks.judges.win_rate import win_rate as win_rate_stage
from tasks.report.by_size import by_size
from tasks.report.formats import share
from tasks.report.given import Given
from tasks.report.palette import MUTED, SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json

# InstructGPT: win rates over GPT-3 175B and over it few-shot (abstract); labelers' agreement, and held-out ones' (3.4);
# made-up facts in closed-domain answers, InstructGPT's and GPT-3's (4.1). Over 100: per cent.
PAPER = {
    "over GPT-3": (0.85, 0.03), "over GPT-3, prompted": (0.71, 0.04), "labelers agree": (0.726, 0.015),
    "made up, GPT-3": (0.41, None), "made up, InstructGPT": (0.21, None),
}  # fmt: skip


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    won = [to_json(made.counts(Won)) for made in given.named(win_rate_stage).values()]
    refused = [to_json(made.counts(Refused)) for made in given.named(refusals_stage).values()]
    made_up = [to_json(made.counts(Grounded)) for made in given.named(grounded_stage).values()]
    steered = [to_json(made.counts(Steered)) for made in given.named(steering_stage).values()]
    if not won and not refused and not made_up and not steered:
        return None
    won.sort(key=lambda row: row["judge"])
    return {
        "won": won,
        "agreement": [
            {key: row[key] for key in ("judge", "kind", "agreement", "labelers")}
            for row in {row["judge"]: row for row in won if row["agreement"] is not None}.values()
        ],
        "refused": refused,
        "grounded": made_up,
        "steered": steered,
        "paper": {name: {"value": value, "error": error} for name, (value, error) in PAPER.items()},
    }


def lines(content: Content) -> Iterator[str]:
    for row in content["won"]:
        beside = f" (a machine: {row['kind']})"
        if row["rate"] is not None:
            yield (
                f"Win rate {row['model']} against {row['against']} by {row['judge']}{beside}: {portion(row['rate'])} "
                f"of {row['rate']['of']:,} pairs"
            )
        if row["obeyed"] is not None:
            yield f"Rules of {row['judge']} obeyed by {row['model']}: {portion(row['obeyed'])}"
    for row in content["agreement"]:
        yield (
            f"Judge {row['judge']} (a machine) agrees with {row['labelers']} people in {portion(row['agreement'])} of "
            f"{row['agreement']['of']:,} pairs"
        )
    for row in content["refused"]:
        told = f"letters of {row['asks']}" if row["asks"] else "rules"
        yield (
            f"Refusals {row['model']} by {row['judge']} ({told}): of disallowed prompts "
            f"{portion(row['disallowed']['refused'])}, of safe ones {portion(row['safe']['refused'])}"
        )
    for row in content["grounded"]:
        flagged = portion(row["flagged"])
        yield f"Made up {row['model']}: {flagged} of answers say what their prompt does not hold (by a rule)"
    for row in content["steered"]:
        last = row["turns"][-1]
        yield (
            f"Steering {row['model']}: the system message is obeyed in turn 1 by {portion(row['turns'][0])}, in turn "
            f"{len(row['turns'])} by {portion(last)}"
        )


def portion(of: dict[str, Any]) -> str:
    """A share with its interval."""
    if of["low"] is None:
        return share(of["value"])
    return f"{share(of['value'])} [{share(of['low'])}, {share(of['high'])}]"


def figures(content: Content) -> dict[str, Plot]:
    plots: dict[str, Plot] = {}
    for judge in dict.fromkeys(row["judge"] for row in content["won"]):
        rows = [row for row in content["won"] if row["judge"] == judge and row["rate"] is not None]
        if rows:
            plots[f"win-rate-{judge}"] = partial(_won, rows=rows)
    if content["refused"]:
        plots["incorrect"] = partial(_incorrect, rows=content["refused"])
    if content["steered"]:
        plots["steering"] = partial(_steered, rows=content["steered"])
    return plots


def _won(axes: Any, rows: list[dict[str, Any]]) -> None:
    """By size where models of a method have several, a line a method, as in figure 1; else a point a model."""
    methods = dict.fromkeys(row["method"] for row in rows)
    title = f"Win rate against {rows[0]['against']} by {rows[0]['judge']}, a machine"
    if any(len({row["parameters"] for row in rows if row["method"] == method}) > 1 for method in methods):
        of = {
            method: sorted(((row["parameters"], row["rate"]) for row in rows if row["method"] == method), key=_size)
            for method in methods
        }
        by_size(axes, dict(of))
        axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle="--")
        axes.set(title=title, ylabel="won", ylim=(0, 1))
        return
    for place, row in enumerate(rows):
        rate = row["rate"]
        low, high = (rate["value"], rate["value"]) if rate["low"] is None else (rate["low"], rate["high"])
        spread = [[max(0.0, rate["value"] - low)], [max(0.0, high - rate["value"])]]
        axes.errorbar([rate["value"]], [place], xerr=spread, fmt="o", color=SERIES[0], capsize=2)
    axes.axvline(0.5, color=MUTED, linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(rows)), [row["model"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.set(title=title, xlabel="won", xlim=(0, 1))


def _size(point: tuple[int, Any]) -> int:
    return point[0]


def _incorrect(axes: Any, rows: list[dict[str, Any]]) -> None:
    """GPT-4, figure 9: incorrect behaviour by kind of prompt."""
    for number, kind in enumerate(("disallowed", "safe")):
        there = [(place, row[kind]["incorrect"]) for place, row in enumerate(rows) if row[kind]["incorrect"]["of"]]
        spread = [
            [max(0.0, of["value"] - of["low"]) if of["low"] is not None else 0.0 for _, of in there],
            [max(0.0, of["high"] - of["value"]) if of["high"] is not None else 0.0 for _, of in there],
        ]
        axes.bar(
            [place + 0.38 * (number - 0.5) for place, _ in there], [of["value"] for _, of in there], 0.36,
            yerr=spread, color=SERIES[number], ecolor=MUTED, capsize=2,
            label={"disallowed": "disallowed: complied", "safe": "safe: refused"}[kind],
        )  # fmt: skip
    axes.set_xticks(range(len(rows)), [f"{row['model']}, {row['judge']}" for row in rows])
    axes.grid(axis="x", visible=False)
    axes.set(title="Incorrect behaviour", ylabel="of answers", ylim=(0, 1))
    axes.figure.legend(loc="outside upper right", ncols=2)


def _steered(axes: Any, rows: list[dict[str, Any]]) -> None:
    for number, row in enumerate(rows):
        axes.plot(
            range(1, len(row["turns"]) + 1), [of["value"] for of in row["turns"]], marker="o", markersize=3.5,
            color=SERIES[number % len(SERIES)], label=row["model"],
        )  # fmt: skip
    axes.set_xticks(range(1, max(len(row["turns"]) for row in rows) + 1))
    axes.set(title="System message obeyed, by turn", xlabel="turn of the user", ylabel="of answers", ylim=(0, 1))
    axes.figure.legend(loc="outside upper right", ncols=3)


ALIGNMENT = Section("alignment", "Alignment", gather, figures=figures, lines=lines)
