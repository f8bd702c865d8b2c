"""A part's file on this machine: where it lies, in an artifact, or brought here for as long as it is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.runtime.artifact import Artifact
from tasks.sources.parts import Part
from tasks.sources.remote import bring as remote
from tasks.sources.remote.manners import Manners

SHAPES_NO_BYTES = True


@contextmanager
def here(part: Part, scratch: Path, inside: Artifact | None, manners: Manners) -> Iterator[tuple[Part, Path]]:
    """The part and its file; of what was brought here, the part with the checksum of what arrived.

    From here on a local part's `path` is its name: nothing of this machine is written into rejects and statistics.

    Args:
        scratch: this attempt's own folder: two at one shard never write one file.
    """
    if inside is not None:
        yield part, inside.local(part.path)
    elif not remote.is_remote(part.path):
        yield part._replace(path=part.name or part.path), Path(part.path)
    else:
        path = scratch / "part.download"
        there = remote.Remote(part.path, part.size, part.etag or "")
        yield part._replace(sha256=remote.download(there, path, manners)), path
        path.unlink()
