"""What changed since the run before: numbers of two reports of one title that are not the same, by section."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.report.sections import SECTIONS

NAME, HEADING = "changes", "Since the run before"
SHOWN = 12  # of a section
# What a row of a list is called by; lists whose rows have none of these are curves, bins or examples.
NAMES = ("source", "model", "group", "stage", "step", "benchmark", "task", "text", "reason", "language", "year", "name")
SKIPPED = ("shown", "left", "stayed", "documents_drawn", "largest")  # examples of documents


@dataclass(frozen=True)
class Before:
    """The report before: what it held, its fingerprint, and when it was made (in words, "" where nobody wrote it)."""

    content: Mapping[str, Any]
    fingerprint: str
    when: str


@dataclass(frozen=True)
class Change:
    """A number then and now; None where it was not there."""

    what: str
    before: float | None
    after: float | None

    @property
    def by(self) -> str:
        """How much, in per cent of what it was."""
        if not self.before or self.after is None:
            return "new" if self.before is None else "gone" if self.after is None else ""
        return f"{100 * (self.after - self.before) / abs(self.before):+.1f} %"


@dataclass(frozen=True)
class Changed:
    """A section's changes, the first of them, and how many more there are."""

    name: str
    heading: str
    shown: list[Change]
    more: int


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Changed]:
    """Of two reports' contents (report.json), in the order of the page; sections without changes are left out."""
    found = []
    for section in SECTIONS:
        old, new = (dict(_numbers((), of.get("sections", {}).get(section.name))) for of in (before, after))
        rows = [
            Change(", ".join(path), old.get(path), new.get(path))
            for path in dict.fromkeys([*new, *old])
            if old.get(path) != new.get(path)
        ]
        if rows:
            found.append(Changed(section.name, section.heading, rows[:SHOWN], max(0, len(rows) - SHOWN)))
    return found


def _numbers(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], float]]:
    """The numbers in a section's content, each by the names on the way to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in SKIPPED:
                yield from _numbers((*path, str(key)), inner)
    elif isinstance(value, list):
        for inner in value:
            name = next((inner[key] for key in NAMES if key in inner), None) if isinstance(inner, dict) else None
            if name is not None:
                yield from _numbers((*path[:-1], str(name)), inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value
