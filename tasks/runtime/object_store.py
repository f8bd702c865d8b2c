"""A store of objects: s3, gs, azure, or memory, through obstore. Scratch and copies are local; names are objects.

A file is written in local scratch and appears by one PUT that a taken name refuses (If-None-Match and its likes). Such
a PUT is no multipart upload (neither S3's nor obstore's are conditional), so a file that must not replace another has
at most 5 GiB, the services' limit of one PUT, and is held in memory while it is sent.

Each PUT carries a mark of its own as metadata. An answer that was lost, or that refuses what the same PUT, sent twice,
has already written, is so told from another writer's success: by reading the mark.

memory://NAME lives in one process, and ends with it: worker processes do not see what it holds.
"""

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from secrets import token_hex
from typing import Any

from obstore.exceptions import AlreadyExistsError, PreconditionError

from tasks.runtime import object_lease, scratch
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.object_cache import Cache, default_cache
from tasks.runtime.object_client import SMALL, client, sentence, told
from tasks.runtime.store import CacheSettings, Damaged, Entry, Unreachable

LEASES = ".lease"
LARGEST = 5 << 30  # bytes of one PUT: S3, GCS; Azure's newer versions 5,000 MiB
PIECE = 8 << 20
PROBING = threading.Lock()  # a probe is by process
MARK = "millrace"  # metadata: Azure wants an identifier


@dataclass(frozen=True)
class Beaten:
    """A lease that a thread renews."""

    descriptor: int | None = None


