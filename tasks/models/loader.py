"""model/'s loader over our store: it reads token shards where they lie, or through its own cache from a bucket."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from model.files import Unreachable
from model.files import store_at as files_at
from model.windows import Windows
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.local_store import LocalStore
from tasks.runtime.object_store import ObjectStore
from tasks.runtime.store import Store
from tasks.tokens.mixture import mixture_file

CHECKPOINTS = "run.checkpoints"  # of an artifact: copies of the trainer's, while it is unfinished


def reading(store: Store) -> dict[str, Any]:
    """Where and how a process of its own reads the store: keys of model/run.py.

    Raises:
        Mistake: no other process can.
    """
    if isinstance(store, LocalStore):
        return {"store": store.url}
    assert isinstance(store, ObjectStore)
    if store.url.startswith("memory:"):
        raise Mistake(f"the store {store.url} lives in one process, and models are trained in another: give a folder")
    cache = store.settings
    return {"store": store.url, "cache": str(cache.folder), "cache_bytes": cache.bytes}


@contextmanager
def windows_of(mixture: Artifact, context: int, vocabulary: int, seed: int) -> Iterator[Windows]:
    """The windows of a mixture; what the loader refuses while it is looked at is a Failure."""
    how = reading(mixture.store)
    try:
        files = files_at(how["store"], Path(how.get("cache", "")), how.get("cache_bytes", 0))
        yield Windows(mixture_file(mixture), files, context, vocabulary, seed)
    except (ValueError, Unreachable) as error:
        raise Failure(str(error)) from error
