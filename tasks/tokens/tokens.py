"""`tokens`: a source's kept text as token shards, a stream per split. Knows no weights.

A token shard is a set of aligned streams, arrays of one number a token, little-endian. There is one, `tokens`, uint16
(uint32 past 65,536 ids), in <key>.train.bin and <key>.validation.bin, every document followed by the tokenizer's end of
text. A stream of another name, with its type in tokens.json's `streams`, would lie in <key>.<split>.<name>.bin, with as
many numbers. <key>.parquet says where each document lies; tokens.json gives types, ids and counts; ids.npy how often
each id stands in train.

Documents lie in the order of their shard. With `sizes` (of clusters, ascending) a train stream has first those of
clusters of fewer members, then those from the first size on, from the second on, and so on: tokens.json says how many
tokens each of these parts has, and a mixture may read some parts several times an epoch. How often is no matter of this
stage: each document is written once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import kept_before
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.shards import COMPRESSION, Output, read
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics, total
from tasks.tokens.encode import Checked, encoder_of
from tasks.tokens.pieces import piece_batches
from tasks.tokens.streams import VALIDATION, Index, Streams
from tasks.tokens.tokenizer import end_of_text_of, vocabulary_of
from tasks.tokens.told import tell_tokens

AT_ONCE = 4 << 20  # bytes of text encoded at a time: text, ids and the stream stay below 20 MB
FILE = "tokens.json"
IDS = "ids.npy"
UNKNOWN = "unknown"  # the language that `ingest` counts documents under that have none


@statistics
class Encoded:
    """Documents (pieces), bytes of their text, and their tokens, each document's end among them."""

    documents: int = 0
    bytes: int = 0
    tokens: int = 0


@statistics
class Tokenised:
    """Documents (pieces), bytes of their text, and tokens of either split, each document's end among them.

    `clusters`: those of train by the size from which their clusters are, "1" the smallest; none without `sizes`.
    `languages`: of either split, by the documents' language, "unknown" where none was told.
    """

    documents: int = 0
    bytes: int = 0
    train: int = 0
    validation: int = 0
    clusters: dict[str, Encoded] = field(default_factory=dict)
    languages: dict[str, Encoded] = field(default_factory=dict)


@stage("tokens", kind="export", section="tokenizer", tell=tell_tokens, libraries=("gigatoken", "tokenizers"))
def tokens(
    job: Job,
    *,
    documents: Artifact,
    decision: Artifact,
    tokenizer: Artifact,
    validation: float,
    seed: int,
    sizes: Sequence[int] = (),
) -> Tokenised:
    """Token shards of a source; the rows of <key>.parquet are id, split, start, tokens.

    `decision` is the source's last one; `sizes`: see the module's head.
    """
    vocabulary = vocabulary_of(tokenizer)
    dtype = "uint16" if vocabulary <= 1 << 16 else "uint32"
    shards = documents.shards()
    settings = {"tokenizer": tokenizer, "dtype": dtype, "validation": validation, "seed": seed, "sizes": tuple(sizes)}
    parts = job.map(tokens_shard, [(shard.key, shard) for shard in shards], decision=decision, **settings)
    about = {
        "dtype": dtype,
        "streams": {"tokens": dtype},
        "vocabulary": vocabulary,
        "end_of_text": end_of_text_of(tokenizer),
        "tokenizer": tokenizer.fingerprint,
        **({"sizes": [1, *sizes]} if sizes else {}),
        "shards": [
            {
                "key": shard.key,
                **({"clusters": _by_size(part, sizes)} if sizes else {}),
                "train": part.train,
                "train_sha256": job.files[f"{shard.key}.train.bin"].sha256,
                "validation": part.validation,
                "validation_sha256": job.files[f"{shard.key}.validation.bin"].sha256,
            }
            for shard, part in zip(shards, parts, strict=True)
        ],
    }
    with job.publish(FILE) as file:
        file.write(json.dumps(about, indent=1).encode())
    with job.publish(IDS) as file:
        np.save(file, _id_counts(job, [shard.key for shard in shards], vocabulary), allow_pickle=False)
    return total(Tokenised, parts)


def _id_counts(job: Job, keys: Sequence[str], vocabulary: int) -> np.ndarray:
    """int64 (vocabulary,): the sum of the shards' counts."""
    counts = np.zeros(vocabulary, np.int64)
    for key in keys:
        name = f"{key}.ids.parquet"
        table = pq.read_table(job.store.local(job.artifact.name_of(name), job.files[name].sha256))
        counts[table.column("id").to_numpy()] += table.column("count").to_numpy()
    return counts


