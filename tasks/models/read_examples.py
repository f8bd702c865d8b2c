"""Example shards of an artifact, through model/'s reader: where they lie, or through its own cache from a bucket."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.examples import Examples
from model.files import Unreachable
from model.files import store_at as files_at
from tasks.models.loader import reading
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure


@contextmanager
def examples_of(examples: Artifact, split: str) -> Iterator[Examples]:
    """A split's examples; what the reader refuses while they are looked at is a Failure."""
    how = reading(examples.store)
    try:
        files = files_at(how["store"], Path(how.get("cache", "")), how.get("cache_bytes", 0))
        yield Examples(files, examples.label, split, seed=0)
    except (ValueError, Unreachable) as error:
        raise Failure(str(error)) from error
