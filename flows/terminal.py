"""Who watches a run from the terminal: bars on a tty, plain lines elsewhere."""

import os
import time
from typing import Any

from rich.console import Console

from flows.pace import Pace
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Reporter
from tasks.runtime.visible import visible

EVERY = 10.0  # seconds between two plain lines of one stage


def reporter(console: Console, workers: int | None = None) -> "Watcher":
    """`workers`: processes of the run; as many as there are cores if None."""
    workers = workers or len(os.sched_getaffinity(0))
    return Bars(console, workers) if console.is_terminal else Watcher(console, workers)


def how_fast(pace: Pace, seconds: float) -> str:
    """`1,200 documents/s, 3 min left`: what of that is known, as of now."""
    documents, left = pace.documents_a_second(), pace.left(seconds)
    parts = []
    if documents:
        parts.append(f"{documents:,.0f} documents/s" if documents >= 10 else f"{documents:.1f} documents/s")
    if left is not None:
        parts.append(f"{left:,.0f} s left" if left < 120 else f"{left / 60:,.0f} min left")
    return ", ".join(parts)


def how_compiled(done: int, total: int, seconds: float) -> str | None:
    """A line as compiling begins, and one when all that is wanted so far is compiled; None between."""
    if done == 0:
        return f"compiling kernels, once on this machine: {total} modules; a stage waits for its own"
    return f"kernels compiled: {total} modules, {seconds:.1f} s" if done == total else None


class Watcher(Reporter):
    """Plain lines: one per finished stage, and one every ten seconds of a long one."""

    def __init__(self, console: Console, workers: int):
        self.console, self.workers = console, workers
        self.paces: dict[Artifact, Pace] = {}
        self.told_at = 0.0
        self.cached = self.fresh = 0

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *_: object) -> None: ...

    def started(self, artifact: Artifact) -> None:
        self.paces[artifact] = Pace(self.workers)
        self.told_at = time.monotonic()

    def progress(self, artifact: Artifact, done: int, total: int, documents: int) -> None:
        now = time.monotonic()
        pace = self.paces[artifact]
        pace.mark(now, done, total, documents)
        if now - self.told_at < EVERY:
            return
        self.told_at = now
        self._say(artifact, ", ".join(part for part in (f"{done:,} of {total:,}", how_fast(pace, now)) if part))

    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
        self.cached += cached
        self.fresh += not cached
        self._say(artifact, "cached" if cached else f"fresh, {seconds:.1f} s")

    def compiling(self, done: int, total: int, seconds: float) -> None:
        if (text := how_compiled(done, total, seconds)) is not None:
            self.log(text)

    def log(self, text: str) -> None:
        self.console.print(f"  {visible(text)}", style="dim", markup=False, highlight=False, soft_wrap=True)

    def _say(self, artifact: Artifact, text: str) -> None:
        line = visible(f"{artifact.stage:<13} {artifact.name:<20} {text}")
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


class Bars(Watcher):
    """A bar for the stage at work: shards done, documents/s, time left; finished stages scroll away above it."""

    def __init__(self, console: Console, workers: int):
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        super().__init__(console, workers)
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            console=console,
            transient=True,
        )
        self.bar_ids: dict[Artifact, Any] = {}
        self.compiling_id: Any = None

    def __enter__(self) -> "Watcher":
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def started(self, artifact: Artifact) -> None:
        super().started(artifact)
        self.bar_ids[artifact] = self.bars.add_task(f"{artifact.stage:<13} {artifact.name:<20}", total=None, pace="")

    def progress(self, artifact: Artifact, done: int, total: int, documents: int) -> None:
        now, pace = time.monotonic(), self.paces[artifact]
        pace.mark(now, done, total, documents)
        self.bars.update(self.bar_ids[artifact], completed=done, total=total, pace=how_fast(pace, now))

    def compiling(self, done: int, total: int, seconds: float) -> None:
        if self.compiling_id is None:
            self.compiling_id = self.bars.add_task(f"{'compiling kernels':<34}", total=total, pace="once")
        self.bars.update(self.compiling_id, completed=done, total=total, pace=f"once, {seconds:,.0f} s so far")
        if done == total:
            self.bars.remove_task(self.compiling_id)
            self.compiling_id = None
            super().compiling(done, total, seconds)

    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
        if artifact in self.bar_ids:
            self.bars.remove_task(self.bar_ids.pop(artifact))
        super().finished(artifact, cached, seconds)
