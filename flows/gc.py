"""`millrace gc`: artifacts that no named pipeline reaches, with their sizes; `--delete` removes them."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from flows.size import size
from tasks.runtime.artifact import MANIFEST
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.runtime.store import Entry, Store

NO_STAGES = ("files", "reports")  # frozen lists of sources, and pages: small, and no artifact's


@dataclass(frozen=True)
class Unreached:
    """An artifact that no pipeline reaches, built or unfinished, and its files."""

    label: str
    entries: tuple[Entry, ...]

    @property
    def bytes(self) -> int:
        return sum(entry.bytes for entry in self.entries)


def collect(console: Console, runs: list[Run], delete: bool, log: Callable[[str], None]) -> None:
    """Print what is not reached from any of the runs (all of one store), and delete it if so asked.

    Raises:
        Mistake: the pipelines name different stores.
    """
    urls = {run.store.url for run in runs}
    if len(urls) > 1:
        raise Mistake(f"the pipelines name different stores ({', '.join(sorted(urls))}); collect one store at a time")
    store = runs[0].store
    gone = unreached(store, {artifact.label for run in runs for artifact in run.artifacts})
    table = Table("stage", "artifact", "files", "size", box=None, pad_edge=False)
    for artifact in gone:
        stage, _, name = artifact.label.partition("/")
        table.add_row(stage, name, f"{len(artifact.entries):,}", size(artifact.bytes))
    if gone:
        console.print(table)
    if delete:
        for artifact in gone:
            remove(store, artifact, log)
    verb = "deleted" if delete else "not reached; `--delete` removes them"
    console.print(f"{len(gone)} artifacts, {size(sum(artifact.bytes for artifact in gone))}: {verb}", highlight=False)


def unreached(store: Store, reached: set[str]) -> list[Unreached]:
    """In the order of labels."""
    files: dict[str, list[Entry]] = {}
    for entry in store.list(""):
        parts = entry.name.split("/")
        if len(parts) > 2 and parts[0] not in NO_STAGES:
            files.setdefault("/".join(parts[:2]), []).append(entry)
    return [Unreached(label, tuple(files[label])) for label in sorted(files) if label not in reached]


def remove(store: Store, artifact: Unreached, log: Callable[[str], None]) -> None:
    """Delete an artifact; its manifest goes first, so that what is left of one half deleted is unfinished work."""
    with store.lease(artifact.label, log):
        store.delete(f"{artifact.label}/{MANIFEST}")
        for entry in artifact.entries:
            store.delete(entry.name)
        store.clear(artifact.label)
