"""Fit: a byte-level BPE tokenizer as GPT-2's, from a sample of the training text.

The sample has weights of its own, in bytes: each group gives its share of the mixture, drawn by hash, so that it
depends neither on order nor on workers. Validation text is never seen. 256 bytes, then the merges, and <|endoftext|> as
the last id (GPT-2: 50,256).
"""

from dataclasses import field
from functools import partial
from pathlib import Path

import numpy as np

from model.tokenizer import END_OF_TEXT
from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import kept_before
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.shards import read
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.pieces import held_out, pieces

FILE = "tokenizer.json"


@statistics
class Learned:
    """Ids it has and was asked for; documents and bytes (per source) that it was made from; the id that ends a text."""

    vocabulary: int = 0
    asked: int = 0
    documents: int = 0
    bytes: dict[str, int] = field(default_factory=dict)
    end_of_text: int = 0


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
) -> Learned:
    """A byte-level BPE tokenizer (for tokenizers and transformers).

    `decisions` are the sources' last ones, `shares` a source's part of the sample's bytes.

    Raises:
        Failure: no training text at all.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    texts: list[tuple[str, str]] = []
    sample_bytes = {}
    for source, artifact in documents.items():
        chosen = _sample(job, artifact, decisions[source], int(sample * shares[source]), validation, seed)
        sample_bytes[source] = sum(len(text.encode()) for _, text in chosen)
        texts.extend(chosen)
    if not texts:
        raise Failure("the tokenizer has no text to learn from: every document was filtered out; see `millrace status`")
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 1,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
        special_tokens=[],
    )
    bpe.train_from_iterator((text for _, text in sorted(texts)), trainer)
    bpe.add_special_tokens([END_OF_TEXT])
    with job.publish(FILE) as file:
        file.write(bpe.to_str(pretty=True).encode())
    end = bpe.token_to_id(END_OF_TEXT)
    return Learned(bpe.get_vocab_size(), vocabulary, len(texts), sample_bytes, end)


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
