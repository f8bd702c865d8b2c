"""A store over another one, which is only read: what is published goes to a local folder, and is found there first.

So the stages themselves answer what would be (`whatif`, `diff`): decisions are made over measures that are built, and
the store underneath keeps its bytes.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tasks.runtime.local_store import Flock, LocalStore
from tasks.runtime.store import Entry, Store


@dataclass(frozen=True)
class Overlay:
    """See the module's head and `store.Store`. Workers must see the folder `top`: the local engine's do."""

    base: Store
    top: LocalStore

    def _holder(self, name: str) -> Store:
        return self.top if self.top.exists(name) else self.base

    @property
    def url(self) -> str:
        return self.base.url

    def where(self, name: str) -> str:
        return self._holder(name).where(name)

    def prepare(self) -> None:
        self.top.prepare()

    def exists(self, name: str) -> bool:
        return self.top.exists(name) or self.base.exists(name)

    def read(self, name: str) -> bytes:
        return self._holder(name).read(name)

    def stamp(self, name: str) -> tuple[object, ...]:
        return self._holder(name).stamp(name)

    def local(self, name: str, sha256: str | None = None, check: bool = True) -> Path:
        return self._holder(name).local(name, sha256, check)

    def sha256(self, name: str) -> str:
        return self._holder(name).sha256(name)

    def list(self, prefix: str) -> Iterator[Entry]:
        entries = {entry.name: entry for store in (self.base, self.top) for entry in store.list(prefix)}
        return iter(entries[name] for name in sorted(entries))

    def publish(self, name: str, path: Path, replace: bool = False) -> bool:
        return self.top.publish(name, path, replace)

    def delete(self, name: str) -> None:
        """Of what lies underneath nothing is removed; what is then published in its place is found before it."""
        self.top.delete(name)

    def lease(self, name: str, log: Callable[[str], None]) -> AbstractContextManager[Flock]:
        return self.top.lease(name, log)

    def scratch(self) -> AbstractContextManager[Path]:
        return self.top.scratch()

    def workspace(self, name: str) -> Path:
        return self.top.workspace(name)

    def clear(self, name: str) -> None:
        self.top.clear(name)