@dataclass(frozen=True)
class ObjectStore:
    """See the module's head and `store.Store`. A worker that gets one makes its client anew."""

    url: str
    settings: CacheSettings

    @classmethod
    def at(cls, url: str, cache: CacheSettings | None = None) -> "ObjectStore":
        """Touches nothing."""
        return cls(url.rstrip("/"), cache or default_cache())

    def __reduce__(self) -> tuple[Any, ...]:
        if self.url.startswith("memory:"):
            raise Mistake(f"the store {self.url} lives in one process: run with one worker, or give a folder")
        return ObjectStore, (self.url, self.settings)

    @property
    def _client(self) -> Any:
        return client(self.url)

    @property
    def _cache(self) -> Cache:
        return _cache(self.settings, self.url)

    def where(self, name: str) -> str:
        return f"{self.url}/{name}"

    def prepare(self) -> None:
        """See that the service can be reached, written, and that it refuses a taken name; sweep what is local.

        Raises:
            Mistake: it cannot be used.
        """
        try:
            with told(self.url), PROBING:
                self._probe(client(self.url, retries=2))
        except FileNotFoundError:
            raise Mistake(f"the store {self.url} is not there: make the bucket, or mend `store:`") from None
        except (Unreachable, PreconditionError) as error:
            raise Mistake(f"the store cannot be written: {sentence(error)}") from None
        try:
            self._cache.root.mkdir(parents=True, exist_ok=True)
            top = _scratch_top()
        except OSError as error:
            raise Mistake(f"{error.filename} cannot be made ({error.strerror})") from None
        if top.stat().st_uid != os.getuid():
            raise Mistake(f"{top} is another user's; set TMPDIR to a folder of yours")
        scratch.sweep(top)
        scratch.sweep(self._cache.root / ".scratch")

    def _probe(self, client: Any) -> None:
        """Write a name, which is this process's, and write it again; remove what dead processes left of this kind."""
        probe = f"{LEASES}/probe-{object_lease.process()}"
        client.put(probe, object_lease.content("", 0), mode="overwrite")
        with suppress(AlreadyExistsError):
            client.put(probe, b"", mode="create")
            raise Mistake(f"the store {self.url} lets one writer overwrite another: it knows no If-None-Match")
        object_lease.sweep(client, LEASES, client.head(probe)["last_modified"])
        client.delete(probe)

    def exists(self, name: str) -> bool:
        try:
            self._head(name)
        except FileNotFoundError:
            return False
        return True

    def _head(self, name: str) -> Any:
        with told(self.where(name)):
            return self._client.head(name)

    def read(self, name: str) -> bytes:
        return b"".join(self._pieces(name))

    def stamp(self, name: str) -> tuple[object, ...]:
        meta = self._head(name)
        return (meta["size"], meta["e_tag"], meta["version"], meta["last_modified"])

    def local(self, name: str, sha256: str | None = None, check: bool = True) -> Path:
        try:
            return self._cache.get(name, sha256, check, lambda: self._pieces(name))
        except Damaged as damaged:
            raise Damaged(f"{self.url}/{damaged}") from None

    def sha256(self, name: str) -> str:
        hashed = hashlib.sha256()
        for piece in self._pieces(name):
            hashed.update(piece)
        return hashed.hexdigest()

    def _pieces(self, name: str) -> Iterator[bytes]:
        """The object's bytes: in one answer, or by ranges of SMALL bytes of the same version, each with its retries."""
        with told(self.where(name)):
            answer = self._client.get(name)
            size, tag = answer.meta["size"], answer.meta["e_tag"]
            came = 0
            if size <= SMALL:
                for piece in answer.stream(min_chunk_size=PIECE):
                    came += len(piece)
                    yield piece
            else:
                del answer
                for start in range(0, size, SMALL):
                    wanted = {"range": (start, min(start + SMALL, size)), "if_match": tag}
                    piece = self._client.get(name, options=wanted).bytes()
                    came += len(piece)
                    yield piece
        if came != size:
            raise Unreachable(f"{self.where(name)}: {came} of {size} bytes came; run again")

    def list(self, prefix: str) -> Iterator[Entry]:
        found = []
        with told(self.where(prefix)):
            for chunk in self._client.list(prefix or None):
                for meta in chunk:
                    if not meta["path"].startswith(f"{LEASES}/"):
                        found.append(Entry(meta["path"], meta["size"], meta["last_modified"].timestamp()))
        return iter(sorted(found))

    def publish(self, name: str, path: Path, replace: bool = False) -> bool:
        size = path.stat().st_size
        if not replace and size > LARGEST:
            raise Failure(
                f"{self.where(name)} would have {size} bytes, and an object service takes {LARGEST} in one PUT that "
                f"does not overwrite; make shards smaller"
            )
        mark = token_hex(16)
        sender = client(self.url, patient=size > SMALL)
        mode = "overwrite" if replace else "create"
        # Memory for one part of a file that may replace another, 10,000 at most; for the whole of one that must not.
        parts = {"use_multipart": replace and size > SMALL, "chunk_size": max(PIECE, size // 9_000)}
        try:
            with told(self.where(name)):
                sender.put(name, path, mode=mode, attributes={MARK: mark}, **parts)
            self._cache.forget(name)
            return True
        except (AlreadyExistsError, PreconditionError):
            return self._mark(name) == mark
        except FileNotFoundError:
            raise Unreachable(f"{self.url} is not there any more") from None
        except Unreachable:
            with suppress(FileNotFoundError):
                if self._mark(name) == mark:
                    return True
            raise

    def _mark(self, name: str) -> str | None:
        with told(self.where(name)):
            mark = self._client.get(name, options={"head": True}).attributes.get(MARK)
        return None if mark is None else str(mark)

    def delete(self, name: str) -> None:
        self._cache.forget(name)
        with suppress(FileNotFoundError), told(self.where(name)):
            self._client.delete(name)

    @contextmanager
    def lease(self, name: str, log: Callable[[str], None]) -> Iterator[Beaten]:
        with object_lease.held(self._client, f"{LEASES}/{name}", self.where(name), log):
            yield Beaten()

    def scratch(self) -> AbstractContextManager[Path]:
        return scratch.attempt(_scratch_top())

    def workspace(self, name: str) -> Path:
        folder = self._cache.root / ".work" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def clear(self, name: str) -> None:
        shutil.rmtree(self._cache.root / ".work" / name, ignore_errors=True)


def _scratch_top() -> Path:
    """This user's, on this machine, whatever the store."""
    top = Path(tempfile.gettempdir()) / f"millrace-{os.getuid()}"
    top.mkdir(mode=0o700, exist_ok=True)
    return top


@lru_cache(maxsize=64)
def _cache(settings: CacheSettings, url: str) -> Cache:
    return Cache(settings, url)
