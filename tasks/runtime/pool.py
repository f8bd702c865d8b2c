"""Worker processes of the local engine: spawned by one keeper thread, shared by callers from many threads.

The keeper alone makes children (PR_SET_PDEATHSIG fires when the *thread* that made a child ends), hands out items one
at a time and sees who is lost. A worker has one item, so a worker's death has one suspect; yet the kernel may have
killed the neighbour of the one that ate the memory, so nobody is called guilty before his worker died while he ran
alone: an item that lost `ATTEMPTS - 1` workers waits until all others have come back, and has the machine to itself.
"""

import ctypes
import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any

import pyarrow as pa

from tasks.runtime.errors import Failure, portable

ATTEMPTS = 3  # an item that kills its worker this often, the last time alone, is at fault, not the machine
PR_SET_PDEATHSIG = 1
PATIENCE = 5.0  # seconds from SIGTERM, at whose default a worker ends, to SIGKILL


@dataclass(eq=False)
class Call:
    """One caller's items. `news` takes (index, result) or (None, exception); (None, None) says that it is cancelled."""

    function: Callable[[Any], Any]
    items: list[Any]
    waiting: deque[int] = field(default_factory=deque)
    attempts: dict[int, int] = field(default_factory=dict)  # of items that lost a worker
    news: SimpleQueue[tuple[Any, Any]] = field(default_factory=SimpleQueue)
    served: int = 0  # when it was last given a worker, by the keeper's count

    def __post_init__(self) -> None:
        self.waiting.extend(range(len(self.items)))

    def suspect(self) -> int | None:
        """The item that must run alone next, if there is one."""
        return next((index for index in self.waiting if self.attempts.get(index, 0) >= ATTEMPTS - 1), None)


@dataclass(eq=False)
class Worker:
    process: BaseProcess
    pipe: Connection
    call: Call | None = None  # whose item it runs
    index: int = -1


