"""Measure: `signatures`, a document's MinHash signature and the exact hash of its words. Depends on the text alone."""

from itertools import chain

import numpy as np
import pyarrow as pa

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.fixed import fixed
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, batches
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics


@statistics
class Signed:
    """`short`: documents of fewer words than a shingle."""

    documents: int = 0
    short: int = 0


@stage(
    "signatures",
    kind="measure",
    section="duplicates",
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
    items = [(shard.key, shard) for shard in documents.shards()]
    return job.total(signatures_shard, items, shingle=shingle, permutations=permutations, seed=seed)


def signatures_shard(out: Output, shard: Shard, *, shingle: int, permutations: int, seed: int) -> Signed:
    from tasks.kernels import minhash

    out.of(shard)
    rows = short = 0
    nothing = pa.array([], pa.large_string())  # so that a shard without rows has its column too
    for text in chain([nothing], (batch.column("text") for batch in batches(shard, ["text"]))):
        values, shingles, exact = minhash.signatures(text, shingle, permutations, seed)
        out.write(
            pa.table(
                {
                    "signature": fixed(values),
                    "exact": fixed(exact),
                    "shingles": pa.array(shingles.astype(np.int32)),
                }
            )
        )
        rows += len(text)
        short += int((shingles == 0).sum())
    return Signed(rows, short)
