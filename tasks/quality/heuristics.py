"""Measure: `heuristics`, what the rules of Gopher and C4 ask of a text, as counts. No verdict: `keep` has the limits.

Gopher: Rae et al. (2021), appendix A.1.1, and its table A1 for repetition. C4: Raffel et al. (2020), section 2.2. Where
the papers leave open what a word, a line or a repeated gram is, tasks/kernels/heuristics.py says what is counted here.
A text in a script without spaces between words has few words by this measure, and long ones.
"""

import pyarrow as pa

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import tell_counts
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, batches
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics

MEANINGS = {
    "characters": "code points that are no white space; of these are the counts of characters below",
    "words": "runs of such characters",
    "alphabetic_words": "words that hold a letter",
    "stop_words": "how many of the, be, to, of, and, that, have, with occur as a word",
    "hashes": "number signs (#)",
    "ellipses": "ellipses: ... or …",
    "curly_brackets": "opening and closing ones",
    "lorem_ipsum": "how often `lorem ipsum` occurs, in any case",
    "lines": "lines that hold a word",
    "bullet_lines": "lines that begin with a bullet, a dash or an asterisk",
    "ellipsis_lines": "lines that end with an ellipsis",
    "terminal_lines": "lines that end with . ! ? or an end quotation mark, but no ellipsis",
    "short_lines": "lines of fewer than 5 words",
    "javascript_lines": "lines that name javascript, in any case",
    "policy_lines": "lines that name terms of use, a privacy or cookie policy, or the use of cookies",
    "sentences": "words that end with . ! ? or …, closing quotes and brackets aside",
    "whole_sentences": "those of lines that C4 keeps: terminal, not short, naming neither javascript nor a policy",
    "duplicate_lines": "lines that stood before",
    "duplicate_line_characters": "characters in them",
    "paragraphs": "runs of lines without one between them that holds no word",
    "duplicate_paragraphs": "paragraphs that stood before",
    "duplicate_paragraph_characters": "characters in them",
    **{f"top_{n}grams": f"characters within the {n} words in a row that occur most often, if twice" for n in (2, 3, 4)},
    **{f"repeated_{n}grams": f"characters within {n} words in a row that stood before" for n in range(5, 11)},
}


@statistics
class Counted:
    """Documents, and their words."""

    documents: int = 0
    words: int = 0


COLUMNS = tuple(Column(name, pa.int32(), meaning) for name, meaning in MEANINGS.items())
SCHEMA = pa.schema([(column.name, column.type) for column in COLUMNS])


@stage("heuristics", kind="measure", section="rules", columns=COLUMNS, tell=tell_counts)
def heuristics(job: Job, *, documents: Artifact) -> Counted:
    """What Gopher's and C4's rules ask of each document of a source, as counts."""
    return job.total(heuristics_shard, [(shard.key, shard) for shard in documents.shards()])


def heuristics_shard(out: Output, shard: Shard) -> Counted:
    from tasks.kernels.heuristics import COLUMNS as COUNTED
    from tasks.kernels.heuristics import counts_of

    out.of(shard)
    out.write(SCHEMA.empty_table())
    documents = words = 0
    for batch in batches(shard, ["text"]):
        counts = dict(zip(COUNTED, counts_of(batch.column("text")).T, strict=True))
        out.write(pa.table([pa.array(counts[name], pa.int32()) for name in MEANINGS], schema=SCHEMA))
        documents += batch.num_rows
        words += int(counts["words"].sum())
    return Counted(documents, words)
