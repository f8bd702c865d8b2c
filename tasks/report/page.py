"""`render`: the report as one self-contained HTML file, with the run's timings. No script, no link to elsewhere.

Texts of documents are hostile input: Jinja escapes everything but our own figures. Imports nothing heavy.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.models.energy import BESIDE
from tasks.report.figures import file_name
from tasks.report.formats import number, ratio, score, share, size
from tasks.report.palette import VARIABLES
from tasks.report.report import figures_in
from tasks.report.sections import SECTIONS
from tasks.report.timings import HEADING, NAME, Timing, sums, times
from tasks.runtime.artifact import Artifact

TEMPLATES = Path(__file__).parent / "html"
KEY = re.compile(r'(\bid="|url\(#|xlink:href="#|(?<=\s)href="#)')


@dataclass(frozen=True)
class Drawn:
    """A section as the page's frame takes it: `html` is safe, its texts are escaped."""

    name: str
    heading: str
    html: str


def render(report: Artifact, timings: list[Timing]) -> str:
    """The page of a built report, with the timings of the run that shows it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    content, svgs = figures_in(report)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
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
        return Drawn(name, heading, Markup(html))

    shown = [section for section in SECTIONS if section.name in content["sections"]]
    spent = {timing.name: timing.energy for timing in timings if timing.energy is not None}
    total = sum(timing.seconds or 0 for timing in timings)
    return environment.get_template("page.html.j2").render(
        title=content["title"],
        tiles=[tile for section in shown for tile in section.tiles(content["sections"][section.name])],
        sections=[
            *(
                drawn(section.name, section.heading, s=content["sections"][section.name], spent=spent)
                for section in shown
            ),
            drawn(NAME, HEADING, timings=timings, total=total, planned=sums(timings), times=times),
        ],
        fingerprint=report.fingerprint,
    )


def inline(svg: str, name: str) -> str:
    """A figure as it stands in the page: ids of its own, the page's colours, no prolog, a name for screen readers."""
    start = svg.index("<svg")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[start:], flags=re.DOTALL)
    svg = KEY.sub(lambda key: f"{key[0]}{name}-", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    return svg.replace("<svg", f'<svg role="img" aria-label="figure {name}"', 1)
