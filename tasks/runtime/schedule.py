"""Stages side by side: a call runs in a thread of its own once those that it waits for are done.

Of calls that may run, the one submitted first does; at most `limit` run at a time. The first error stops all: nothing
more is begun, what runs is asked to stop (`stop`), and `wait` raises the error.
"""

import heapq
import threading
import time
from collections.abc import Callable
from contextvars import copy_context

GRACE = 60.0  # seconds for what runs to stop: a trainer writes its checkpoint


class Schedule:
    """See the module's head. `submit` and `wait` are for one thread; calls run in others."""

    def __init__(self, limit: int, log: Callable[[str], None]):
        self.limit, self.log = limit, log
        self.stop = threading.Event()
        self._changed = threading.Condition()
        self._calls: list[Callable[[], object]] = []
        self._order: dict[str, int] = {}
        self._missing: dict[int, int] = {}  # how many of its needs a call still waits for
        self._waiting_for: dict[str, list[int]] = {}
        self._ready: list[int] = []
        self._done: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._running = 0
        self._left = 0
        self._error: BaseException | None = None

    def submit(self, key: str, needs: set[str], call: Callable[[], object]) -> None:
        """Run `call` when the calls of the keys it needs are done; keys that were never submitted are not waited for.

        A key that was submitted before is not run again.
        """
        with self._changed:
            if key in self._order:
                return
            number = self._order[key] = len(self._calls)
            context = copy_context()  # Prefect knows by it whose task this is
            self._calls.append(lambda: context.run(call))
            missing = {need for need in needs if need in self._order and need not in self._done}
            self._left += 1
            self._missing[number] = len(missing)
            for need in missing:
                self._waiting_for.setdefault(need, []).append(number)
            if not missing:
                heapq.heappush(self._ready, number)
            self._begin()

    def wait(self) -> None:
        """Until all calls are done. Raises the first error of any; the others are logged."""
        with self._changed:
            while self._left and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error

    def join(self) -> None:
        """Give what runs a minute to end, after `stop` was set."""
        limit = time.monotonic() + GRACE
        for thread in self._threads:
            thread.join(max(0.0, limit - time.monotonic()))

    def _begin(self) -> None:
        """Start what may run; the lock is held."""
        keys = list(self._order)
        while self._ready and self._running < self.limit and not self.stop.is_set() and self._error is None:
            number = heapq.heappop(self._ready)
            self._running += 1
            # A daemon: one that heeds no stop must not keep the process; the next run goes on from what it left.
            thread = threading.Thread(target=self._run, args=(keys[number], number), name=keys[number], daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, key: str, number: int) -> None:
        error: BaseException | None = None
        try:
            self._calls[number]()
        except BaseException as caught:  # noqa: BLE001 - raised again by `wait`
            error = caught
        with self._changed:
            self._running -= 1
            self._left -= 1
            if error is None:
                self._done.add(key)
                for dependant in self._waiting_for.pop(key, []):
                    self._missing[dependant] -= 1
                    if not self._missing[dependant]:
                        heapq.heappush(self._ready, dependant)
            elif self._error is None:
                self._error = error
                self.stop.set()
            elif not self.stop.is_set():
                self.log(f"{key} failed too: {error}")
            self._begin()
            self._changed.notify_all()
