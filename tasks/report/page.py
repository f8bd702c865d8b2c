"""`render`: the report as one self-contained HTML file, with the run's timings. No script, no link to elsewhere.

Texts of documents are hostile input: Jinja escapes everything but our own figures. Imports nothing heavy.
"""

import json
import re
from pathlib import Path
from typing import Any

from tasks.report.palette import VARIABLES
from tasks.report.summary import number, ratio, share, size
from tasks.runtime.store import Artifact

NAMES = {
    "ingest": "ingested",
    "keep": "after quality",
    "survivors": "after deduplication",
    "cuts": "after decontamination",
    "tokens": "as tokens",
}
KEY = re.compile(r'(\bid="|url\(#|xlink:href="#|(?<=\s)href="#)')


def render(report: Artifact, timings: list[dict[str, Any]]) -> str:
    """report.html of a built report. `timings` are rows {stage, name, fingerprint, cached, seconds, peak_bytes}.

    `seconds` and `peak_bytes` may be None, as for a stage that was only looked at.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    made = json.loads((report.folder / "report.json").read_bytes())
    figures = {
        name: Markup(inline((report.folder / "figures" / f"{name}.svg").read_text(), name)) for name in made["figures"]
    }
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(n=number, size=size, share=share)
    environment.globals.update(ratio=ratio, names=NAMES)
    total = sum(row["seconds"] or 0 for row in timings)
    return environment.get_template("page.html.j2").render(
        r=made, figures=figures, timings=timings, total=total, fingerprint=report.fingerprint
    )


def inline(svg: str, name: str) -> str:
    """A figure as it stands in the page: ids of its own, the page's colours, no prolog, a name for screen readers."""
    start = svg.index("<svg")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[start:], flags=re.DOTALL)
    svg = KEY.sub(lambda found: f"{found[0]}{name}-", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    return svg.replace("<svg", f'<svg role="img" aria-label="figure {name}"', 1)
