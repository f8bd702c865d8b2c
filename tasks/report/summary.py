"""The report in plain text, for the terminal: what each section says of itself, in at most 60 lines."""

from typing import Any

from tasks.report.sections import SECTIONS

LINES = 60


def summary(report: dict[str, Any]) -> list[str]:
    """Lines without colours, of what report.json holds. Where they are more than 60, the rest is on the page."""
    lines = [report["title"]]
    for section in SECTIONS:
        if section.name in report["sections"]:
            told = list(section.lines(report["sections"][section.name]))
            lines += ["", *told] if told else []
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], f"... and {len(lines) - LINES + 1} more lines: see the page"]
    return [_plain(line).rstrip() for line in lines]


def _plain(line: str) -> str:
    """Names come from files: nothing that a terminal would act on."""
    return "".join(c if c.isprintable() else "?" for c in line)
