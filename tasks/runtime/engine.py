"""The engine's two verbs, and the local engine: a pool of spawned processes and sorted Arrow files. No JVM.

    map(function, items)            run a picklable function on every item, results in the items' order
    shuffle(emit, reduce, items)    emit(item) -> table; rows of one `key` meet; reduce(sorted table) -> table

The number of workers and of partitions never shows in an answer: `map` keeps the items' order, and `shuffle` sorts
each partition in full before `reduce` sees it, and what `reduce` gives once more, over all its columns.
"""

import ctypes
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from tasks.runtime.errors import Failure

ATTEMPTS = 3  # a shard that kills its worker this often is the shard's fault, not the machine's
PARTITIONS = 16  # of a local shuffle; enough that one partition of a laptop's corpus fits in memory
PR_SET_PDEATHSIG = 1

Progress = Callable[[int, int, dict[str, Any]], None]


class Engine(Protocol):
    """What a stage may ask of the machine it runs on."""

    workers: int

    def map(self, function: Callable[[Any], Any], items: list[Any], progress: Progress | None = None) -> list[Any]: ...

    def shuffle(
        self, emit: Callable[[Any], pa.Table], reduce: Callable[[pa.Table], pa.Table], items: list[Any]
    ) -> pa.Table: ...

    def close(self) -> None: ...


def partition_of(keys: np.ndarray, partitions: int) -> np.ndarray:
    """Our own hash of int64 keys (splitmix64's finaliser) modulo the number of partitions."""
    x = keys.astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) % np.uint64(partitions)).astype(np.int64)


def sort_in_full(table: pa.Table) -> pa.Table:
    """Rows in the order of all columns, first to last: the same bytes whatever order they came in."""
    if table.num_rows < 2:
        return table.combine_chunks()
    return table.sort_by([(name, "ascending") for name in table.column_names]).combine_chunks()


class LocalEngine:
    """A process pool on this machine. The pool is made at the first `map` and kept until `close`."""

    def __init__(self, workers: int | None = None):
        self.workers = workers or len(os.sched_getaffinity(0))
        self._pool: ProcessPoolExecutor | None = None
        self._thread = 0

    def map(self, function: Callable[[Any], Any], items: list[Any], progress: Progress | None = None) -> list[Any]:
        """Results in the items' order. One item, or one worker, runs in this process, without a pool.

        Raises:
            Failure: a worker died (out of memory, a crash in a library) three times over the same items.
        """
        results: dict[int, Any] = {}

        def done(index: int, result: Any) -> None:
            results[index] = result
            if progress:
                progress(len(results), len(items), result if isinstance(result, dict) else {})

        if self.workers == 1 or len(items) < 2:
            for index, item in enumerate(items):
                done(index, function(item))
            return [results[index] for index in range(len(items))]
        attempts = [0] * len(items)
        while len(results) < len(items):
            pool = self._open()
            running: dict[Future[Any], int] = {}
            # The most suspect first; the last try is alone, so that the guilty is named and has the memory to itself.
            waiting = [index for index in range(len(items)) if index not in results]
            waiting.sort(key=lambda index: (attempts[index], -index))
            try:
                while waiting or running:
                    # No more in flight than workers: when a worker is lost, only these are suspects.
                    while waiting and len(running) < self.workers:
                        if running and ATTEMPTS - 1 in [attempts[index] for index in (waiting[-1], *running.values())]:
                            break
                        index = waiting.pop()
                        running[pool.submit(function, items[index])] = index
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        result = future.result()
                        done(running.pop(future), result)
            except BrokenProcessPool:
                self.close()
                for index in running.values():
                    attempts[index] += 1
                # Nothing ran if an idle worker was lost: a fresh pool is all it takes.
                worst = max(running.values(), key=lambda index: attempts[index], default=None)
                if worst is not None and attempts[worst] >= ATTEMPTS:
                    raise Failure(
                        f"a worker died {ATTEMPTS} times over {items[worst]!r:.300}; "
                        f"if the kernel killed it for memory "
                        f"(dmesg says so), run with fewer workers"
                    ) from None
            except BaseException:
                for future in running:
                    future.cancel()
                self.close()
                raise
        return [results[index] for index in range(len(items))]

    def shuffle(
        self, emit: Callable[[Any], pa.Table], reduce: Callable[[pa.Table], pa.Table], items: list[Any]
    ) -> pa.Table:
        """Rows that share an int64 `key` (the first column) meet in one `reduce` call, sorted by all columns."""
        scratch = Path(tempfile.mkdtemp(prefix="millrace-shuffle-"))
        try:
            self.map(partial(_spill, emit=emit, scratch=scratch), list(enumerate(items)))
            parts = self.map(
                partial(_gather, reduce=reduce, scratch=scratch, items=len(items)), list(range(PARTITIONS))
            )
        finally:
            shutil.rmtree(scratch)
        return sort_in_full(pa.concat_tables(parts))

    def close(self) -> None:
        """Stop the pool; its children end at once."""
        if self._pool is not None:
            processes = list((self._pool._processes or {}).values())
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()
            for process in processes:
                process.join()
            self._pool = None

    def _open(self) -> ProcessPoolExecutor:
        # PR_SET_PDEATHSIG fires when the *thread* that made the child ends, so a pool serves its own thread only.
        if self._pool is not None and self._thread != threading.get_ident():
            self.close()
        if self._pool is None:
            self._thread = threading.get_ident()
            self._pool = ProcessPoolExecutor(
                self.workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_child,
                initargs=(os.getpid(),),
            )
        return self._pool


def _child(parent: int) -> None:
    """A worker that does not outlive its parent and leaves Ctrl-C to it (shared/PREFECT.md, Death)."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


def _spill(task: tuple[int, Any], *, emit: Callable[[Any], pa.Table], scratch: Path) -> None:
    index, item = task
    table = emit(item)
    where = partition_of(table.column(0).to_numpy(), PARTITIONS)
    for number in range(PARTITIONS):
        part = table.filter(pa.array(where == number))
        with pa.ipc.new_file(scratch / f"{number}-{index}.arrow", part.schema) as file:
            file.write_table(part)


def _gather(number: int, *, reduce: Callable[[pa.Table], pa.Table], scratch: Path, items: int) -> pa.Table:
    parts = []
    for index in range(items):
        with pa.ipc.open_file(scratch / f"{number}-{index}.arrow") as file:
            parts.append(file.read_all())
    return reduce(sort_in_full(pa.concat_tables(parts)))
