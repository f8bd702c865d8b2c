"""`tokens`: a source's kept text as token shards, a stream per split. Knows no weights.

Layout, little-endian: <key>.train.bin and <key>.validation.bin, uint16 (uint32 past 65,536 ids), every document
followed by <|endoftext|>; <key>.parquet says where each document lies; tokens.json gives type, ids and counts.

Documents lie in the order of their shard. With `sizes` (of clusters, ascending) a train stream has first those of
clusters of fewer members, then those from the first size on, from the second on, and so on: tokens.json says how many
tokens each of these parts has, and a mixture may read some parts several times an epoch. How often is no matter of this
stage: each document is written once.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
import pyarrow as pa

from model.tokenizer import END_OF_TEXT
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.job import Job
from tasks.runtime.shards import Output
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics, total
from tasks.tokens.pieces import Piece, pieces
from tasks.tokens.tokenizer import tokenizer_file, vocabulary_of
from tasks.tokens.told import tell_tokens

BATCH = 256  # documents handed to the tokenizer at a time
SPLITS = ("train", "validation")
FILE = "tokens.json"


@statistics
class Clustered:
    """Documents (pieces) of the train split, bytes of their text, and their tokens."""

    documents: int = 0
    bytes: int = 0
    tokens: int = 0


@statistics
class Tokenised:
    """Documents (pieces), bytes of their text, and tokens of either split, each document's end among them.

    `clusters`: those of train by the size from which their clusters are, "1" the smallest; none without `sizes`.
    """

    documents: int = 0
    bytes: int = 0
    train: int = 0
    validation: int = 0
    clusters: dict[str, Clustered] = field(default_factory=dict)


@stage("tokens", kind="export", section="tokenizer", tell=tell_tokens, libraries=("tokenizers",))
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
        "vocabulary": vocabulary,
        "end_of_text": vocabulary - 1,
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
    return total(Tokenised, parts)


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

    @property
    def sha256(self) -> str:
        """Of tokens.json, which names the checksum of every token file."""
        return self.artifact.file(FILE).sha256

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


class TrainStream:
    """A shard's train stream: the first part as it comes, the others kept in memory until all is known."""

    def __init__(self, file: IO[bytes], sizes: Sequence[int]) -> None:
        self.file, self.sizes = file, (1, *sizes)
        self._later = [bytearray() for _ in sizes]
        self.counts = [Clustered() for _ in self.sizes]

    def part(self, members: int) -> int:
        """In which part a document of such a cluster lies."""
        return int(np.searchsorted(self.sizes, members, side="right")) - 1

    def add(self, part: int, ids: np.ndarray, size: int) -> int:
        """Add a document of `size` bytes of text; where in its part it begins."""
        before = self.counts[part]
        (self._later[part - 1].extend if part else self.file.write)(ids.tobytes())
        self.counts[part] = Clustered(before.documents + 1, before.bytes + size, before.tokens + len(ids))
        return before.tokens

    def finish(self) -> np.ndarray:
        """Write the other parts behind the first; int64, where each begins."""
        for later in self._later:
            self.file.write(later)
        return np.cumsum([0, *(counts.tokens for counts in self.counts[:-1])])

    @property
    def clusters(self) -> dict[str, Clustered]:
        return {str(size): counts for size, counts in zip(self.sizes, self.counts, strict=True)}


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
    # The engine has a process per core: the library's own threads would only contend.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    model = Tokenizer.from_file(str(tokenizer_file(tokenizer)))
    model.encode_special_tokens = True  # a page that says "<|endoftext|>" says just that, and ends no document
    end = model.token_to_id(END_OF_TEXT)
    rows: dict[str, list[Any]] = {"id": [], "split": [], "part": [], "start": [], "tokens": []}
    size, of_validation = 0, 0
    with out.open("train.bin") as file, out.open("validation.bin") as held_out:
        train = TrainStream(file, sizes)
        waiting: list[Piece] = []

        def flush() -> None:
            nonlocal size, of_validation
            encoded = model.encode_batch_fast([piece.text for piece in waiting], add_special_tokens=False)
            for piece, encoding in zip(waiting, encoded, strict=True):
                ids = np.array([*encoding.ids, end], dtype=f"<{np.dtype(dtype).str[1:]}")
                text_size = len(piece.text.encode())
                size += text_size
                part, start = 0, of_validation
                if piece.validation:
                    held_out.write(ids.tobytes())
                    of_validation += len(ids)
                else:
                    part = train.part(piece.members)
                    start = train.add(part, ids, text_size)
                row = (piece.id, SPLITS[piece.validation], part, start, len(ids))
                for key, value in zip(rows, row, strict=True):
                    rows[key].append(value)
            waiting.clear()

        for piece in pieces(shard, decision, validation, seed, clustered=bool(sizes)):
            waiting.append(piece)
            if len(waiting) == BATCH:
                flush()
        flush()
        begins = train.finish()
    start = np.array(rows["start"], np.int64) + begins[np.array(rows["part"], np.int64)]  # part 0 begins at 0
    out.write(
        pa.table(
            {
                "id": pa.array(rows["id"], pa.string()),
                "split": pa.array(rows["split"], pa.string()),
                "start": pa.array(start, pa.int64()),
                "tokens": pa.array(rows["tokens"], pa.int64()),
            }
        )
    )
    of_train = sum(counts.tokens for counts in train.counts)
    return Tokenised(len(rows["id"]), size, of_train, of_validation, train.clusters if sizes else {})
