"""Fit: a tokenizer, of one of several kinds, from exact counts of the words of a sample of the training text.

The sample has weights of its own, in bytes: each group gives its share of the mixture, drawn by hash, so that it
depends neither on order nor on workers. Validation text is never seen. Kinds are in kinds/, one a file.
"""

from collections import Counter
from dataclasses import field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import kept_before
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.shards import read
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.kinds.files import FILE, files_of
from tasks.tokens.kinds.table import KINDS
from tasks.tokens.pieces import held_out, pieces


@statistics
class Learned:
    """Ids it has and was asked for; documents and bytes (per source) that it was made from; the id that ends a text.

    `words`: distinct ones that were counted; `merges` made of them. Of a user's own tokenizer nothing is known but its
    ids and `kind`, which is `file`.
    """

    vocabulary: int = 0
    asked: int = 0
    documents: int = 0
    bytes: dict[str, int] = field(default_factory=dict)
    end_of_text: int = 0
    kind: str = ""
    words: int = 0
    merges: int = 0


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
    texts: list[tuple[str, str]] = []
    sample_bytes = {}
    for source, artifact in documents.items():
        chosen = _sample(job, artifact, decisions[source], int(sample * shares[source]), validation, seed)
        sample_bytes[source] = sum(len(text.encode()) for _, text in chosen)
        texts.extend(chosen)
    if not texts:
        raise Failure("the tokenizer has no text to learn from: every document was filtered out; see `millrace status`")
    often = Counter(word.encode() for _, text in texts for word in how.splitter(text))
    words = sorted(often)
    library, merges = how.learn(
        pa.array(words, pa.large_binary()), np.array([often[word] for word in words], np.int64), vocabulary
    )
    publish(job, files_of(library, how.end_of_text))
    size, end = library.get_vocab_size(), library.get_vocab()[how.end_of_text]
    return Learned(size, vocabulary, len(texts), sample_bytes, end, kind, len(words), merges)


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


def _sample(
    job: Job, documents: Artifact, decision: Artifact, budget: int, validation: float, seed: int
) -> list[tuple[str, str]]:
    """(id, text) of the source's training pieces of smallest draw, up to `budget` bytes (and the one past it)."""
    shards = documents.shards()
    parts = job.engine.map(partial(sizes_of, decision=decision, validation=validation, seed=seed), shards)
    draws = np.concatenate([np.zeros(0), *(part[0] for part in parts)])
    sizes = np.concatenate([np.zeros(0, np.int64), *(part[1] for part in parts)])
    if not len(draws) or budget <= 0:
        return []
    order = np.argsort(draws, kind="stable")
    last = min(int(np.searchsorted(np.cumsum(sizes[order]), budget)), len(order) - 1)
    cut = draws[order[last]]
    chosen = job.engine.map(partial(texts_of, decision=decision, cut=cut, validation=validation, seed=seed), shards)
    return [text for part in chosen for text in part]


def _draws(shard: Shard, decision: Artifact, validation: float, seed: int) -> np.ndarray:
    """Draws of a shard's rows; 2 for those that are not training text."""
    ids = read(shard, ["id"]).column("id")
    keep = kept_before(decision, shard)
    return np.where(keep & ~held_out(ids, validation, seed), uniform(ids, seed, "tokenizer"), 2.0)


def sizes_of(shard: Shard, *, decision: Artifact, validation: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws and sizes in bytes (before cuts) of a shard's training documents."""
    draws = _draws(shard, decision, validation, seed)
    return draws[draws < 2], read(shard, ["bytes"]).column("bytes").to_numpy()[draws < 2]


def texts_of(shard: Shard, *, decision: Artifact, cut: float, validation: float, seed: int) -> list[tuple[str, str]]:
    wanted = _draws(shard, decision, validation, seed) <= cut
    return [(piece.id, piece.text) for piece in pieces(shard, decision, validation, seed, wanted)]
