"""Measure: `heuristics`, what the rules of Gopher and C4 ask of a text, as counts. No verdict: `keep` has the limits.

Gopher: Rae et al. (2021), appendix A.1.1, and its table A1 for repetition. C4: Raffel et al. (2020), section 2.2. Where
the papers leave open what a word, a line or a repeated gram is, tasks/kernels/heuristics.py says what is counted here.
A text in a script without spaces between words has few words by this measure, and long ones.
"""

import pyarrow as pa

from tasks.quality.rule import Rule
from tasks.runtime.artifact import Artifact, Shard
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

# In the order in which a document that breaks several is told to have left.
RULES = {
    "words": Rule("words", None, "it has too few or too many words"),
    "mean_word_length": Rule("characters", "words", "its words are too short or too long on average"),
    "hashes": Rule("hashes", "words", "it has too many number signs for its words"),
    "ellipses": Rule("ellipses", "words", "it has too many ellipses for its words"),
    "bullet_lines": Rule("bullet_lines", "lines", "too many of its lines begin with a bullet"),
    "ellipsis_lines": Rule("ellipsis_lines", "lines", "too many of its lines end with an ellipsis"),
    "alphabetic_words": Rule("alphabetic_words", "words", "too few of its words hold a letter"),
    "stop_words": Rule("stop_words", None, "it has too few of English's most frequent words"),
    "duplicate_lines": Rule("duplicate_lines", "lines", "too many of its lines stood before"),
    "duplicate_paragraphs": Rule("duplicate_paragraphs", "paragraphs", "too many of its paragraphs stood before"),
    "duplicate_line_characters": Rule(
        "duplicate_line_characters", "characters", "too much of it is lines that stood before"
    ),
    "duplicate_paragraph_characters": Rule(
        "duplicate_paragraph_characters", "characters", "too much of it is paragraphs that stood before"
    ),
    **{
        f"top_{n}grams": Rule(f"top_{n}grams", "characters", f"too much of it is the same {n} words in a row")
        for n in (2, 3, 4)
    },
    **{
        f"repeated_{n}grams": Rule(
            f"repeated_{n}grams", "characters", f"too much of it is {n} words in a row that stood before"
        )
        for n in range(5, 11)
    },
    "terminal_lines": Rule("terminal_lines", "lines", "too few of its lines end as a sentence does"),
    "short_lines": Rule("short_lines", "lines", "too many of its lines are of fewer than 5 words"),
    "sentences": Rule("sentences", None, "it has too few sentences"),
    "whole_sentences": Rule("whole_sentences", None, "it has too few sentences on lines that C4 would keep"),
    "lorem_ipsum": Rule("lorem_ipsum", None, "it holds the printers' lorem ipsum"),
    "curly_brackets": Rule("curly_brackets", None, "it holds curly brackets, as code does"),
    "javascript_lines": Rule("javascript_lines", "lines", "too many of its lines name javascript"),
    "policy_lines": Rule("policy_lines", "lines", "too many of its lines name a policy"),
}


@statistics
class Counted:
    """Documents, and their words."""

    documents: int = 0
    words: int = 0


COLUMNS = tuple(Column(name, pa.int32(), meaning) for name, meaning in MEANINGS.items())
SCHEMA = pa.schema([(column.name, column.type) for column in COLUMNS])


@stage("heuristics", kind="measure", columns=COLUMNS)
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
