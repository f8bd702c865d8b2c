"""`render`: the report as one self-contained HTML file, with the run's timings. No script, no link to elsewhere.

Texts of documents are hostile input: Jinja escapes everything but our own figures. Imports nothing heavy.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.models.energy import BESIDE
from tasks.report import changes, lineage
from tasks.report.figures import file_name
from tasks.report.fit import Drawn, fitted
from tasks.report.formats import number, ratio, score, share, size
from tasks.report.lineage import Node
from tasks.report.palette import VARIABLES
from tasks.report.report import figures_in
from tasks.report.rows import HEADING as READING
from tasks.report.rows import NAME as ROWS
from tasks.report.rows import behind, reader
from tasks.report.sections import SECTIONS
from tasks.report.timings import HEADING, NAME, Timing, sums, times
from tasks.runtime.artifact import Artifact
from tasks.runtime.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "html"
TILES = 8  # at the head
WRAP, REACHED = '<div class="wrap">', '<div class="wrap" tabindex="0">'  # what scrolls is reached by keyboard
TOLD = re.compile(r"<dc:description>(.*?)</dc:description>", re.DOTALL)
KEY = re.compile(r'(\bid="|url\(#|xlink:href="#|(?<=\s)href="#)')


def render(
    report: Artifact, timings: list[Timing], nodes: Sequence[Node] = (), before: changes.Before | None = None
) -> str:
    """The page of a built report, with the timings of the run that shows it, its artifacts (`nodes`), and the report
    before it, to be compared with."""
    from markupsafe import Markup

    content, svgs = figures_in(report)
    made = environment()
    rows = {section.name: behind(section.name, nodes) for section in SECTIONS}

    def figure_of(section: str) -> Callable[[str], Markup]:
        led = f'<figcaption><a href="#rows-{section}">rows</a></figcaption>' if rows[section] else ""

        def figure(of: str) -> Markup:
            file = file_name(section, of)
            return Markup(f"<figure>{inline(svgs[file], file)}{led}</figure>" if file in svgs else "")

        return figure

    shown = [section for section in SECTIONS if section.name in content["sections"]]
    headings = {section.name: section.heading for section in shown}
    spent = {timing.name: timing.energy for timing in timings if timing.energy is not None}
    sections = []
    for section in shown:
        what = {"s": content["sections"][section.name], "spent": spent, "figure": figure_of(section.name)}
        one = drawn(made, section.name, section.heading, **what)
        if rows[section.name]:
            more = drawn(made, "behind", "", section=section.name, behind=rows[section.name])
            one = replace(one, html=one.html + more.html)
        sections.append(one)
    if before is not None:
        found = changes.changes(before.content, content)
        sections.append(drawn(made, changes.NAME, changes.HEADING, before=before, changes=found))
    if plan := lineage.drawing(nodes):
        told: dict[str, Any] = {"drawing": plan, "nodes": nodes, "store": report.store.url, "shown": headings}
        sections.append(drawn(made, lineage.NAME, lineage.HEADING, **told))
    if any(rows.values()):
        sections.append(drawn(made, ROWS, READING, reader=reader(report.store.url)))
    total = sum(timing.seconds or 0 for timing in timings)
    sections.append(drawn(made, NAME, HEADING, timings=timings, total=total, planned=sums(timings), times=times))
    return made.get_template("page.html.j2").render(
        title=content["title"],
        overview=[Markup(inline(svgs[name], name)) for name in content["overview"]],
        tiles=[tile for section in shown for tile in section.tiles(content["sections"][section.name])][:TILES],
        sections=fitted(sections),
        fingerprint=report.fingerprint,
    )


def environment() -> "Environment":
    """The templates: everything that is not our own markup is escaped, and what hides in a text is spelt out."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(n=number, size=size, share=share, score=score)
    made.globals.update(ratio=ratio, beside=BESIDE)
    return made


def drawn(made: "Environment", name: str, heading: str, **what: Any) -> Drawn:
    """A section by its template."""
    from markupsafe import Markup

    html = made.get_template(f"{name}.html.j2").render(**what)
    return Drawn(name, heading, Markup(html.replace(WRAP, REACHED)))


def inline(svg: str, name: str) -> str:
    """A figure as it stands in the page: ids of its own, the page's colours, no prolog, and what it shows in words."""
    start = svg.index("<svg")
    told = TOLD.search(svg)
    words = visible(" ".join(told[1].split())).replace('"', "&quot;") if told else f"figure {name}"
    svg = re.sub(r"<metadata>.*?</metadata>", "", visible(svg[start:]), flags=re.DOTALL)
    svg = KEY.sub(lambda key: f"{key[0]}{name}-", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    return svg.replace("<svg", f'<svg role="img" data-figure="{name}" aria-label="{words}"', 1)
