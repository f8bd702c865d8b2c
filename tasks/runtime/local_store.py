"""A store in a local folder (or a mounted one): fsync, link or rename, fsync of the folder; leases by `flock`.

<root>/<name>                 files, as they were published
<root>/.lease/<name>          held with flock, gone when released
<root>/.scratch/<id>/         one attempt's; swept by the next run if its process was killed (scratch.py)
<root>/.work/<name>/          an artifact's unfinished work
"""

import errno
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from tasks.runtime import scratch
from tasks.runtime.errors import Mistake
from tasks.runtime.store import Damaged, Entry

PIECE = 1 << 20  # bytes hashed at once
LEASES, SCRATCH, WORK = ".lease", ".scratch", ".work"
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)  # of file systems without hard links


@dataclass(frozen=True)
class Flock:
    """A lease as the kernel holds it: given back when the last process that has the descriptor ends."""

    descriptor: int | None


@dataclass(frozen=True)
class LocalStore:
    """See the module's head and `store.Store`."""

    root: Path

    @property
    def url(self) -> str:
        return str(self.root)

    def where(self, name: str) -> str:
        return str(self.root / name)

    def prepare(self) -> None:
        """Make the folder, see that it can be written, sweep what dead attempts left.

        Raises:
            Mistake: it cannot be made or written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with self.scratch():
                pass
        except OSError as error:
            raise Mistake(
                f"the store {self.root} cannot be written ({error.strerror}); give `store:` a folder that can"
            ) from None
        self._sweep()

    def exists(self, name: str) -> bool:
        return (self.root / name).is_file()

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def stamp(self, name: str) -> tuple[object, ...]:
        status = (self.root / name).stat()
        return (status.st_size, status.st_ctime_ns, status.st_ino)

    def local(self, name: str, sha256: str | None = None, check: bool = True) -> Path:
        path = self.root / name
        if sha256 is None or not check:
            path.stat()  # FileNotFoundError
        elif (found := file_sha256(path)) != sha256:
            raise Damaged(f"{path} is damaged: its checksum is {found[:16]}..., its manifest says {sha256[:16]}...")
        return path

    def sha256(self, name: str) -> str:
        with (self.root / name).open("rb") as file:
            return sha256_of(file)

    def list(self, prefix: str) -> Iterator[Entry]:
        top = self.root / prefix if prefix else self.root
        found = []
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if name not in (LEASES, SCRATCH, WORK)]
            for file in files:
                path = Path(folder) / file
                with suppress(FileNotFoundError):  # another run's, gone meanwhile
                    status = path.stat()
                    found.append(Entry(path.relative_to(self.root).as_posix(), status.st_size, status.st_mtime))
        return iter(sorted(found))

    def publish(self, name: str, path: Path, replace: bool = False) -> bool:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.chmod(0o644)
        sync_file(path)
        if replace:
            path.replace(target)
        else:
            try:
                os.link(path, target)  # unlike a rename it refuses a name that is taken
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                if target.exists():
                    return False
                path.replace(target)  # two writers may both come here: their bytes are the same
        sync_folder(target.parent)
        return True

    def delete(self, name: str) -> None:
        path = self.root / name
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync_folder(path.parent)

    @contextmanager
    def lease(self, name: str, log: Callable[[str], None]) -> Iterator[Flock]:
        path = self.root / LEASES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        told = False
        while (lock := scratch.locked(path)) is None:
            if not told:
                log(f"another run is writing {self.where(name)}; waiting for it")
                told = True
            time.sleep(0.2)
        try:
            yield Flock(lock)
        finally:
            with suppress(OSError):  # `prepare` removes what is left
                path.unlink()
            os.close(lock)

    def scratch(self) -> AbstractContextManager[Path]:
        return scratch.attempt(self.root / SCRATCH)

    def _sweep(self) -> None:
        """Remove what dead processes left: scratch, and leases that nobody holds."""
        scratch.sweep(self.root / SCRATCH)
        for path in (self.root / LEASES).rglob("*"):
            if path.is_file() and (lock := scratch.locked(path)) is not None:
                path.unlink(missing_ok=True)
                os.close(lock)

    def workspace(self, name: str) -> Path:
        folder = self.root / WORK / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def clear(self, name: str) -> None:
        shutil.rmtree(self.root / WORK / name, ignore_errors=True)


def sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """Of the file's bytes, hex; remembered in this process as long as size, time of change and inode stay the same.

    The time is the inode's (ctime): unlike that of the content, no tool restores it.
    """
    status = path.stat()
    return _sha256(path, status.st_size, status.st_ctime_ns, status.st_ino)


@lru_cache(maxsize=65536)
def _sha256(path: Path, size: int, changed: int, inode: int) -> str:
    with path.open("rb") as file:
        return sha256_of(file)


def sha256_of(file: BinaryIO, low: int = 0, high: int | None = None) -> str:
    """Of the bytes low..high of an open file (to its end if None), hex; read in pieces, as they are now."""
    hashed = hashlib.sha256()
    file.seek(low)
    left = sys.maxsize if high is None else high - low
    while left > 0 and (data := file.read(min(left, PIECE))):
        hashed.update(data)
        left -= len(data)
    return hashed.hexdigest()
