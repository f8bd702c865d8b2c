"""The tables of docs/ingest.md, from the code: `python -m tasks.sources.reference` writes them into the page.

Each stands between two comments that name it; what is outside of them is written by hand.
"""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from conf.reference import escaped
from conf.sources import Limits
from tasks.sources.documents import READERS
from tasks.sources.rejects import KINDS
from tasks.sources.remote.outages import KINDS as OUTAGES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ingest.md"
COUNTED = {"damage": "damaged", "loss": "lost although it had a body", "policy": "not wanted"}


def kinds() -> Iterator[str]:
    """A row a kind of source: what its reader says of itself."""
    yield "| kind | what a document is |\n|---|---|"
    for kind, reader in READERS.items():
        first = (sys.modules[reader.__module__].__doc__ or "").split("\n\n")[0].replace("\n", " ")
        yield f"| `{kind}` | {escaped(first.removeprefix(f'Reader of `kind: {kind}`: '))} |"


def refused() -> Iterator[str]:
    """A row a reason."""
    yield "| reason | counts as | |\n|---|---|---|"
    for kind, reasons in KINDS.items():
        yield from (f"| `{reason}` | {COUNTED[kind]} | {escaped(text)} |" for reason, text in sorted(reasons.items()))


def limits() -> Iterator[str]:
    """A row a limit."""
    yield "| limit | default | |\n|---|---|---|"
    for name, field in Limits.model_fields.items():
        yield f"| `{name}` | {field.default:,} | {escaped(field.description or '')} |"


def outages() -> Iterator[str]:
    """A row a kind of outage."""
    yield "| what is told | tried | what helps |\n|---|---|---|"
    for kind in OUTAGES.values():
        yield f"| {escaped(kind.says)} | {kind.attempts} | {escaped(kind.remedy)} |"


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "kinds": kinds,
    "refused": refused,
    "limits": limits,
    "outages": outages,
}


def filled(page: str) -> str:
    """The page with its tables as the code has them.

    Raises:
        ValueError: a table has no place in the page.
    """
    for name, rows in TABLES.items():
        place = re.compile(f"(<!-- table {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        table = "\n".join(rows()).replace("\\", r"\\")  # what stands behind a backslash is the table's own
        page, count = place.subn(rf"\1{table}\n\2", page)
        if count != 1:
            raise ValueError(f"{PAGE.name} has {count} places for the table {name!r}, not one")
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
