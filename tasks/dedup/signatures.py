"""Measure: `signatures`, a document's MinHash signature and the exact hash of its words. Depends on the text alone."""

from typing import Any

import numpy as np
import pyarrow as pa

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.fixed import fixed
from tasks.runtime.job import Job
from tasks.runtime.shards import Output
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics


@statistics
class Signed:
    """`short`: documents of fewer words than a shingle."""

    documents: int = 0
    short: int = 0


class Signing:
    """The signatures of one shard's rows."""

    def __init__(
        self, out: Output, shard: Shard, shared: dict[str, Any], *, shingle: int, permutations: int, seed: int
    ):
        self.out, self.shape = out, (shingle, permutations, seed)
        shared["signatures"] = self  # so that `hits`, whose scan of the words is the same, makes these on its way
        self.made: tuple[pa.Array, tuple[np.ndarray, ...]] | None = None
        self.rows = self.short = 0
        out.of(shard)

    def take(self, text: pa.Array) -> None:
        from tasks.kernels import minhash

        of, made = self.made or (None, None)
        self.made = None
        values, shingles, exact = made if made is not None and of is text else minhash.signatures(text, *self.shape)
        self.out.write(
            pa.table(
                {
                    "signature": fixed(values),
                    "exact": fixed(exact),
                    "shingles": pa.array(shingles.astype(np.int32)),
                }
            )
        )
        self.rows += len(text)
        self.short += int((shingles == 0).sum())

    def counts(self) -> Signed:
        return Signed(self.rows, self.short)


@stage(
    "signatures",
    kind="measure",
    section="duplicates",
    rows=Signing,
    columns=(
        Column("signature", None, "MinHash values: 4 bytes per permutation, little-endian uint32"),
        Column("exact", pa.binary(16), "hash of all its words"),
        Column("shingles", pa.int32(), "how many distinct shingles it has; 0 if it has fewer words than one"),
    ),
)
def signatures(job: Job, *, documents: Artifact, shingle: int, permutations: int, seed: int) -> Signed:
    """The MinHash signature of each document's shingles, and the exact hash of its words.

    A document of fewer words than a shingle has `shingles` 0 and is known by its exact hash alone.
    """
    return job.measure(documents, shingle=shingle, permutations=permutations, seed=seed)
