"""One machine's budget at a server: when the next request may go, and how many connections are open.

    <temporary folder>/millrace-<user id>/<host>/pace            the machine's clock (ns) at which the next one may go
                                                /connection-<n>  held with flock while a connection is open

All of a user's processes on the machine go by these files, so that it is the machine that is polite, and not each of
its workers. What a process holds is given back when it dies. Nothing of what is read depends on them.
"""

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tasks.runtime.errors import Mistake
from tasks.runtime.scratch import locked

SHAPES_NO_BYTES = True

WAIT = 0.1  # seconds between two looks for a free connection: short beside the minute that a file takes


@contextmanager
def request(host: str, requests: float, connections: int) -> Iterator[None]:
    """Wait for a connection and a turn of a host, and hold the connection while the block runs.

    Args:
        requests: a second, of the whole machine. connections: at once, of the whole machine.
    """
    folder = folder_of(host)
    connection = _connection(folder, connections)
    try:
        _turn(folder, requests)
        yield
    finally:
        os.close(connection)


def rest(host: str, seconds: float) -> None:
    """Let nobody on this machine ask a host for so long."""
    with _pace(folder_of(host)) as (due, put):
        put(max(due, now() + int(seconds * 1e9)))


def folder_of(host: str) -> Path:
    folder = _top(tempfile.gettempdir()) / re.sub(r"[^\w.:-]", "_", host)
    folder.mkdir(exist_ok=True)
    return folder


def now() -> int:
    """The machine's clock, ns since it started: the same for all its processes."""
    return time.monotonic_ns()


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def _connection(folder: Path, connections: int) -> int:
    while True:
        for number in range(connections):
            if (lock := locked(folder / f"connection-{number}")) is not None:
                return lock
        sleep(WAIT)


def _turn(folder: Path, requests: float) -> None:
    """Wait until a request may go, and say when the next one may.

    Nothing is reserved ahead: who wakes looks again, since a server may have asked for rest meanwhile.
    """
    while True:
        with _pace(folder) as (due, put):
            current = now()
            if current >= due:
                put(current + int(1e9 / requests))
                return
        sleep((due - current) / 1e9)


@contextmanager
def _pace(folder: Path) -> Iterator[tuple[int, "_Put"]]:
    """When the next request may go, and a function that says so anew; one process at a time."""
    lock = locked(folder / "pace", wait=True)
    assert lock is not None  # nobody removes it
    try:
        start, _, due = os.pread(lock, 200, 0).decode("ascii", "replace").partition(" ")
        # The clock begins anew with the machine: what was said before then holds no more.
        yield int(due) if start == _start() and due.isdigit() else 0, _Put(lock)
    finally:
        os.close(lock)


class _Put:
    def __init__(self, lock: int):
        self.lock = lock

    def __call__(self, due: int) -> None:
        os.ftruncate(self.lock, 0)
        os.pwrite(self.lock, f"{_start()} {due}".encode(), 0)


@cache
def _start() -> str:
    """What names this start of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


@cache
def _top(temporary: str) -> Path:
    top = Path(temporary) / f"millrace-{os.getuid()}"
    try:
        top.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Mistake(f"{top} cannot be made ({error.strerror}); set TMPDIR to a folder that can be written") from None
    if top.is_symlink() or top.stat().st_uid != os.getuid():
        raise Mistake(f"{top} is another user's; set TMPDIR to a folder of yours")
    return top
