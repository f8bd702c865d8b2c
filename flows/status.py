"""`millrace status`: each stage of the DAG as it lies on disk, as a table or as JSON."""

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.state import Past, State, state
from tasks.runtime.run import Run

VERSION = 1  # of the JSON
STYLES = {"done": "green", "partial": "yellow", "to do": ""}


def show(console: Console, run: Run, as_json: bool = False) -> None:
    """A row a stage, and the counts; or the same as one JSON object on standard output."""
    if as_json:
        print(json.dumps(told(run), ensure_ascii=False, indent=1))
        return
    table = Table("stage", "name", "state", "why", box=None, pad_edge=False)
    counts: dict[str, int] = dict.fromkeys(STYLES, 0)
    past = Past(run.store)
    for artifact in run.artifacts:
        now = state(artifact, past)
        counts[now.word] += 1
        table.add_row(artifact.stage, artifact.name, f"[{STYLES[now.word] or 'none'}]{word(now)}[/]", now.why)
    console.print(table)
    console.print(", ".join(f"{count} {word}" for word, count in counts.items()), highlight=False)


def told(run: Run) -> dict[str, Any]:
    """The same as an object: `version` grows when a key changes its meaning or goes."""
    past = Past(run.store)
    states = [(artifact, state(artifact, past)) for artifact in run.artifacts]
    return {
        "version": VERSION,
        "store": run.store.url,
        "counts": {word: sum(now.word == word for _, now in states) for word in STYLES},
        "stages": [
            {
                "stage": artifact.stage,
                "name": artifact.name,
                "fingerprint": artifact.fingerprint,
                "state": now.word,
                "why": now.why,
                "shards": None if now.total is None else {"done": now.done, "total": now.total},
                "bytes": now.bytes,
                "folder": artifact.where(),
            }
            for artifact, now in states
        ],
    }


def word(now: State) -> str:
    """partial 12/40 where the shards are counted."""
    return f"partial {now.done}/{now.total}" if now.word == "partial" and now.total else now.word
