"""The stage `report`: every figure of a run, from manifests and columns. No time of day, no duration: the same bytes
for the same artifacts. `page.render` makes the page of it, together with the run's timings.
"""

import json
from functools import partial
from typing import Any

from tasks.report import overview, sections
from tasks.report.figures import draw, file_name
from tasks.report.given import Declaration, Given
from tasks.report.losses import LOSSES, markdown
from tasks.report.section import Content, Counted, Plot
from tasks.report.summary import summary
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE, SUMMARY = "report.json", "summary.txt"


@statistics
class Reported:
    """Sources, shards, sections, figures, and lines of the summary."""

    sources: int = 0
    shards: int = 0
    sections: int = 0
    figures: int = 0
    lines: int = 0


def losses_in(report: Artifact) -> str:
    """The losses of a built report, in Markdown; nothing where there are none."""
    shown = json.loads(report.read(FILE))["sections"]
    return f"## {LOSSES.heading}\n{markdown(shown[LOSSES.name])}" if LOSSES.name in shown else ""


@stage("report", kind="export", note=losses_in, libraries=("matplotlib", "numpy", "scipy"))
def report(
    job: Job,
    *,
    documents: dict[str, Artifact],
    measures: dict[str, dict[str, Artifact]],
    decisions: dict[str, list[Artifact]],
    others: dict[str, dict[str, Artifact]],
    declarations: dict[str, dict[str, Any]],
    groups: dict[str, str],
    title: str,
) -> Reported:
    """Every figure of the run, figures/*.svg, and a summary in plain text.

    By source: documents; measures, by stage; decisions, in order. `others` are all other artifacts by stage and name,
    `declarations` what the stages declare (given.Declaration, as JSON).
    """
    declared = {name: Declaration.from_json(value) for name, value in declarations.items()}
    in_order = {source: tuple(each) for source, each in decisions.items()}
    given = Given(documents, measures, in_order, others, declared, groups, sections.NAMES)
    shown = sections.shown(given)
    shards = given.shards()
    names = tuple(section.name for section in shown)
    counted: list[dict[str, Any]] = job.engine.map(partial(sections.count, names=names), shards)
    contents: dict[str, Content] = {}
    plots: dict[str, Plot] = {}
    for section in shown:
        parts = [Counted(shard, counts.get(section.name)) for shard, counts in zip(shards, counted, strict=True)]
        content = section.gather(job, given, parts)
        if content is None:
            continue
        contents[section.name] = content
        plots |= {file_name(section.name, name): plot for name, plot in section.figures(content).items()}
    at_the_head = {file_name(overview.NAME, name): plot for name, plot in overview.figures(contents).items()}
    for name, svg in (draw(at_the_head, overview.SIZE) | draw(plots)).items():
        with job.publish(f"figures/{name}.svg") as file:
            file.write(svg)
    told = {"title": title, "sections": contents, "overview": list(at_the_head), "figures": list(plots)}
    lines = summary(told)
    with job.publish(FILE) as file:
        file.write(json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False).encode())
    with job.publish(SUMMARY) as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
    return Reported(len(documents), len(shards), len(contents), len(at_the_head) + len(plots), len(lines))


def summary_of(report: Artifact) -> str:
    """The report in plain text."""
    return report.read(SUMMARY).decode()


def content_of(report: Artifact) -> dict[str, Any]:
    """What report.json holds."""
    return dict(json.loads(report.read(FILE)))


def figures_in(report: Artifact) -> tuple[dict[str, Any], dict[str, str]]:
    """What report.json holds, and each figure's SVG by name."""
    content = content_of(report)
    figures = [*content["overview"], *content["figures"]]
    return content, {name: report.read(f"figures/{name}.svg").decode() for name in figures}