class Pool:
    """At most `workers` processes, made when they are needed and kept until `close`."""

    def __init__(self, workers: int):
        self._most = workers
        self._lock = threading.Lock()  # over the two lists below, which callers fill and the keeper empties
        self._arrived: list[Call] = []
        self._cancelled: list[Call] = []
        self._ending = False
        self._error: BaseException | None = None  # the keeper's own, should it fail
        self._bell, self._ear = multiprocessing.Pipe(duplex=False)[::-1]
        self._calls: list[Call] = []
        self._workers: list[Worker] = []
        self._turn = 0
        self._keeper = threading.Thread(target=self._keep, name="millrace-keeper", daemon=True)
        self._keeper.start()

    def start(self, call: Call) -> None:
        self._tell(self._arrived, call)

    def cancel(self, call: Call) -> None:
        """Give up a call's items. When this returns none of its workers is at work: they are ended."""
        self._tell(self._cancelled, call)
        while call.news.get() != (None, None):
            pass

    def close(self) -> None:
        """End all workers; callers that still wait get a Failure."""
        with self._lock:
            self._ending = True
            self._ring()
        self._keeper.join()
        self._bell.close()
        self._ear.close()

    def _tell(self, those: list[Call], call: Call) -> None:
        with self._lock:
            if self._ending or not self._keeper.is_alive():
                call.news.put((None, self._error or Failure("the engine was closed while a stage was at work")))
                call.news.put((None, None))
                return
            those.append(call)
            self._ring()

    def _ring(self) -> None:
        if self._keeper.is_alive():
            self._bell.send_bytes(b"!")

    # --- the keeper's thread from here on -------------------------------------------------------------------------

    def _keep(self) -> None:
        try:
            while not self._ending:
                self._take_orders()
                self._hand_out()
                pipes: dict[Any, Worker] = {worker.pipe: worker for worker in self._workers}
                for ready in wait([self._ear, *pipes]):
                    if ready is self._ear:
                        self._ear.recv_bytes()
                    elif isinstance(ready, Connection):
                        self._hear(pipes[ready])
        except BaseException as error:  # noqa: BLE001 - whatever it is, callers must not wait for ever
            self._error = error
        finally:
            with self._lock:
                self._ending = True
                waiting = [*self._calls, *self._arrived, *self._cancelled]
            self._end(list(self._workers))
            for call in waiting:
                call.news.put((None, self._error or Failure("the engine was closed while a stage was at work")))
                call.news.put((None, None))

    def _take_orders(self) -> None:
        with self._lock:
            arrived, cancelled = self._arrived[:], self._cancelled[:]
            self._arrived.clear()
            self._cancelled.clear()
        self._calls.extend(arrived)
        for call in cancelled:
            if call in self._calls:
                self._calls.remove(call)
            self._end([worker for worker in self._workers if worker.call is call])
            call.news.put((None, None))

    def _hand_out(self) -> None:
        """Items to idle workers, in turn from the caller that has fewest running; a suspect only when all is quiet."""
        while True:
            running = [worker for worker in self._workers if worker.call is not None]
            if any(worker.call and worker.call.attempts.get(worker.index, 0) >= ATTEMPTS - 1 for worker in running):
                return  # it has the machine to itself
            suspects = [(call, index) for call in self._calls if (index := call.suspect()) is not None]
            if suspects and running:
                return
            if len(running) == self._most:
                return
            if suspects:
                call, index = suspects[0]
            else:
                asking = [call for call in self._calls if call.waiting]
                if not asking:
                    return
                call = min(asking, key=lambda call: (sum(w.call is call for w in running), call.served))
                index = call.waiting[0]
            self._turn += 1
            call.served = self._turn
            call.waiting.remove(index)
            self._give(call, index)

    def _give(self, call: Call, index: int) -> None:
        try:
            task = pickle.dumps((call.function, call.items[index]))
        except Exception as error:  # noqa: BLE001 - a function or an item that cannot be sent: its caller's affair
            self._stop(call, error)
            return
        while True:
            worker = next((worker for worker in self._workers if worker.call is None), None) or self._spawn()
            try:
                worker.pipe.send_bytes(task)
            except OSError:  # it was killed while idle: nobody's fault
                self._end([worker])
                continue
            worker.call, worker.index = call, index
            return

    def _hear(self, worker: Worker) -> None:
        try:
            answer = worker.pipe.recv_bytes()
        except (EOFError, OSError):
            self._lose(worker)
            return
        call, index = worker.call, worker.index
        worker.call = None
        if call is None or call not in self._calls:
            return
        try:
            result, error = pickle.loads(answer)
            if error is not None:
                raise pickle.loads(error)
        except Exception as error:  # noqa: BLE001 - the function's own, or of a result that cannot be read here
            self._stop(call, error)
        else:
            call.news.put((index, result))

    def _lose(self, worker: Worker) -> None:
        call, index = worker.call, worker.index
        self._end([worker])
        if call is None or call not in self._calls:
            return
        call.attempts[index] = call.attempts.get(index, 0) + 1
        if call.attempts[index] < ATTEMPTS:
            call.waiting.appendleft(index)
            return
        self._stop(
            call,
            Failure(
                f"a worker died {ATTEMPTS} times over {call.items[index]!r:.300}; "
                "if the kernel killed it for memory (dmesg says so), run with fewer workers"
            ),
        )

    def _stop(self, call: Call, error: BaseException) -> None:
        """An exception for the caller, who will cancel; until then nothing more of his is begun or heard."""
        self._calls.remove(call)
        call.news.put((None, error))

    def _spawn(self) -> Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, os.getpid()), daemon=True)
        process.start()
        theirs.close()  # the child's end is the child's alone: its death is the pipe's end
        worker = Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _end(self, those: list[Worker]) -> None:
        for worker in those:
            worker.process.terminate()
        for worker in those:
            worker.process.join(PATIENCE)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()
            self._workers.remove(worker)


def _work(pipe: Connection, parent: int) -> None:
    """A worker that does not outlive its parent and leaves Ctrl-C to it (shared/PREFECT.md, Death)."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    while True:
        try:
            task = pipe.recv_bytes()
        except EOFError:
            return
        try:
            function, item = pickle.loads(task)
            answer = pickle.dumps((function(item), None))
        except Exception as error:  # noqa: BLE001 - raised again in the caller
            answer = pickle.dumps((None, portable(error)))
        pipe.send_bytes(answer)
        del task, answer  # an idle worker holds nothing large
        function = item = None
