"""Fit: a byte-level BPE tokenizer as GPT-2's, from a sample of the training text.

The sample has weights of its own, in bytes: each group gives its share of the mixture, drawn by hash, so that it
depends neither on order nor on workers. Validation text is never seen. 256 bytes, then the merges, and <|endoftext|> as
the last id (GPT-2: 50,256).
"""

from functools import partial
from typing import Any

import numpy as np

from tasks.kernels.draw import uniform
from tasks.runtime.errors import Failure
from tasks.runtime.shards import read, read_column
from tasks.runtime.stage import Artifact, Job, Shard, stage
from tasks.tokens.pieces import held_out, pieces

END_OF_TEXT = "<|endoftext|>"


@stage("tokenizer", libraries=("tokenizers", "numpy"))
def tokenizer(
    job: Job,
    *,
    documents: dict[str, Artifact],
    cuts: dict[str, Artifact],
    shares: dict[str, float],
    vocabulary: int,
    sample: int,
    validation: float,
    seed: int,
) -> dict[str, Any]:
    """tokenizer.json (for tokenizers and transformers). `shares` is a source's part of the sample's bytes.

    Raises:
        Failure: no training text at all.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    texts: list[tuple[str, str]] = []
    taken = {}
    for source, artifact in documents.items():
        chosen = _sample(job, artifact, cuts[source], int(sample * shares[source]), validation, seed)
        taken[source] = sum(len(text.encode()) for _, text in chosen)
        texts.extend(chosen)
    if not texts:
        raise Failure("the tokenizer has no text to learn from: every document was filtered out; see `millrace status`")
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 1,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
        special_tokens=[],
    )
    made.train_from_iterator((text for _, text in sorted(texts)), trainer)
    made.add_special_tokens([END_OF_TEXT])
    with job.publish("tokenizer.json") as file:
        file.write(made.to_str(pretty=True).encode())
    return {
        "vocabulary": made.get_vocab_size(),
        "asked": vocabulary,
        "documents": len(texts),
        "bytes": taken,
    }


def _sample(
    job: Job, documents: Artifact, cuts: Artifact, budget: int, validation: float, seed: int
) -> list[tuple[str, str]]:
    """(id, text) of the source's training pieces of smallest draw, up to `budget` bytes (and the one past it)."""
    shards = documents.shards()
    parts = job.engine.map(partial(sizes_of, cuts=cuts, validation=validation, seed=seed), shards)
    draws = np.concatenate([np.zeros(0), *(part[0] for part in parts)])
    sizes = np.concatenate([np.zeros(0, np.int64), *(part[1] for part in parts)])
    if not len(draws) or budget <= 0:
        return []
    order = np.argsort(draws, kind="stable")
    last = min(int(np.searchsorted(np.cumsum(sizes[order]), budget)), len(order) - 1)
    cut = draws[order[last]]
    chosen = job.engine.map(partial(texts_of, cuts=cuts, cut=cut, validation=validation, seed=seed), shards)
    return [one for part in chosen for one in part]


def _draws(shard: Shard, cuts: Artifact, validation: float, seed: int) -> np.ndarray:
    """Draws of a shard's rows; 2 for those that are not training text."""
    ids = read(shard, ["id"]).column("id")
    keep = read_column(cuts, shard, ["keep"]).column("keep").to_numpy()
    return np.where(keep & ~held_out(ids, validation, seed), uniform(ids, seed, "tokenizer"), 2.0)


def sizes_of(shard: Shard, *, cuts: Artifact, validation: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws and sizes in bytes (before cuts) of a shard's training documents."""
    draws = _draws(shard, cuts, validation, seed)
    return draws[draws < 2], read(shard, ["bytes"]).column("bytes").to_numpy()[draws < 2]


def texts_of(shard: Shard, *, cuts: Artifact, cut: float, validation: float, seed: int) -> list[tuple[str, str]]:
    wanted = _draws(shard, cuts, validation, seed) <= cut
    return [(piece.id, piece.text) for piece in pieces(shard, cuts, validation, seed, wanted)]
