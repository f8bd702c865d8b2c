"""Token shards, read: a source's files as its tokens.json lists them, and many files as one stream.

A shard is a set of aligned streams, a number a token each: `tokens`, in <key>.<split>.bin, and others by name, such as
`loss_mask`, in <key>.<split>.<stream>.bin. tokens.json names them with their types (`streams`; if absent, `tokens`
alone) and gives the tokens of each shard and split, which every stream must hold. numpy only.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.files import REMEDY, Bucket, Folder
from model.tokenizer import require_same

TOKENS = "tokens"  # the stream that every shard has


@dataclass(frozen=True)
class Part:
    """Of a token file: its name below the store, how many tokens are read, the sha256 of its bytes (hex) where one is
    recorded, and the place of the first token that is read."""

    name: str
    tokens: int
    sha256: str | None = None
    start: int = 0


class Stream:
    """Token files, read as if they were one: each opened (from a URL: brought here) when first touched."""

    def __init__(self, store: Folder | Bucket, parts: Sequence[Part], dtype: np.dtype[Any]) -> None:
        self.store, self.dtype = store, dtype
        self.parts = [part for part in parts if part.tokens]
        ends = np.cumsum([part.tokens for part in self.parts], dtype=np.int64)
        self.starts = np.concatenate([[0], ends]).astype(np.int64)
        self.tokens = int(self.starts[-1])

    def read(self, start: int, length: int) -> NDArray[np.int64]:
        """Tokens start ... start + length - 1, (length,), across files where need be. ValueError for a damaged file."""
        out = np.empty(length, np.int64)
        file, filled = int(np.searchsorted(self.starts, start, side="right")) - 1, 0
        while filled < length:
            part, skipped = self.parts[file], start + filled - int(self.starts[file])
            count = min(length - filled, part.tokens - skipped)
            width = self.dtype.itemsize
            with self.store.open(part.name, part.sha256) as opened:
                raw = os.pread(opened.fileno(), count * width, (part.start + skipped) * width)
            if len(raw) != count * width:
                raise ValueError(
                    f"{self.store.place(part.name)} ends before its {part.start + part.tokens} tokens: {REMEDY}"
                )
            out[filled : filled + count] = np.frombuffer(raw, self.dtype)
            filled, file = filled + count, file + 1
        return out


@dataclass(frozen=True)
class Source:
    """A source's files. Train by stream and by the passes of an epoch: all documents, those that count twice or more,
    thrice or more; what is held out, `tokens` alone, and how many by the shard's key."""

    place: str  # of its tokens.json, for a sentence
    types: Mapping[str, np.dtype[Any]]
    train: Mapping[str, list[list[Part]]]
    held_out: list[Part]
    held_out_tokens: Mapping[str, int]


def read_source(
    store: Folder | Bucket,
    entry: Mapping[str, Any],
    mixture: str,
    *,
    tokenizer: str | None,
    end_of_text: int,
    dtype: np.dtype[Any],
    vocabulary: int,
) -> Source:
    """The source of a mixture's entry (`mixture`: the mixture's place, for a sentence).

    ValueError where its tokens.json is absent or not the one that the mixture was made from, is of another tokenizer,
    type or vocabulary, or a file has not the size that it promises.
    """
    name = f"{entry['folder']}/tokens.json"
    place = store.place(name)
    try:
        raw = store.read(name)
    except FileNotFoundError:
        raise ValueError(
            f"{place}, named by {mixture}, does not exist: tokenise that source again, or mend `store`"
        ) from None
    if entry.get("tokens_json_sha256") not in (None, sha256(raw).hexdigest()):
        raise ValueError(f"{place} is not the one that {mixture} was made from (sha256): {REMEDY}")
    about = json.loads(raw)
    require_same(tokenizer, about.get("tokenizer"), mixture, place)
    types = {of: _little(given) for of, given in about.get("streams", {TOKENS: about["dtype"]}).items()}
    if about["end_of_text"] != end_of_text or _little(about["dtype"]) != dtype or types.get(TOKENS) != dtype:
        raise ValueError(f"{place} and {mixture} differ in dtype or end_of_text: make the mixture again")
    if about["vocabulary"] > vocabulary:
        raise ValueError(
            f"{place} has a vocabulary of {about['vocabulary']}, the model one of {vocabulary}: raise the model's"
        )
    times = entry.get("times", [1])
    if len(times) != len(about.get("sizes", [1])):
        raise ValueError(f"{place} and {mixture} differ in sizes of clusters: make the mixture again")
    sizes = store.sizes(entry["folder"])
    files = {
        (of, split): [_part(store, entry["folder"], sizes, shard, split, of, types[of]) for shard in about["shards"]]
        for of in types
        for split in ("train", "validation")
    }
    return Source(
        place,
        types,
        {of: _passes(files[of, "train"], about["shards"], times) for of in types},
        files[TOKENS, "validation"],
        {shard["key"]: shard["validation"] for shard in about["shards"]},
    )


def _little(dtype: str) -> np.dtype[Any]:
    return np.dtype(dtype).newbyteorder("<")


def _part(
    store: Folder | Bucket,
    folder: str,
    sizes: Mapping[str, int],
    shard: Mapping[str, Any],
    split: str,
    stream: str,
    dtype: np.dtype[Any],
) -> Part:
    """A shard's file of a split and stream, of the size that its tokens take."""
    tokens, beside = shard[split], [] if stream == TOKENS else [stream]
    file = ".".join([shard["key"], split, *beside, "bin"])
    if tokens and sizes.get(file) != tokens * dtype.itemsize:
        what = f"holds {sizes[file]} bytes" if file in sizes else "is missing"
        raise ValueError(
            f"{store.place(f'{folder}/{file}')} {what}, but tokens.json promises {tokens} tokens of {dtype}: {REMEDY}"
        )
    return Part(f"{folder}/{file}", tokens, shard.get("_".join([split, *beside, "sha256"])))


def _passes(files: list[Part], shards: Sequence[Mapping[str, Any]], times: Sequence[int]) -> list[list[Part]]:
    """What each pass of an epoch reads: all files, then the parts of them whose documents count again."""
    passes: list[list[Part]] = [files, *([] for _ in range(max(times) - 1))]
    for shard, whole in zip(shards, files, strict=True):
        start = 0
        for tokens, often in zip(shard.get("clusters", [shard["train"]]), times, strict=True):
            for again in passes[1:often]:
                again.append(Part(whole.name, tokens, whole.sha256, start))
            start += tokens
    return passes
