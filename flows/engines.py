"""The engine that a pipeline names, open for the length of a run."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from conf.pipeline import Pipeline
from tasks.runtime.engine import Engine, LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.local_store import LocalStore
from tasks.runtime.store import Store, write


@contextmanager
def engine(pipeline: Pipeline, store: Store, workers: int | None, here: bool = False) -> Iterator[Engine]:
    """`workers` from the command line stands before the file's; `here`: this machine's, whatever the file says.

    Raises:
        Mistake: Spark does not start, or a machine of it sees another store or has other versions than this one.
    """
    opened: Engine
    spark = None if here else pipeline.engine.spark
    if spark is None:
        opened = LocalEngine(workers or pipeline.workers)
    else:
        from tasks.runtime.spark import SparkEngine  # needs Java, and two seconds

        opened = SparkEngine(spark.master, spark.conf)
    done = False
    try:
        if spark is None:
            yield opened
        else:
            with sign(store) as name:
                opened.preflight(partial(seen, store, name))
                yield opened
        done = True
    finally:
        opened.close()
        if not done and isinstance(store, LocalStore):
            with suppress(OSError, Mistake):
                store.prepare()  # workers that were ended in mid-shard left scratch; else the next run would see to it


@contextmanager
def sign(store: Store) -> Iterator[str]:
    """A small file in the store for the length of a run, by which a machine knows that it sees the same store."""
    name = f"run.sign/{uuid.uuid4().hex}"
    write(store, name, name.encode())
    try:
        yield name
    finally:
        store.delete(name)


def seen(store: Store, name: str) -> dict[str, Any]:
    """What a machine finds in the store; runs on each."""
    try:
        return {"store": store.read(name).decode()}
    except OSError as error:
        return {"store": f"nothing of this run in {store.url} ({type(error).__name__})"}
