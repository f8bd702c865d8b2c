"""Who watches a run from the terminal: bars on a tty, plain lines elsewhere."""

import time
from typing import Any

from rich.console import Console

from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Reporter

EVERY = 10.0  # seconds between two plain lines of one stage


def reporter(console: Console) -> "Watcher":
    return Bars(console) if console.is_terminal else Watcher(console)


def rate(documents: int, seconds: float) -> str:
    """Documents a second; nothing where a stage counts none."""
    if not documents or seconds <= 0:
        return ""
    pace = documents / seconds
    return f"{pace:,.0f} documents/s" if pace >= 10 else f"{pace:.1f} documents/s"


def left(done: int, total: int, seconds: float) -> str:
    """The time left if what remains goes as fast as what is done."""
    if not done or done >= total:
        return ""
    remaining = seconds * (total - done) / done
    return f"{remaining:,.0f} s left" if remaining < 120 else f"{remaining / 60:,.0f} min left"


class Watcher(Reporter):
    """Plain lines: one per finished stage, and one every ten seconds of a long one."""

    def __init__(self, console: Console):
        self.console = console
        self.begun: dict[Artifact, float] = {}
        self.told_at = 0.0
        self.cached = self.fresh = 0

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *_: object) -> None: ...

    def started(self, artifact: Artifact) -> None:
        self.begun[artifact] = self.told_at = time.monotonic()

    def progress(self, artifact: Artifact, done: int, total: int, documents: int) -> None:
        now = time.monotonic()
        if now - self.told_at < EVERY:
            return
        self.told_at = now
        seconds = now - self.begun.get(artifact, now)
        parts = [f"{done:,} of {total:,}", rate(documents, seconds), left(done, total, seconds)]
        self._say(artifact, ", ".join(part for part in parts if part))

    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
        self.cached += cached
        self.fresh += not cached
        self._say(artifact, "cached" if cached else f"fresh, {seconds:.1f} s")

    def log(self, text: str) -> None:
        self.console.print(f"  {text}", style="dim", markup=False, highlight=False, soft_wrap=True)

    def _say(self, artifact: Artifact, text: str) -> None:
        line = f"{artifact.stage:<13} {artifact.name:<20} {text}"
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


class Bars(Watcher):
    """A bar for the stage at work: shards done, documents/s, time left; finished stages scroll away above it."""

    def __init__(self, console: Console):
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        super().__init__(console)
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            console=console,
            transient=True,
        )
        self.bar_ids: dict[Artifact, Any] = {}

    def __enter__(self) -> "Watcher":
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def started(self, artifact: Artifact) -> None:
        super().started(artifact)
        self.bar_ids[artifact] = self.bars.add_task(f"{artifact.stage:<13} {artifact.name:<20}", total=None, pace="")

    def progress(self, artifact: Artifact, done: int, total: int, documents: int) -> None:
        seconds = time.monotonic() - self.begun[artifact]
        pace = "  ".join(part for part in (rate(documents, seconds), left(done, total, seconds)) if part)
        self.bars.update(self.bar_ids[artifact], completed=done, total=total, pace=pace)

    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
        if artifact in self.bar_ids:
            self.bars.remove_task(self.bar_ids.pop(artifact))
        super().finished(artifact, cached, seconds)
