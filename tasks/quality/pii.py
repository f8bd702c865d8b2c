"""Measure: `pii`, how often a text holds what looks like personal data. Counts alone: what was found is not written.

The patterns, and what they leave out, are described in tasks/kernels/pii.py.
"""

import pyarrow as pa

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import tell_counts
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, batches
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics

MEANINGS = {
    "emails": "e-mail addresses",
    "ipv4": "public IPv4 addresses",
    "ipv6": "public IPv6 addresses",
    "phones": "telephone numbers: + and 8 to 15 digits, or as in North America",
    "ibans": "international bank account numbers, their check digits right",
    "cards": "numbers of payment cards, their check digit right",
}
COLUMNS = tuple(Column(name, pa.int32(), meaning) for name, meaning in MEANINGS.items())
SCHEMA = pa.schema([(column.name, column.type) for column in COLUMNS])


@statistics
class Found:
    """Documents, and by pattern those that hold it."""

    documents: int = 0
    emails: int = 0
    ipv4: int = 0
    ipv6: int = 0
    phones: int = 0
    ibans: int = 0
    cards: int = 0


@stage("pii", kind="measure", section="rules", columns=COLUMNS, tell=tell_counts)
def pii(job: Job, *, documents: Artifact) -> Found:
    """How often each document of a source holds what looks like personal data."""
    return job.total(pii_shard, [(shard.key, shard) for shard in documents.shards()])


def pii_shard(out: Output, shard: Shard) -> Found:
    from tasks.kernels.pii import COLUMNS as PATTERNS
    from tasks.kernels.pii import counts_of

    out.of(shard)
    out.write(SCHEMA.empty_table())  # a shard without rows has its columns too
    documents, holding = 0, dict.fromkeys(MEANINGS, 0)
    for batch in batches(shard, ["text"]):
        counts = dict(zip(PATTERNS, counts_of(batch.column("text")).T, strict=True))
        out.write(pa.table([pa.array(counts[name], pa.int32()) for name in MEANINGS], schema=SCHEMA))
        documents += batch.num_rows
        for name in MEANINGS:
            holding[name] += int((counts[name] > 0).sum())
    return Found(documents=documents, **holding)