def _by_size(counts: Tokenised, sizes: Sequence[int]) -> list[int]:
    """Train tokens of each part of the stream."""
    return [counts.clusters[str(size)].tokens for size in (1, *sizes)]


@dataclass(frozen=True)
class TokenShards:
    """A source's tokens, as their artifact has them."""

    artifact: Artifact
    about: dict[str, Any]  # tokens.json

    @classmethod
    def of(cls, tokens: Artifact) -> "TokenShards":
        return cls(tokens, json.loads(tokens.read(FILE)))

    def require(self, tokenizer: Artifact) -> None:
        """Failure where another tokenizer made them: its ids would be other words."""
        if self.about["tokenizer"] != tokenizer.fingerprint:
            raise Failure(
                f"{self.artifact.label} was made by tokenizer {self.about['tokenizer']}, not by {tokenizer.label}: "
                "make its tokens again with that tokenizer"
            )

    @property
    def sha256(self) -> str:
        """Of tokens.json, which names the checksum of every token file."""
        return self.artifact.file(FILE).sha256

    def id_counts(self) -> np.ndarray:
        """int64 (vocabulary,): how often each id stands in train, what ends a document among them."""
        counts: np.ndarray = np.load(self.artifact.local(IDS), allow_pickle=False)
        return counts

    def count(self, split: str) -> int:
        """Tokens of a split."""
        return sum(shard[split] for shard in self.about["shards"])

    def clusters(self) -> dict[int, int]:
        """Train tokens by the size from which their documents' clusters are; all are from 1 on where none are apart."""
        sizes = self.about.get("sizes", [1])
        parts = [shard.get("clusters", [shard["train"]]) for shard in self.about["shards"]]
        return {size: sum(part[place] for part in parts) for place, size in enumerate(sizes)}

    def files(self, split: str) -> list[str]:
        """The split's files in the artifact, in order."""
        return [f"{shard['key']}.{split}.bin" for shard in self.about["shards"]]

    def read(self, file: str) -> np.ndarray:
        """The ids of one file, checked."""
        return np.fromfile(self.artifact.local(file), np.dtype(self.about["dtype"]).newbyteorder("<"))


def tokens_shard(
    out: Output,
    shard: Shard,
    *,
    decision: Artifact,
    tokenizer: Artifact,
    dtype: str,
    validation: float,
    seed: int,
    sizes: tuple[int, ...],
) -> Tokenised:
    encoder = encoder_of(tokenizer)
    rows = read(shard, ["id", "bytes", "language"])
    text_bytes = rows.column("bytes").to_numpy()
    checked = Checked(encoder, rows.column("id"), text_bytes, kept_before(decision, shard), seed)
    with out.open("train.bin") as train, out.open("validation.bin") as held_out, out.open("ids.parquet") as file:
        end, vocabulary = end_of_text_of(tokenizer), vocabulary_of(tokenizer)
        streams = Streams(train, held_out, sizes, dtype, end, vocabulary)
        for batch in piece_batches(shard, decision, validation, seed, clustered=bool(sizes)):
            for part in batch.parts(AT_ONCE):
                ids, ends = encoder.encode(part.text)
                checked.check(part.rows, part.ids, part.text, ids, ends)
                streams.add(part, ids, ends)
        index = streams.finish()
        used = np.flatnonzero(streams.id_counts)
        pq.write_table(pa.table({"id": used, "count": streams.id_counts[used]}), file, compression=COMPRESSION)
    out.write(index.table())
    language = rows.column("language").fill_null(UNKNOWN).combine_chunks().dictionary_encode()
    spoken = language.indices.to_numpy()[index.rows]
    by_language = {name: _sum(index, spoken == number) for number, name in enumerate(language.dictionary.to_pylist())}
    clusters = {str(size): _sum(index, index.part == number) for number, size in enumerate(streams.sizes)}
    whole, of_train = _sum(index, index.part == index.part), _sum(index, index.part != VALIDATION)
    return Tokenised(
        documents=whole.documents,
        bytes=whole.bytes,
        train=of_train.tokens,
        validation=whole.tokens - of_train.tokens,
        clusters=clusters if sizes else {},
        languages={name: counts for name, counts in by_language.items() if counts.documents},
    )


def _sum(index: Index, chosen: np.ndarray) -> Encoded:
    return Encoded(int(chosen.sum()), int(index.sizes[chosen].sum()), int(index.tokens[chosen].sum()))
