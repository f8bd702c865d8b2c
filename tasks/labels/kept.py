"""What a labeler said, one JSON line each: on disk before the page hears of it, gone on with after any kill.

A line is appended and synced. Where one is changed a new file takes the place of the old one, so that each thing that
is asked has one line. A line that a crash cut in the middle is taken off, and told; what it was about is asked again.
"""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from tasks.runtime.errors import Mistake

Record = dict[str, Any]


class Kept:
    """The lines of a file by key. One process at a time has it open."""

    def __init__(self, path: Path, key: Callable[[Record], tuple[str, ...]], tell: Callable[[str], None]) -> None:
        """`key`: what a line is about; KeyError where it is another kind of line.

        Raises:
            Mistake: a line in the file is not what is kept there, or another process has the file open.
        """
        self.path, self.key = path, key
        if not path.absolute().parent.is_dir():
            raise Mistake(f"{path} cannot be written: its folder is not there")
        self.lock = self._locked()
        try:
            self.said = self._read(tell)
        except BaseException:
            self.close()
            raise

    def _locked(self) -> IO[str]:
        place = self.path.with_name(f".{self.path.name}.lock")
        while True:
            lock = place.open("w", encoding="utf-8")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if place.exists() and place.stat().st_ino == os.fstat(lock.fileno()).st_ino:
                    return lock
            except BlockingIOError:
                lock.close()
                raise Mistake(f"another `millrace` writes to {self.path}: end it, or give another --out") from None
            except FileNotFoundError:
                pass
            lock.close()  # whoever had it has just removed it: what is locked here nobody else would meet

    def _read(self, tell: Callable[[str], None]) -> dict[tuple[str, ...], Record]:
        data = self.path.read_bytes() if self.path.exists() else b""
        whole, _, cut = data.rpartition(b"\n")
        said: dict[tuple[str, ...], Record] = {}
        lines = whole.split(b"\n") if whole else []
        for number, line in enumerate(lines, 1):
            if line.strip():
                record = _object(line)
                if record is None:
                    raise Mistake(f"{self.path}:{number}: is not JSON; mend or remove that line, or give another --out")
                said[self._about(record, number)] = record
        if cut:
            record = _object(cut)
            if record is None:
                tell(
                    f"{self.path}:{len(lines) + 1}: the last line was cut in its middle ({len(cut)} bytes: "
                    f"{cut[:60].decode(errors='replace')!r}...); it is taken off, and what it was about is asked again"
                )
                with self.path.open("r+b") as file:
                    file.truncate(len(data) - len(cut))
                    os.fsync(file.fileno())
            else:  # only the line's end was lost
                said[self._about(record, len(lines) + 1)] = record
                with self.path.open("ab") as file:
                    file.write(b"\n")
                    os.fsync(file.fileno())
        return said

    def _about(self, record: Record, number: int) -> tuple[str, ...]:
        try:
            return self.key(record)
        except (KeyError, TypeError):
            raise Mistake(
                f"{self.path}:{number}: is another kind of line than is kept here: give another --out"
            ) from None

    def keep(self, record: Record) -> None:
        """On disk when this returns; in the place of what was said of the same before. OSError as the disk says it."""
        about = self.key(record)
        line = _line(record)
        if about in self.said:
            self._replace(about, line)
        else:
            size = self.path.stat().st_size if self.path.exists() else 0
            try:
                with self.path.open("ab") as file:
                    file.write(line)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:
                if self.path.exists():
                    os.truncate(self.path, size)  # no half of a line stays on a full disk
                raise
            if size == 0:
                self._sync_folder()
        self.said[about] = record

    def _replace(self, about: tuple[str, ...], line: bytes) -> None:
        beside = self.path.with_name(f".{self.path.name}.new")
        with beside.open("wb") as file:
            for old in self.path.read_bytes().splitlines(keepends=True):
                record = _object(old)
                file.write(line if record is not None and self.key(record) == about else old)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        self._sync_folder()

    def _sync_folder(self) -> None:
        folder = os.open(self.path.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Let others have it."""
        self.path.with_name(f".{self.path.name}.lock").unlink(missing_ok=True)
        self.lock.close()


def _line(record: Record) -> bytes:
    try:
        return json.dumps(record, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half of a pair: only as an escape is it JSON in UTF-8
        return json.dumps(record).encode() + b"\n"


def _object(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
