"""Two measures that share a reading, and one that reads for itself; in a module that worker processes can import.

`TOY_STOP` names a shard at which `letters` fails; `run.read` in an artifact's folder gets a line for each shard that is
read for it, with the stages that took the same batches.
"""

import os
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.shards import Output
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics


@statistics
class Texts:
    documents: int = 0


@statistics
class Counted:
    documents: int = 0
    all: int = 0


@stage("texts", kind="input", version="1")
def texts(job: Job, *, shards: int) -> Texts:
    return job.total(texts_shard, [(f"{n:05d}", n) for n in range(shards)])


def texts_shard(out: Output, number: int) -> Texts:
    out.write(pa.table({"text": pa.array(["Ab c"] * (3 * number) + ["", "dé"], pa.large_string())}))
    return Texts(3 * number + 2)


class Rows:
    """Writes `pattern`'s count of each row."""

    pattern = ""

    def __init__(self, out: Output, shard: Shard, shared: dict[str, Any], *, times: int):
        self.out, self.times = out, times
        self.rows = self.all = 0
        self.together = shared.setdefault("stages", [])
        self.together.append(out.artifact.stage)
        out.of(shard)

    def take(self, text: pa.Array) -> None:
        counts = pc.multiply(pc.count_substring_regex(text, self.pattern), self.times)
        self.out.write(pa.table({"count": pc.cast(counts, pa.int64())}))
        self.rows += len(text)
        self.all += pc.sum(counts).as_py() or 0

    def counts(self) -> Counted:
        folder = self.out.artifact.folder
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "run.read").open("a") as file:
            file.write(f"{self.out.key} {'+'.join(self.together)}\n")
        return Counted(self.rows, self.all)


class Letters(Rows):
    pattern = "[a-z]"

    def take(self, text: pa.Array) -> None:
        if os.environ.get("TOY_STOP") == self.out.key:
            raise Failure(f"shard {self.out.key} is where it stops")
        super().take(text)


class Capitals(Rows):
    pattern = "[A-Z]"


COUNT = (Column("count", pa.int64(), "how often"),)


@stage("letters", kind="measure", version="1", columns=COUNT, rows=Letters)
def letters(job: Job, *, documents: Artifact, times: int) -> Counted:
    return job.measure(documents, times=times)


@stage("capitals", kind="measure", version="1", columns=COUNT, rows=Capitals)
def capitals(job: Job, *, documents: Artifact, times: int) -> Counted:
    return job.measure(documents, times=times)


@stage("size", kind="measure", version="1", columns=COUNT)
def size(job: Job, *, documents: Artifact) -> Counted:
    return job.total(size_shard, [(shard.key, shard) for shard in documents.shards()])


def size_shard(out: Output, shard: Shard) -> Counted:
    out.of(shard)
    out.write(pa.table({"count": pa.array([0] * shard.rows, pa.int64())}))
    return Counted(shard.rows)
