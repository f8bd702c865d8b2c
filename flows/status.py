"""`millrace status`: each stage of the DAG as it lies on disk."""

from rich.console import Console
from rich.table import Table

from conf.schema import Pipeline
from flows.state import State, state
from tasks.runtime.store import Artifact

STYLES = {"done": "green", "partial": "yellow", "to do": ""}


def show(console: Console, pipeline: Pipeline, artifacts: list[Artifact]) -> None:
    table = Table("stage", "name", "state", "why", box=None, pad_edge=False)
    counts: dict[str, int] = dict.fromkeys(STYLES, 0)
    for artifact in artifacts:
        now = state(artifact, pipeline.root())
        counts[now.word] += 1
        table.add_row(artifact.stage, artifact.name, f"[{STYLES[now.word] or 'none'}]{word(now)}[/]", now.why)
    console.print(table)
    console.print(", ".join(f"{count} {word}" for word, count in counts.items()), highlight=False)


def word(now: State) -> str:
    """partial 12/40 where the shards are counted."""
    return f"partial {now.done}/{now.total}" if now.word == "partial" and now.total else now.word
