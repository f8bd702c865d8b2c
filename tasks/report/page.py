"""`render`: the report as one self-contained HTML file, with the run's timings. No script, no link to elsewhere.

Texts of documents are hostile input: Jinja escapes everything but our own figures. Imports nothing heavy.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.models.energy import BESIDE
from tasks.report import lineage
from tasks.report.figures import file_name
from tasks.report.formats import number, ratio, score, share, size
from tasks.report.lineage import Node
from tasks.report.palette import VARIABLES
from tasks.report.report import figures_in
from tasks.report.sections import SECTIONS
from tasks.report.timings import HEADING, NAME, Timing
from tasks.runtime.artifact import Artifact
from tasks.runtime.visible import visible

TEMPLATES = Path(__file__).parent / "html"
WRAP, REACHED = '<div class="wrap">', '<div class="wrap" tabindex="0">'  # what scrolls is reached by keyboard
TOLD = re.compile(r"<dc:description>(.*?)</dc:description>", re.DOTALL)
KEY = re.compile(r'(\bid="|url\(#|xlink:href="#|(?<=\s)href="#)')


@dataclass(frozen=True)
class Drawn:
    """A section as the page's frame takes it: `html` is safe, its texts are escaped."""

    name: str
    heading: str
    html: str


def render(report: Artifact, timings: list[Timing], nodes: Sequence[Node] = ()) -> str:
    """The page of a built report, with the timings of the run that shows it, and its artifacts (`nodes`)."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    content, svgs = figures_in(report)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(n=number, size=size, share=share, score=score)
    environment.globals.update(ratio=ratio, beside=BESIDE)

    def drawn(name: str, heading: str, **what: Any) -> Drawn:
        def figure(of: str) -> Markup:
            file = file_name(name, of)
            return Markup(f"<figure>{inline(svgs[file], file)}</figure>" if file in svgs else "")

        html = environment.get_template(f"{name}.html.j2").render(figure=figure, **what)
        return Drawn(name, heading, Markup(html.replace(WRAP, REACHED)))

    shown = [section for section in SECTIONS if section.name in content["sections"]]
    headings = {section.name: section.heading for section in shown}
    spent = {timing.name: timing.energy for timing in timings if timing.energy is not None}
    total = sum(timing.seconds or 0 for timing in timings)
    return environment.get_template("page.html.j2").render(
        title=content["title"],
        overview=[Markup(inline(svgs[name], name)) for name in content["overview"]],
        tiles=[tile for section in shown for tile in section.tiles(content["sections"][section.name])],
        sections=[
            *(
                drawn(section.name, section.heading, s=content["sections"][section.name], spent=spent)
                for section in shown
            ),
            *(
                [drawn(lineage.NAME, lineage.HEADING, drawing=plan, nodes=nodes, store=report.store.url, shown=headings)]
                if (plan := lineage.drawing(nodes))
                else []
            ),
            drawn(NAME, HEADING, timings=timings, total=total),
        ],
        fingerprint=report.fingerprint,
    )


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
    return svg.replace("<svg", f'<svg role="img" aria-label="{words}"', 1)
