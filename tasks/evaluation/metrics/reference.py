"""The table of docs/metrics.md, from the code: `python -m tasks.evaluation.metrics.reference` writes it."""

import re
from collections.abc import Iterator
from pathlib import Path

from conf.reference import escaped
from tasks.evaluation.metrics import METRICS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"
OF = {"choice": "choice, rest", "cloze": "cloze", "free": "free", "program": "free, with `programs: true`"}
PLACE = re.compile(r"(<!-- table metrics -->\n).*?(<!-- end metrics -->)", re.DOTALL)


def rows() -> Iterator[str]:
    """A row a metric."""
    yield "| metric | of tasks of form | | interval |\n|---|---|---|---|"
    for name, metric in METRICS.items():
        over = "of the items' values" if metric.corpus is None else "of the number over all items"
        yield f"| `{name}` | {OF[metric.of]} | {escaped(metric.meaning)} | {over} |"


def filled(page: str) -> str:
    """The page with its table as the code has it."""
    table = "\n".join(rows()).replace("\\", r"\\")
    page, count = PLACE.subn(rf"\1{table}\n\2", page)
    assert count == 1, f"{PAGE} has {count} places for the table"
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
