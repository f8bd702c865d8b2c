"""The engine's two verbs, and the local engine: worker processes and Arrow files. No JVM.

    map(function, items)            run a picklable function on every item, results in the items' order
    shuffle(emit, reduce, items)    emit(item) -> table; rows of one `key` meet; reduce(sorted table) -> table

Both may be called from several threads at once, which then share the workers. The number of workers and of partitions
never shows in an answer: `map` keeps the items' order, and a shuffle's rows come in an order of their own (shuffle.py).
"""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from tasks.runtime.errors import Failure
from tasks.runtime.pool import Call, Pool
from tasks.runtime.shuffle import Spill, partitions_for, read_file, reduce_spills, spill

Progress = Callable[[int, int, Any], None]


class Engine(Protocol):
    """What a stage may ask of the machine it runs on. Safe to call from several threads."""

    workers: int

    def map(self, function: Callable[[Any], Any], items: list[Any], progress: Progress | None = None) -> list[Any]:
        """Results in the items' order. `progress(done, of, result)` is called in the caller's thread.

        Raises:
            Failure: a worker was lost (out of memory, a crash in a library) three times over one item.
            whatever `function` raises.
        """
        ...

    def shuffle(
        self, emit: Callable[[Any], pa.Table], reduce: Callable[[pa.Table], pa.Table], items: list[Any]
    ) -> Iterator[pa.Table]:
        """Tables, one after another, whose rows are the same in the same order on any engine.

        `emit` gives tables of one schema: first the int64 column `key`, all columns of fixed width. Rows of a key meet
        in one call of `reduce`, which is given whole keys in the order of (hash of the key, then all columns) and
        answers for each key by itself: which keys it is given together is the engine's affair. What it gives begins
        with `key` too, and is put in the same order. At least one table comes, unless there are no items.

        Raises:
            RuntimeError: a column is not of fixed width, or the first is no int64 `key` without nulls.
            as `map` does.
        """
        ...

    def preflight(self, probe: Callable[[], dict[str, Any]]) -> None:
        """Have every machine of the engine checked, before its first work, to see what this process sees.

        `probe` is picklable and gives a JSON-able dict; a machine where it gives another, or raises, is a Mistake.
        """
        ...

    def close(self) -> None: ...


class LocalEngine:
    """Processes on this machine, made when there is work for them and kept until `close`.

    With one worker everything runs in this process, one caller at a time.
    """

    def __init__(self, workers: int | None = None):
        self.workers = workers or len(os.sched_getaffinity(0))
        self._lock = threading.Lock()
        self._pool: Pool | None = None
        self._closed = False

    def map(self, function: Callable[[Any], Any], items: list[Any], progress: Progress | None = None) -> list[Any]:
        """As `Engine.map`."""
        results: dict[int, Any] = {}

        def done(index: int, result: Any) -> None:
            results[index] = result
            if progress:
                progress(len(results), len(items), result)

        if self.workers == 1:
            with self._lock:
                for index, item in enumerate(items):
                    self._require_open()
                    done(index, function(item))
        elif items:
            with self._lock:
                self._require_open()
                self._pool = pool = self._pool or Pool(self.workers)
            call = Call(function, items)
            pool.start(call)
            try:
                while len(results) < len(items):
                    index, result = call.news.get()
                    if index is None:
                        raise result
                    done(index, result)
            except BaseException:
                pool.cancel(call)
                raise
            pool.cancel(call)
        return [results[index] for index in range(len(items))]

    def shuffle(
        self, emit: Callable[[Any], pa.Table], reduce: Callable[[pa.Table], pa.Table], items: list[Any]
    ) -> Iterator[pa.Table]:
        """As `Engine.shuffle`. Rows wait in files of a temporary folder ($TMPDIR) and are mapped, not held."""
        if not items:
            return
        scratch = Path(tempfile.mkdtemp(prefix="millrace-shuffle-"))
        try:
            spills: list[Spill] = self.map(partial(spill, emit=emit, scratch=scratch), items)
            count = partitions_for(sum(one.bytes for one in spills))
            files = [one.file for one in spills]
            work = partial(reduce_spills, reduce=reduce, files=files, count=count, scratch=scratch)
            for file in self.map(work, list(range(count))):
                yield read_file(file)
                Path(file).unlink()  # what is mapped stays as long as it is looked at
        finally:
            shutil.rmtree(scratch)

    def preflight(self, probe: Callable[[], dict[str, Any]]) -> None:
        """Nothing to check: the workers are children of this process."""

    def _require_open(self) -> None:
        """A run is given up in one thread while others build its stages: they must not begin anew."""
        if self._closed:
            raise Failure("the engine was closed while a stage was at work")

    def close(self) -> None:
        """End the workers at once; a call still going on in another thread gets a Failure."""
        self._closed = True  # before the lock: with one worker a caller holds it while it works
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()
