"""Mixture: by group, what was asked, what the plan computed from it, and what the loader gave."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from tasks.models.pretrain import Trained
from tasks.models.pretrain import pretrain as pretrain_stage
from tasks.report.formats import number, share
from tasks.report.given import Given
from tasks.report.palette import SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.tokens.mixture import Mixed
from tasks.tokens.mixture import mixture as mixture_stage


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    models = given.named(pretrain_stage)
    groups = list(dict.fromkeys(given.groups.values()))
    mixtures = [mixture(name, mixed, models.get(name), groups) for name, mixed in given.named(mixture_stage).items()]
    return {"mixtures": mixtures} if mixtures else None


def mixture(name: str, planned: Artifact, model: Artifact | None, order: list[str]) -> dict[str, Any]:
    """Shares are of all tokens. Groups come in the order of their sources: a manifest keeps none."""
    plan = planned.counts(Mixed)
    realised = model.counts(Trained).realised if model else {}
    given = sum(served.tokens for served in realised.values())
    order = [*order, *plan.groups]
    rows = []
    for group, planned_share in sorted(plan.groups.items(), key=lambda row: order.index(row[0])):
        served = realised.get(group)
        rows.append(
            {
                "group": group,
                "asked": planned_share.asked,
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
    return {"model": name, "budget": plan.budget, "asked_sum": plan.asked_sum, "groups": rows}


def lines(content: Content) -> Iterator[str]:
    for mixed in content["mixtures"]:
        for row in mixed["groups"]:
            yield (
                f"Mixture {mixed['model']}: {row['group']:<16} asked {row['asked']:g}, planned {share(row['weight'])}, "
                f"realised {share(row['realised'])}, {number(row['realised_epochs'])} epochs"
            )


def figures(content: Content) -> dict[str, Plot]:
    return {mixed["model"]: partial(_shares, mixed=mixed) for mixed in content["mixtures"]}


def _shares(axes: Any, mixed: dict[str, Any]) -> None:
    rows = mixed["groups"]
    total = sum(row["asked"] for row in rows) or 1
    bars: list[tuple[str, list[float], str]] = [
        ("asked", [row["asked"] / total for row in rows], SERIES[1]),
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


MIXTURE = Section("mixture", "Mixture", gather, figures=figures, lines=lines)
