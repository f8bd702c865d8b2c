"""A stage that keeps what `counted` gives, in a module of its own: workers import it by name."""

from dataclasses import field

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import read_file
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.counts import BUDGET, Splitter, Words, counted, gpt2_pretokens

FILE = "words.parquet"


@statistics
class Told:
    documents: dict[str, int] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)
    least: int = 0
    left_out: int = 0
    left_out_met: int = 0


def by_blanks(text: str) -> list[str]:
    return text.split(" ")


SPLITTERS: dict[str, Splitter] = {"gpt2": gpt2_pretokens, "blanks": Words(by_blanks)}


@stage("counting", kind="fit", version="1")
def counting(
    job: Job,
    *,
    documents: dict[str, Artifact],
    decisions: dict[str, Artifact],
    splitter: str,
    taken: dict[str, float | None],
    budget: int,
) -> Told:
    found = counted(job, documents, decisions, SPLITTERS[splitter], taken=taken, validation=0.2, seed=1, budget=budget)
    with job.publish(FILE) as file:
        pq.write_table(pa.table({"word": found.words, "count": found.counts}), file)
    return Told(found.documents, found.bytes, found.least, found.left_out, found.left_out_met)


def words_of(
    run: Run,
    documents: dict[str, Artifact],
    decisions: dict[str, Artifact],
    splitter: str = "gpt2",
    taken: dict[str, float | None] | None = None,
    budget: int = BUDGET,
) -> tuple[list[tuple[bytes, int]], Told]:
    """((word, count) of each, in order; what was told)."""
    taken = taken or dict.fromkeys(documents, 1.0)
    made = run(
        counting, "words", documents=documents, decisions=decisions, splitter=splitter, taken=taken, budget=budget
    )
    table = read_file(made, FILE)
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True)), made.counts(Told)
