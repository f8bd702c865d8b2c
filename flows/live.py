"""The report's page while a run is going: a reporter that stands before another and writes where the run is.

A thread of its own writes, so no stage waits for it; it reads manifests and never an artifact's other files. Nothing is
written for a run that finds everything there.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from conf.title import file_name
from flows.pace import Pace
from flows.terminal import how_fast
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Reporter
from tasks.runtime.run import Run
from tasks.runtime.store import write

EVERY = 2.0  # seconds between two writings, at least: one takes 0.05 s of a core
BEAT = 30.0  # seconds after which the page is written though nothing happened (live.SILENCE has it twice over)


class Live(Reporter):
    """See the module's head. `of` says which run is told of, and its page."""

    def __init__(self, watcher: Reporter):
        self.watcher = watcher
        self._changed = threading.Condition()
        self._began: dict[str, float] = {}  # by label, of the stages at work: seconds since 1970
        self._far: dict[str, tuple[int, int]] = {}  # units done, and all of them
        self._paces: dict[str, Pace] = {}
        self.workers = 1  # of the run
        self._states: dict[str, str] = {}
        self._news = self._over = self._broken = False

    def started(self, artifact: Artifact) -> None:
        with self._changed:
            self._began[artifact.label] = time.time()
            self._states[artifact.label] = "running"
            self._tell()
        self.watcher.started(artifact)

    def progress(self, artifact: Artifact, done: int, total: int, documents: int) -> None:
        with self._changed:
            self._far[artifact.label] = (done, total)
            pace = self._paces.setdefault(artifact.label, Pace(self.workers))
            pace.mark(time.monotonic(), done, total, documents)
            self._tell()
        self.watcher.progress(artifact, done, total, documents)

    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
        with self._changed:
            self._began.pop(artifact.label, None)
            self._far.pop(artifact.label, None)
            self._paces.pop(artifact.label, None)
            self._states[artifact.label] = "cached" if cached else "built"
            self._tell()
        self.watcher.finished(artifact, cached, seconds)

    def compiling(self, done: int, total: int, seconds: float) -> None:
        self.watcher.compiling(done, total, seconds)

    def log(self, text: str) -> None:
        self.watcher.log(text)

    def _tell(self) -> None:
        """The lock is held."""
        self._news = True
        self._changed.notify_all()

    @contextmanager
    def of(self, run: Run, title: str) -> Iterator[None]:
        """While the block runs its page tells where it is; of a block that raises, what ended it."""
        began = time.time()
        self.workers = run.engine.workers if run.engine is not None else 1
        writer = threading.Thread(target=self._write_on, args=(run, title, began), name="page", daemon=True)
        writer.start()
        error: BaseException | None = None
        try:
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()
            writer.join()
            if error is not None and self._states:
                self._write(run, title, began, f"{error}" or type(error).__name__)

    def _write_on(self, run: Run, title: str, began: float) -> None:
        with self._changed:  # what is all there needs no page but the report's
            self._changed.wait_for(lambda: self._began or self._over)
        while not self._over:
            self._write(run, title, began)
            with self._changed:
                self._changed.wait_for(lambda: self._over, EVERY)
                self._changed.wait_for(lambda: self._over or self._news, BEAT - EVERY)

    def _write(self, run: Run, title: str, began: float, error: str | None = None) -> None:
        """Where it cannot be written the run goes on without, and the log says why, once."""
        from tasks.report import live
        from tasks.report.lineage import nodes_of

        now = time.time()
        with self._changed:
            self._news = False
            states, begun, far = dict(self._states), dict(self._began), dict(self._far)
            paces = {label: how_fast(pace, time.monotonic()) for label, pace in self._paces.items()}
        if error is not None:
            states |= dict.fromkeys(begun, "stopped")
        doing = []
        for artifact in (artifacts := list(run.artifacts)):
            if error is None and (since := begun.get(artifact.label)):
                done, total = far.get(artifact.label, (0, 0))
                told = paces.get(artifact.label, "")
                doing.append(live.Doing(artifact.stage, artifact.name, now - since, done, total, told))
        nodes = nodes_of(artifacts, stages := dict(run.stages), states, otherwise="to do")
        try:
            page = live.render(live.Standing(title, began, now, doing, error), nodes, stages, run.store.url)
            write(run.store, page_of(title), page.encode(), replace=True)
        except Exception as broken:  # noqa: BLE001 - a page that cannot be written stops no run
            if not self._broken:
                self.log(f"the run's page could not be written ({type(broken).__name__}: {broken}); the run goes on")
            self._broken = True


def page_of(title: str) -> str:
    """Where a pipeline's page is, in its store."""
    return f"reports/{file_name(title)}.html"
