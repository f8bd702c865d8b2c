"""`millrace status`: each stage of the DAG as it lies on disk."""

from rich.console import Console
from rich.table import Table

from flows.state import Past, State, state
from tasks.runtime.run import Run

STYLES = {"done": "green", "partial": "yellow", "to do": ""}


def show(console: Console, run: Run) -> None:
    table = Table("stage", "name", "state", "why", box=None, pad_edge=False)
    counts: dict[str, int] = dict.fromkeys(STYLES, 0)
    past = Past(run.store)
    for artifact in run.artifacts:
        now = state(artifact, past)
        counts[now.word] += 1
        table.add_row(artifact.stage, artifact.name, f"[{STYLES[now.word] or 'none'}]{word(now)}[/]", now.why)
    console.print(table)
    console.print(", ".join(f"{count} {word}" for word, count in counts.items()), highlight=False)


def word(now: State) -> str:
    """partial 12/40 where the shards are counted."""
    return f"partial {now.done}/{now.total}" if now.word == "partial" and now.total else now.word
