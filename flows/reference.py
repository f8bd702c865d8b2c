"""docs/stages.md, from what the stages declare: `python -m flows.reference` writes it, a test holds it up to date."""

from collections.abc import Iterator
from pathlib import Path

from conf.load import load
from conf.reference import escaped
from flows import dag
from tasks.runtime.run import Run
from tasks.runtime.stage import Stage

PAGE = Path(__file__).resolve().parents[1] / "docs" / "stages.md"
HEAD = """# The stages

In the order of the DAG, as `conf/demo.yaml` has them. An *input* brings something in, a *fit* makes one thing from a
sample, a *measure* reads text and writes what is true of each row, a *decision* reads measures and earlier decisions
and no text, an *export* writes out the corpus or what was learned of it. `millrace explain` tells one document's fate
by these columns, the report's funnel by these reasons.

This page is made from the stages' declarations by `python -m flows.reference`; [Add a measure](add-a-measure.md) says
how to write one.
"""


def page() -> str:
    """The whole page, as Markdown."""
    run = Run(Path("absent"), None)
    dag.crawl_to_model(run, load("demo"))
    return "\n".join([HEAD, *(part for what in run.stages.values() for part in _stage(what))])


def _stage(what: Stage) -> Iterator[str]:
    yield f"## {what.name}\n\n*{what.kind}*: {what.purpose}\n"
    if what.columns:
        yield "| column | type | |\n|---|---|---|"
        for column in what.columns:
            yield f"| `{column.name}` | {column.type or 'as its parameters say'} | {escaped(column.meaning)} |"
        yield ""
    if what.reasons:
        yield "| reason | |\n|---|---|"
        yield from (f"| `{reason}` | {escaped(meaning)} |" for reason, meaning in what.reasons.items())
        yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
