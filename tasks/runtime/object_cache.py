"""Local copies of objects: <folder>/objects/<hash of the store's URL>/<name>, shared by all processes of a user.

A copy is brought whole, its checksum taken as it arrives, and appears by rename. The time of access says when it was
last asked for, to a minute (set by us: mounts may not keep it; setting it makes remembered checksums void). Past
`bytes`, copies go that were not asked for longest, but none of the last minutes: who was just given a path must find
it. What has been opened or mapped stays readable though its copy goes.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from tasks.runtime import scratch
from tasks.runtime.local_store import file_sha256
from tasks.runtime.store import CacheSettings, Damaged

BYTES = 20 * 10**9
RECENT, MINUTE = 300, 60  # seconds
OURS = "objects"  # the part of the cache's folder that is swept: other things may lie beside it
HIDDEN = "."  # begins what is no copy: locks, scratch, workspaces
LOCKS = 64


def default_cache() -> CacheSettings:
    """20 GB in the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return CacheSettings(Path(home) / "millrace", BYTES)


class Cache:
    """The copies of one store's objects."""

    def __init__(self, settings: CacheSettings, url: str):
        self.settings = settings
        self.top = settings.folder / OURS
        self.root = self.top / hashlib.sha256(url.encode()).hexdigest()[:16]
        self._unseen = settings.bytes  # bytes brought since the copies were last counted: at first as if it were full

    def get(self, name: str, sha256: str | None, check: bool, fetch: Callable[[], Iterator[bytes]]) -> Path:
        """A copy's path. `fetch` gives the object's bytes; without `sha256` it is always asked.

        Raises:
            Damaged: the bytes that came have another checksum.
        """
        path = self.root / name
        if sha256 is not None and self._holds(path, sha256, check):
            return path
        lock = self._lock(name)
        try:
            if sha256 is None or not self._holds(path, sha256, check=True):  # another process may have brought it
                self._bring(path, name, sha256, fetch)
        finally:
            os.close(lock)
        self._make_room()
        return path

    def _holds(self, path: Path, sha256: str, check: bool) -> bool:
        with suppress(FileNotFoundError):
            status = path.stat()
            if time.time() - status.st_atime > MINUTE:
                os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))
            return not check or file_sha256(path) == sha256
        return False

    def _lock(self, name: str) -> int:
        """Held by the one process that brings a file: the others wait, and find it."""
        number = int(hashlib.sha256(name.encode()).hexdigest(), 16) % LOCKS
        folder = self.root / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = scratch.locked(folder / str(number), wait=True)
        assert lock is not None  # nobody removes these
        return lock

    def _bring(self, path: Path, name: str, sha256: str | None, fetch: Callable[[], Iterator[bytes]]) -> None:
        with scratch.attempt(self.root / ".scratch") as folder:
            arriving = folder / "copy"
            hashed, size = hashlib.sha256(), 0
            with arriving.open("wb") as file:
                for data in fetch():
                    hashed.update(data)
                    size += file.write(data)
            if sha256 is not None and (found := hashed.hexdigest()) != sha256:
                raise Damaged(f"{name} is damaged: its checksum is {found[:16]}..., its manifest says {sha256[:16]}...")
            path.parent.mkdir(parents=True, exist_ok=True)
            arriving.replace(path)
        self._unseen += size

    def _make_room(self) -> None:
        """Count the copies again once a twentieth of the cache was brought, and remove the oldest past its size."""
        if self._unseen < self.settings.bytes // 20:
            return
        self._unseen = 0
        lock = scratch.locked(self.top / ".lock")
        if lock is None:  # another process is at it
            return
        try:
            copies = sorted(self._copies(), reverse=True)
            total = sum(size for _, size, _ in copies)
            while total > self.settings.bytes and copies:
                asked, size, path = copies.pop()
                if time.time() - asked < RECENT:
                    break
                path.unlink(missing_ok=True)
                total -= size
        finally:
            os.close(lock)

    def _copies(self) -> Iterator[tuple[float, int, Path]]:
        """(when last asked for, bytes, path) of all stores' copies."""
        for folder, folders, files in os.walk(self.top):
            folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
            for file in files:
                if not file.startswith(HIDDEN):
                    with suppress(FileNotFoundError):
                        status = (path := Path(folder) / file).stat()
                        yield max(status.st_atime, status.st_mtime), status.st_size, path

    def forget(self, name: str) -> None:
        """Remove the copy of what was published anew or deleted."""
        (self.root / name).unlink(missing_ok=True)
