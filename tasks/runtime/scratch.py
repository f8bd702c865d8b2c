"""Scratch folders of attempts: <top>/<id>/ beside <top>/<id>.lock, which the attempt's process holds with flock.

The lock is there, and held, before its folder, and goes after it: what a dead process left is told from what a living
one uses without clocks, and a folder without a lock is nobody's.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

LOCK = ".lock"


@contextmanager
def attempt(top: Path) -> Iterator[Path]:
    """An empty folder below `top`, removed at the end; if this process is killed before, by the next `sweep`."""
    top.mkdir(parents=True, exist_ok=True)
    folder = top / token_hex(8)
    while (lock := locked(folder.with_suffix(LOCK))) is None:  # a sweep took it between its making and its locking
        folder = top / token_hex(8)
    try:
        folder.mkdir()
        yield folder
    finally:
        _remove(folder)
        os.close(lock)


def sweep(top: Path) -> None:
    """Remove the folders of dead processes."""
    with suppress(FileNotFoundError):
        for name in sorted({path.name.removesuffix(LOCK) for path in top.iterdir()}):
            lock = locked(top / f"{name}{LOCK}")  # of a folder without a lock: made, so that two sweeps do not meet
            if lock is not None:
                _remove(top / name)
                os.close(lock)


def _remove(folder: Path) -> None:
    """The folder, and its lock once the folder is gone; what cannot be removed now is left to the next sweep."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        with suppress(OSError):
            folder.with_suffix(LOCK).unlink()


def locked(path: Path, wait: bool = False) -> int | None:
    """A descriptor that holds the lock of a file, made if need be; None where another process holds it or removed it.

    Closing the descriptor, or the end of the process, gives the lock back.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(path.stat(), os.fstat(descriptor)):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
