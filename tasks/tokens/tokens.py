"""`tokens`: a source's kept text as token shards, a stream per split. Knows no weights.

Layout, little-endian: <key>.train.bin and <key>.validation.bin, uint16 (uint32 past 65,536 ids), every document
followed by <|endoftext|>; <key>.parquet says where each document lies; tokens.json gives type, ids and counts.
"""

import json
import os
from dataclasses import dataclass
from typing import Any

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
class Tokenised:
    """Documents (pieces), bytes of their text, and tokens of either split, each document's end among them."""

    documents: int = 0
    bytes: int = 0
    train: int = 0
    validation: int = 0


@stage("tokens", kind="export", section="tokenizer", tell=tell_tokens, libraries=("tokenizers",))
def tokens(
    job: Job,
    *,
    documents: Artifact,
    decision: Artifact,
    tokenizer: Artifact,
    validation: float,
    seed: int,
) -> Tokenised:
    """Token shards of a source; the rows of <key>.parquet are id, split, start, tokens.

    `decision` is the source's last one.
    """
    vocabulary = vocabulary_of(tokenizer)
    dtype = "uint16" if vocabulary <= 1 << 16 else "uint32"
    shards = documents.shards()
    settings = {"tokenizer": tokenizer, "dtype": dtype, "validation": validation, "seed": seed}
    parts = job.map(tokens_shard, [(shard.key, shard) for shard in shards], decision=decision, **settings)
    about = {
        "dtype": dtype,
        "vocabulary": vocabulary,
        "end_of_text": vocabulary - 1,
        "tokenizer": tokenizer.fingerprint,
        "shards": [
            {
                "key": shard.key,
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

    def files(self, split: str) -> list[str]:
        """The split's files in the artifact, in order."""
        return [f"{shard['key']}.{split}.bin" for shard in self.about["shards"]]

    def read(self, file: str) -> np.ndarray:
        """The ids of one file, checked."""
        return np.fromfile(self.artifact.local(file), np.dtype(self.about["dtype"]).newbyteorder("<"))


def tokens_shard(
    out: Output, shard: Shard, *, decision: Artifact, tokenizer: Artifact, dtype: str, validation: float, seed: int
) -> Tokenised:
    # The engine has a process per core: the library's own threads would only contend.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    model = Tokenizer.from_file(str(tokenizer_file(tokenizer)))
    model.encode_special_tokens = True  # a page that says "<|endoftext|>" says just that, and ends no document
    end = model.token_to_id(END_OF_TEXT)
    rows: dict[str, list[Any]] = {"id": [], "split": [], "start": [], "tokens": []}
    written = dict.fromkeys(SPLITS, 0)
    size = 0
    with out.open("train.bin") as train, out.open("validation.bin") as held_out:
        files = {"train": train, "validation": held_out}
        waiting: list[Piece] = []

        def flush() -> None:
            encoded = model.encode_batch_fast([piece.text for piece in waiting], add_special_tokens=False)
            for piece, encoding in zip(waiting, encoded, strict=True):
                split = SPLITS[piece.validation]
                ids = np.array([*encoding.ids, end], dtype=f"<{np.dtype(dtype).str[1:]}")
                files[split].write(ids.tobytes())
                for key, value in zip(rows, (piece.id, split, written[split], len(ids)), strict=True):
                    rows[key].append(value)
                written[split] += len(ids)
            waiting.clear()

        for piece in pieces(shard, decision, validation, seed):
            size += len(piece.text.encode())
            waiting.append(piece)
            if len(waiting) == BATCH:
                flush()
        flush()
    out.write(
        pa.table(
            {
                "id": pa.array(rows["id"], pa.string()),
                "split": pa.array(rows["split"], pa.string()),
                "start": pa.array(rows["start"], pa.int64()),
                "tokens": pa.array(rows["tokens"], pa.int64()),
            }
        )
    )
    return Tokenised(len(rows["id"]), size, written["train"], written["validation"])
