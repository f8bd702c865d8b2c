"""The store that a pipeline names."""

from conf.pipeline import Pipeline
from tasks.runtime.store import CacheSettings, Store, open_store, store_at


def cache_of(pipeline: Pipeline) -> CacheSettings:
    """Of what is read from an object store."""
    return CacheSettings(pipeline.cache.path(), pipeline.cache.bytes)


def opened_store(pipeline: Pipeline) -> Store:
    """To be written.

    Raises:
        Mistake: it cannot be.
    """
    return open_store(pipeline.store_url(), cache_of(pipeline))


def store_of(pipeline: Pipeline) -> Store:
    """To be looked at; nothing is touched."""
    return store_at(pipeline.store_url(), cache_of(pipeline))
