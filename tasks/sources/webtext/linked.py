"""The artifact of `links`, and its readers: which URLs are links, and what is known of them.

    NNNNN.links.parquet   url, normal, karma, submissions, date; a file a range of hashes
    hashes.bin            uint64, little-endian, ascending: the first 8 bytes of the hash of each link's key (urls.py)
    counts.bin            int32 karma, int32 submissions, row by row

A link is 16 bytes in the last two, which are mapped: 45 million (GPT-2's) are 720 MB in the page cache of a machine,
once for all its workers, and a look-up touches a few pages of the 360 MB of hashes. Two of 45 million links share a
hash with a chance of 45e6^2 / 2^65 = 5e-5; a page that no link names is taken for one once in 2^64 / 45e6 = 4e11 pages.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tasks.runtime.artifact import Artifact
from tasks.runtime.shards import read_file
from tasks.sources.webtext.urls import hash_of, key_of, normalised

LINKS, HASHES, COUNTS = "links.parquet", "hashes.bin", "counts.bin"
COUNTED = np.dtype([("karma", "<i4"), ("submissions", "<i4")])
TABLE = pa.schema([("url", pa.string()), ("normal", pa.string()), ("karma", pa.int32()), ("submissions", pa.int32()),
                   ("date", pa.timestamp("s", tz="UTC"))])  # fmt: skip


class Link(NamedTuple):
    """What is known of a URL that was linked: the greatest karma, and how many submissions had enough."""

    karma: int
    submissions: int


class Lookup:
    """Which URLs are links. Nothing but the two mapped files is held."""

    def __init__(self, artifact: Artifact):
        self.hashes = _mapped(artifact, HASHES, np.dtype("<u8"))
        self.counts = _mapped(artifact, COUNTS, COUNTED)

    def find(self, url: str) -> Link | None:
        """The link that a URL, in any spelling, is."""
        normal = normalised(url)
        if normal is None:
            return None
        first = np.uint64(int.from_bytes(hash_of(key_of(normal))[:8]))
        row = int(np.searchsorted(self.hashes, first))
        if row == len(self.hashes) or self.hashes[row] != first:
            return None
        return Link(*self.counts[row].item())


@lru_cache(maxsize=2)
def lookup(artifact: Artifact) -> Lookup:
    """The links of an artifact, opened (and their checksums seen to) once a process."""
    return Lookup(artifact)


def _mapped(artifact: Artifact, file: str, kind: np.dtype[Any]) -> np.ndarray:
    path = artifact.local(file)
    return np.asarray(np.memmap(path, kind, "r")) if path.stat().st_size else np.zeros(0, kind)


def tables(artifact: Artifact) -> Iterator[pa.Table]:
    """The links, in the order of their hashes, a file at a time."""
    for file in artifact.files():
        if file.endswith(f".{LINKS}"):
            yield read_file(artifact, file)
