"""The kernels of a run, compiled before its stages need them (tasks/kernels/ahead.py): all of them take 45 s of a core.

A stage waits for its own; those of the stages after it are compiled meanwhile. A run whose kernels are all in the cache
sees nothing of this.
"""

import os
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tasks.runtime.errors import Failure
from tasks.runtime.fingerprint import kernels_of
from tasks.runtime.job import Reporter
from tasks.runtime.stage import Stage

if TYPE_CHECKING:
    from tasks.kernels.ahead import Ahead

Asked = tuple[Stage, Mapping[str, Any]]  # a stage and its parameters


class Compiling:
    """Of one run. `workers`: the engine's; kernels are compiled on this machine, in no more processes than cores."""

    def __init__(self, reporter: Reporter, workers: int):
        self.reporter = reporter
        self.workers = min(workers, len(os.sched_getaffinity(0)))
        self._lock = threading.Lock()
        self._ahead: Ahead | None = None
        self._closed = False
        self._told: set[str] = set()  # modules of whose failure the log has a line

    def ready(self, own: list[Asked], later: Iterable[Asked]) -> None:
        """Return when the kernels of `own` are compiled; `later` are stages that the run builds after them.

        Each with its parameters: what they leave idle is not compiled.

        What cannot be compiled here is told in the log, and left to the stage, which compiles for itself.

        Raises:
            Failure: `close` was called meanwhile.
        """
        mine = _kernels(own)
        if not mine:
            return
        ahead = self._opened()
        if ahead is not None:
            ahead.want(mine, first=True)
            ahead.want(_kernels(later))
            ahead.wait(mine)
        with self._lock:
            if self._closed:
                raise Failure("the run was ended while its kernels were compiled")
            failed = {name: said for name, said in ahead.failed.items() if name not in self._told} if ahead else {}
            self._told |= failed.keys()
        for name, said in failed.items():
            self.reporter.log(f"kernels of {name} could not be compiled beforehand ({said}): stages do it themselves")

    def _opened(self) -> "Ahead | None":
        """None where each process compiles for itself, since nothing can be kept."""
        from tasks.kernels import ahead, cache

        with self._lock:
            if self._ahead is None and cache.shared():
                self._ahead = ahead.Ahead(self.workers, self.reporter.compiling)
            return self._ahead

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._ahead is not None:
                self._ahead.close()


def _kernels(asked: Iterable[Asked]) -> frozenset[str]:
    found = (kernels_of(what.function.__module__).difference(what.idle(parameters)) for what, parameters in asked)
    return frozenset[str]().union(*found)
