"""`tokens`: a source's kept text as token shards, a stream a split. Knows no weights.

Layout, little-endian: <key>.train.bin and <key>.validation.bin, uint16 (uint32 past 65,536 ids), every document
followed by <|endoftext|>; <key>.parquet says where each document lies; tokens.json gives type, ids and counts.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.runtime.shards import add
from tasks.runtime.stage import Artifact, Job, Output, Shard, stage
from tasks.tokens.pieces import Piece, pieces
from tasks.tokens.tokenizer import END_OF_TEXT

BATCH = 256  # documents handed to the tokenizer at a time
SPLITS = ("train", "validation")


@stage("tokens", libraries=("tokenizers",))
def tokens(
    job: Job,
    *,
    documents: Artifact,
    cuts: Artifact,
    tokenizer: Artifact,
    validation: float,
    seed: int,
) -> dict[str, Any]:
    """Token shards of a source; the rows of <key>.parquet are id, split, start, tokens."""
    vocabulary = tokenizer.statistics["vocabulary"]
    dtype = "uint16" if vocabulary <= 1 << 16 else "uint32"
    shards = documents.shards()
    parts = job.map(
        tokens_shard,
        [(shard.key, shard) for shard in shards],
        cuts=cuts,
        tokenizer=tokenizer.folder / "tokenizer.json",
        dtype=dtype,
        validation=validation,
        seed=seed,
    )
    about = {
        "dtype": dtype,
        "vocabulary": vocabulary,
        "end_of_text": vocabulary - 1,
        "tokenizer": tokenizer.fingerprint,
        "shards": [
            {"key": shard.key, "train": part["train"], "validation": part["validation"]}
            for shard, part in zip(shards, parts, strict=True)
        ],
    }
    with job.publish("tokens.json") as file:
        file.write(json.dumps(about, indent=1).encode())
    return add(parts)


def tokens_shard(
    out: Output, shard: Shard, *, cuts: Artifact, tokenizer: Path, dtype: str, validation: float, seed: int
) -> dict[str, Any]:
    # The engine has a process a core: the library's own threads would only contend.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    model = Tokenizer.from_file(str(tokenizer))
    model.encode_special_tokens = True  # a page that says "<|endoftext|>" says just that, and ends no document
    end = model.token_to_id(END_OF_TEXT)
    rows: dict[str, list[Any]] = {"id": [], "split": [], "start": [], "tokens": []}
    written = dict.fromkeys(SPLITS, 0)
    size = 0
    with out.open("train.bin") as train, out.open("validation.bin") as held:
        files = {"train": train, "validation": held}
        waiting: list[Piece] = []

        def flush() -> None:
            encoded = model.encode_batch_fast([piece.text for piece in waiting], add_special_tokens=False)
            for piece, one in zip(waiting, encoded, strict=True):
                split = SPLITS[piece.validation]
                ids = np.array([*one.ids, end], dtype=f"<{np.dtype(dtype).str[1:]}")
                files[split].write(ids.tobytes())
                for key, value in zip(rows, (piece.id, split, written[split], len(ids)), strict=True):
                    rows[key].append(value)
                written[split] += len(ids)
            waiting.clear()

        for piece in pieces(shard, cuts, validation, seed):
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
    return {"documents": len(rows["id"]), "bytes": size, **written}
