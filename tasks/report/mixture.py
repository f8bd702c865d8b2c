"""Mixture: by group, what was asked, what the plan computed from it and its bound on epochs, and what the loader gave;
by source, what is drawn and what is held out; and what was read by language and date.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from tasks.models.pretrain import Trained
from tasks.models.pretrain import pretrain as pretrain_stage
from tasks.report import spoken
from tasks.report.formats import number, share
from tasks.report.given import Given
from tasks.report.palette import SERIES
from tasks.report.rungs import rungs_of
from tasks.report.section import Content, Counted, Plot, Section
from tasks.report.spoken import Spoken, text_read
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json
from tasks.tokens.mixture import Mixed
from tasks.tokens.mixture import mixture as mixture_stage


def gather(job: Job, given: Given, counted: list[Counted[Spoken]]) -> Content | None:
    models = given.named(pretrain_stage)
    rungs = rungs_of(given)
    made = {name: mixed for name, mixed in given.named(mixture_stage).items() if name not in rungs}
    mixtures = []
    for name, mixed in made.items():
        told = mixture(name, mixed, models.get(name), given.groups)
        epochs = {row["group"]: row["realised_epochs"] or row["epochs"] for row in told["groups"]}
        by_source = {source: epochs.get(group, 0.0) for source, group in given.groups.items()}
        times = [1, *mixed.manifest["parameters"].get("times", ())]
        mixtures.append(told | text_read(given, counted, by_source, times))
    return {"mixtures": mixtures} if mixtures else None


def mixture(name: str, planned: Artifact, model: Artifact | None, groups: dict[str, str]) -> dict[str, Any]:
    """Shares are of all tokens. Groups come in the order of their sources (`groups`): a manifest keeps none."""
    plan = planned.counts(Mixed)
    realised = model.counts(Trained).realised if model else {}
    given = sum(served.tokens for served in realised.values())
    order = [*groups.values(), *plan.groups]
    rows = []
    for group, planned_share in sorted(plan.groups.items(), key=lambda row: order.index(row[0])):
        served = realised.get(group)
        rows.append(
            {
                "group": group,
                "asked": planned_share.asked,
                "normalised": planned_share.normalised,
                "moved": planned_share.moved,
                "held": planned_share.held,
                "again": planned_share.again,
                "weight": planned_share.weight,
                "tokens": planned_share.tokens,
                "epochs": planned_share.epochs,
                "realised": served.tokens / given if served and given else None,
                "realised_tokens": served.tokens if served else None,
                "realised_epochs": served.epochs if served else None,
            }
        )
    return {
        "model": name,
        "budget": plan.budget,
        "asked_sum": plan.asked_sum,
        "max_epochs": plan.max_epochs,
        "groups": rows,
        "sources": [
            {"source": source, "group": groups[source], **to_json(plan.sources[source])}
            for source in groups
            if source in plan.sources
        ],
        "unvalidated": [
            {"group": group, "needs": needs, "held": plan.groups[group].held - plan.groups[group].again}
            for group, needs in plan.unvalidated.items()
        ],
    }


def lines(content: Content) -> Iterator[str]:
    for mixed in content["mixtures"]:
        for row in mixed["groups"]:
            yield (
                f"Mixture {mixed['model']}: {row['group']:<16} asked {row['asked']:g}, planned {share(row['weight'])}, "
                f"realised {share(row['realised'])}, {number(row['realised_epochs'])} epochs{_moved(mixed, row)}"
            )
        for row in mixed["unvalidated"]:
            yield (
                f"WARNING  {mixed['model']}: {row['group']} is trained on and not validated: of its "
                f"{number(row['held'])} tokens none is held out, it would need about {number(row['needs'])}"
            )


def _moved(mixed: dict[str, Any], row: dict[str, Any]) -> str:
    """What the bound on epochs took from a group, or gave to it."""
    return f" ({row['moved']:+,} tokens by max {mixed['max_epochs']:g} epochs)" if row["moved"] else ""


def figures(content: Content) -> dict[str, Plot]:
    plots: dict[str, Plot] = {}
    for mixed in content["mixtures"]:
        plots |= {mixed["model"]: partial(_shares, mixed=mixed)} | spoken.figures(mixed["model"], mixed)
    return plots


def _shares(axes: Any, mixed: dict[str, Any]) -> None:
    rows = mixed["groups"]
    bars: list[tuple[str, list[float], str]] = [
        ("asked", [row["normalised"] for row in rows], SERIES[1]),
        ("planned", [row["tokens"] / (mixed["budget"] or 1) for row in rows], SERIES[2]),
        ("realised", [row["realised"] or 0.0 for row in rows], SERIES[0]),
    ]
    for place, (label, values, colour) in enumerate(bars):
        axes.barh([row + 0.27 * (place - 1) for row in range(len(rows))], values, 0.24, color=colour, label=label)
    axes.set_yticks(range(len(rows)), [row["group"] for row in rows])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set(title=f"Mixture of {mixed['model']}", xlabel="share of the tokens")
    axes.figure.legend(loc="outside upper right", ncols=3)


MIXTURE = Section("mixture", "Mixture", gather, spoken.count, figures, lines)
