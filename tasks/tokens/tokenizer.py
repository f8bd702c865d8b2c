"""Fit: a tokenizer, of one of several kinds, from exact counts of the words of a sample of the training text.

The sample has weights of its own, in bytes: each group gives its share of the mixture, drawn by hash, so that it
depends neither on order nor on workers. Validation text is never seen. Kinds are in kinds/, one a file.
"""

from dataclasses import field
from pathlib import Path
from typing import Any

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.counts import counted
from tasks.tokens.kinds.files import FILE, files_of
from tasks.tokens.kinds.table import KINDS
from tasks.tokens.sample import drawn_up_to


@statistics
class Learned:
    """Ids it has and was asked for; documents and bytes (per source) that it was made from; the id that ends a text.

    `words`: distinct ones that it was made from, met `least` times and more; `left_out`: others, for want of memory.
    `merges` were made of them. Of a user's own tokenizer nothing is known but its ids and `kind`, which is `file`.
    """

    vocabulary: int = 0
    asked: int = 0
    documents: int = 0
    bytes: dict[str, int] = field(default_factory=dict)
    end_of_text: int = 0
    kind: str = ""
    words: int = 0
    merges: int = 0
    least: int = 0
    left_out: int = 0


@stage("tokenizer", kind="fit", section="tokenizer", libraries=("tokenizers", "numpy"))
def tokenizer(
    job: Job,
    *,
    documents: dict[str, Artifact],
    decisions: dict[str, Artifact],
    shares: dict[str, float],
    vocabulary: int,
    sample: int,
    validation: float,
    seed: int,
    kind: str = "byte-bpe",
) -> Learned:
    """A tokenizer that training text has made, in the files of `tokenizers`, transformers and tiktoken.

    `decisions` are the sources' last ones, `shares` a source's part of the sample's bytes; `kind`: of kinds/table.py.

    Raises:
        Failure: no training text at all.
    """
    how = KINDS[kind]
    reading: dict[str, Any] = {"validation": validation, "seed": seed}
    taken = {
        source: drawn_up_to(job, artifact, decisions[source], int(sample * shares[source]), **reading)
        for source, artifact in documents.items()
    }
    found = counted(job, documents, decisions, how.splitter, taken=taken, **reading)
    if not sum(found.documents.values()):
        raise Failure("the tokenizer has no text to learn from: every document was filtered out; see `millrace status`")
    library, merges = how.learn(found.words, found.counts, vocabulary)
    publish(job, files_of(library, how.end_of_text))
    return Learned(
        vocabulary=library.get_vocab_size(),
        asked=vocabulary,
        documents=sum(found.documents.values()),
        bytes=found.bytes,
        end_of_text=library.get_vocab()[how.end_of_text],
        kind=kind,
        words=len(found.words),
        merges=merges,
        least=found.least,
        left_out=found.left_out,
    )


def publish(job: Job, files: dict[str, bytes]) -> None:
    """A tokenizer's files, by name."""
    for name, content in files.items():
        with job.publish(name) as file:
            file.write(content)


def tokenizer_file(tokenizer: Artifact) -> Path:
    """A local path of its tokenizer.json, checked."""
    return tokenizer.local(FILE)


def vocabulary_of(tokenizer: Artifact) -> int:
    """How many ids it has."""
    return tokenizer.counts(Learned).vocabulary


def end_of_text_of(tokenizer: Artifact) -> int:
    """The id that ends a text."""
    return tokenizer.counts(Learned).end_of_text
