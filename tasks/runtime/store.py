"""Where artifacts live: one protocol of few verbs, and what opens it. A name is a path below the store, with slashes.

    read      bytes of a small file
    local     a local path of a file, its bytes checked on the way (for libraries that map or seek)
    list      names below a prefix, with sizes
    publish   a finished local file appears under a name, whole, unless one is there
    lease     the writer's right to a name, for one process at a time
    scratch   a local folder of one attempt, gone when the attempt ends
    workspace a local folder of one artifact, kept while it is unfinished (checkpoints, downloads)

Two ways: a local folder (local_store.py), and objects of s3, gs or azure (object_store.py). The manifest's publication
decides a race; since bytes are deterministic and appear whole, a lease that is lost harms nothing.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from tasks.runtime.errors import Failure, Mistake

SCHEMES = ("s3", "gs", "az", "azure", "abfs", "abfss", "memory", "file")


class Entry(NamedTuple):
    """A file of the store: its name, its size in bytes, and when it was written (seconds since 1970)."""

    name: str
    bytes: int
    modified: float


class Lease(Protocol):
    """A right that is held. `descriptor`: a process that is handed it holds the lease as well (local stores)."""

    @property
    def descriptor(self) -> int | None: ...


class Damaged(Failure):
    """A file whose bytes are not those that were written."""


class Unreachable(Failure):
    """The service did not answer as it should, after all retries: the network, the rights, the service itself."""


class Store(Protocol):
    """See the module's head. Implementations are small, hashable, and can be pickled: workers get them with items."""

    def __hash__(self) -> int: ...

    @property
    def url(self) -> str:
        """As a person would write it: an absolute folder, or s3://bucket/prefix."""
        ...

    def where(self, name: str) -> str:
        """A name as messages say it."""
        ...

    def prepare(self) -> None:
        """See that it can be written; remove what dead processes left (scratch, leases).

        Raises:
            Mistake: it cannot be made, reached or written.
        """
        ...

    def exists(self, name: str) -> bool: ...

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError."""
        ...

    def stamp(self, name: str) -> tuple[object, ...]:
        """What changes when the file is written anew, as far as it can be seen without reading it.

        Raises FileNotFoundError.
        """
        ...

    def local(self, name: str, sha256: str | None = None, check: bool = True) -> Path:
        """A local path with the file's bytes; with `sha256`, checked.

        Without `check` a file that is here already is not: the caller checks what it reads of it (checked.py).

        Raises:
            FileNotFoundError. Damaged: the bytes have another checksum.
        """
        ...

    def sha256(self, name: str) -> str:
        """Of the bytes as they are in the store, read anew, whatever was read or remembered before.

        Raises FileNotFoundError.
        """
        ...

    def list(self, prefix: str) -> Iterator[Entry]:
        """Files whose name begins with the folder `prefix` ("" for all), in the order of their names."""
        ...

    def publish(self, name: str, path: Path, replace: bool = False) -> bool:
        """Make a finished local file appear under a name, durably and whole; the local file may be gone then.

        False, and nothing changes, where the name is taken and `replace` is not asked for.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove a file; no error where there is none."""
        ...

    def lease(self, name: str, log: Callable[[str], None]) -> AbstractContextManager[Lease]:
        """Wait for and hold the right to write below a name; `log` is told once that it waits."""
        ...

    def scratch(self) -> AbstractContextManager[Path]:
        """An empty local folder from which `publish` is cheap; removed at the end, or by the next run after a kill."""
        ...

    def workspace(self, name: str) -> Path:
        """A local folder for unfinished work on a name; it stays until `clear`."""
        ...

    def clear(self, name: str) -> None:
        """Remove the workspace of a name."""
        ...


@dataclass(frozen=True)
class CacheSettings:
    """Local copies of what is read from an object store."""

    folder: Path
    bytes: int


def open_store(url: str, cache: CacheSettings | None = None) -> Store:
    """The store at a folder or URL, seen to be writable; what attempts of dead processes left is swept.

    Raises:
        Mistake: an unknown scheme, or the store cannot be made, written or reached.
    """
    store = store_at(url, cache)
    store.prepare()
    return store


def store_at(url: str, cache: CacheSettings | None = None) -> Store:
    """The store at a folder or URL; touches nothing."""
    from tasks.runtime.local_store import LocalStore

    scheme = re.match(r"([a-z][a-z0-9+.-]*)://", url)
    if scheme is None or scheme[1] == "file":
        return LocalStore(Path(os.path.realpath(url.removeprefix("file://"))))
    if scheme[1] not in SCHEMES:
        raise Mistake(f"store: {scheme[1]}:// is no store that is known; give a folder, or one of {', '.join(SCHEMES)}")
    from tasks.runtime.object_store import ObjectStore

    opened: Store = ObjectStore.at(url, cache)
    return opened


def write(store: Store, name: str, data: bytes, replace: bool = False) -> bool:
    """Publish bytes under a name; see `Store.publish`."""
    with store.scratch() as scratch:
        path = scratch / "data"
        path.write_bytes(data)
        return store.publish(name, path, replace)
