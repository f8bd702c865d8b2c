"""A disk whose N-th operation fails: what Python asks of files below some folders goes through here and is counted.

    error   the operation is not done, and says EIO, or ENOSPC
    after   it is done, and says EIO all the same (a rename that happened; an fsync of a folder)
    torn    half of a write is done, then EIO
    crash   the process ends before the operation: neither it nor anything after it happens
    half    half of a write is done, then the process ends

The end of a process is played: a `Crash` goes up, which no code of ours catches, every later operation raises it too,
and what was open is closed, as the kernel would. That is as hard as SIGKILL, and takes no process. Arrow writes its
files in C++, out of sight; here it writes into files opened in Python.
"""

import builtins
import errno
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

OPERATIONS = ("open", "write", "fsync", "link", "rename", "unlink", "rmdir", "mkdir")
FAULTS = {
    "EIO": OPERATIONS,
    "ENOSPC": ("open", "write", "link", "rename", "mkdir"),
    "after": ("fsync", "link", "rename", "unlink", "rmdir", "mkdir"),
    "torn": ("write",),
    "crash": OPERATIONS,
    "half": ("write",),
}


class Crash(BaseException):
    """The process has ended."""


@dataclass
class Disk:
    """Fails operation number `at` (from 0) among those of `operation`; any, if that is None. `seen` counts them."""

    folders: tuple[Path, ...]
    fault: str | None = None
    operation: str | None = None
    at: int = -1
    seen: int = 0
    dead: bool = False
    happened: bool = False

    def __post_init__(self) -> None:
        self.counts = dict.fromkeys(OPERATIONS, 0)

    def do(self, operation: str, call: Callable[[], Any], half: Callable[[], Any] | None = None) -> Any:
        if self.dead:
            raise Crash
        self.counts[operation] += 1
        if self.operation not in (None, operation):
            return call()
        number, self.seen = self.seen, self.seen + 1
        if number != self.at:
            return call()
        self.happened = True
        fault = self.fault
        if fault in ("torn", "half") and half is None:
            fault = {"torn": "EIO", "half": "crash"}[fault]
        if fault in ("torn", "half") and half is not None:
            half()
        if fault == "after":
            call()
        if fault in ("crash", "half"):
            self.dead = True
            raise Crash
        number = errno.ENOSPC if fault == "ENOSPC" else errno.EIO
        raise OSError(number, os.strerror(number), f"<{operation}>")

    def ours(self, path: Any, more: dict[str, Any]) -> bool:
        if isinstance(path, int):
            with suppress(OSError):
                path = Path(f"/proc/self/fd/{path}").readlink()
        if isinstance(path, int):
            return False
        where = os.fspath(path)
        if isinstance(where, bytes):
            where = where.decode()
        if not where.startswith("/"):
            return more.get("dir_fd") is not None  # of rmtree, which goes down by descriptors
        return any(where.startswith(str(folder)) for folder in self.folders)


class Faulty:
    """An open file whose writes are counted; each is on the disk when it returns."""

    def __init__(self, file: Any, disk: Disk):
        self._file, self._disk = file, disk

    def write(self, data: Any) -> Any:
        data = data if isinstance(data, str) else bytes(data)

        def put(part: Any) -> Any:
            written = self._file.write(part)
            self._file.flush()
            return written

        return self._disk.do("write", lambda: put(data), lambda: put(data[: len(data) // 2]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> "Faulty":
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)


@contextmanager
def armed(disk: Disk) -> Iterator[Disk]:
    """While the block runs, files below the disk's folders are reached through it."""
    opened: set[int] = set()
    files: list[Any] = []
    open_, os_open, close = io.open, os.open, os.close

    def counted(operation: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *given: Any, **more: Any) -> Any:
            if not disk.ours(path, more):
                return real(path, *given, **more)
            return disk.do(operation, lambda: real(path, *given, **more))

        return call

    def os_opened(path: Any, *given: Any, **more: Any) -> int:
        if not disk.ours(path, more):
            return os_open(path, *given, **more)
        descriptor: int = disk.do("open", lambda: os_open(path, *given, **more))
        opened.add(descriptor)
        return descriptor

    def closed(descriptor: int) -> None:
        opened.discard(descriptor)
        close(descriptor)

    def opened_file(path: Any, mode: str = "r", *given: Any, **more: Any) -> Any:
        if isinstance(path, int) or not disk.ours(path, {}):
            return open_(path, mode, *given, **more)
        file = disk.do("open", lambda: open_(path, mode, *given, **more))
        files.append(file)
        return file if mode in ("r", "rb") else Faulty(file, disk)

    class Writer(pq.ParquetWriter):
        """Into a file opened in Python."""

        def __init__(self, where: Any, *given: Any, **more: Any):
            self.sink = opened_file(where, "wb")
            super().__init__(self.sink, *given, **more)

        def close(self) -> None:
            super().close()
            self.sink.close()

    with pytest.MonkeyPatch.context() as patch:
        for name, operation in {"link": "link", "replace": "rename", "rename": "rename", "fsync": "fsync"}.items():
            patch.setattr(os, name, counted(operation, getattr(os, name)))
        for name in ("unlink", "rmdir", "mkdir"):
            patch.setattr(os, name, counted(name, getattr(os, name)))
        patch.setattr(os, "open", os_opened)
        patch.setattr(os, "close", closed)
        patch.setattr(io, "open", opened_file)
        patch.setattr(builtins, "open", opened_file)
        patch.setattr(shutil, "_USE_CP_SENDFILE", False)
        patch.setattr(pq, "ParquetWriter", Writer)
        patch.setattr(pq.core, "ParquetWriter", Writer)
        try:
            yield disk
        finally:
            if disk.dead:  # what the process had open, the kernel closes
                for file in files:
                    with suppress(OSError, ValueError):
                        file.close()
                for descriptor in opened:
                    with suppress(OSError):
                        close(descriptor)
