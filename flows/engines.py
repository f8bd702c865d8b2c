"""The engine that a pipeline names, open for the length of a run."""

from collections.abc import Iterator
from contextlib import contextmanager

from conf.schema import Pipeline
from tasks.runtime.engine import Engine, LocalEngine


@contextmanager
def engine(pipeline: Pipeline, workers: int | None) -> Iterator[Engine]:
    """`workers` from the command line stands before the file's."""
    opened: Engine
    if pipeline.engine == "local":
        opened = LocalEngine(workers or pipeline.workers)
    else:
        from tasks.runtime.spark import SparkEngine  # needs Java, and two seconds

        master = pipeline.engine["spark"] if isinstance(pipeline.engine, dict) else "local[*]"
        opened = SparkEngine(master)
    try:
        yield opened
    finally:
        opened.close()
