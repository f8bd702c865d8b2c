"""A page stays below a size whatever the run: where its sections are too much, long tables and rows of figures are cut.

What is left out is said where it was, and stands whole in the report's artifact (its contents, and figures/).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

LIMIT = 4_500_000  # bytes of the sections together; with frame and overview a page stays below 5 MB
STEPS = ((400, 60), (150, 30), (60, 12), (25, 6), (10, 2))  # (rows of a table, figures of a section) to try in turn
TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
FIGURE = re.compile(r"<figure>.*?</figure>", re.DOTALL)


@dataclass(frozen=True)
class Drawn:
    """A section as the page's frame takes it: `html` is safe, its texts are escaped."""

    name: str
    heading: str
    html: str


def fitted(sections: Sequence[Drawn], limit: int = LIMIT) -> list[Drawn]:
    """The sections, the largest cut as far as it takes."""
    sections = list(sections)
    for rows, figures in STEPS:
        if sum(_bytes(section) for section in sections) <= limit:
            break
        share = limit / len(sections)
        sections = [_cut(section, rows, figures) if _bytes(section) > share else section for section in sections]
    return sections


def _bytes(section: Drawn) -> int:
    return len(section.html.encode())


def _cut(section: Drawn, rows: int, figures: int) -> Drawn:
    from markupsafe import Markup

    met = 0

    def figure(found: re.Match[str]) -> str:
        nonlocal met
        met += 1
        if met == figures + 1:
            return '<p class="note">More figures are in figures/ of the report\'s artifact.</p>'
        return found[0] if met <= figures else ""

    def table(found: re.Match[str]) -> str:
        parts = found[0].removesuffix("</table>").split("\n<tr")
        if len(parts) <= rows + 1:
            return found[0]
        told = f"{len(parts) - rows - 1:,} more rows are in the artifact of the report"
        more = f'\n<tr><td colspan="99">{told}</td></tr>'
        return "\n<tr".join(parts[: rows + 1]) + more + "\n</table>"

    return replace(section, html=Markup(TABLE.sub(table, FIGURE.sub(figure, section.html))))
