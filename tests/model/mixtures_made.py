"""Token shards and mixtures as the pipeline writes them, made of arrays; and the least architecture that reads them."""

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from bytewise import END, VOCABULARY

TINY = {"layers": 2, "width": 32, "heads": 2, "context": 32, "vocabulary": VOCABULARY}


def write_source(
    folder: Path, shards: list[tuple[Any, Any]], tokenizer: str = "t1", beside: dict[str, list[Any]] | None = None
) -> dict[str, Any]:
    """A tokens artifact; returns the mixture's entry for it. All held-out windows of 32 are its sample, in order.

    `beside`: streams of uint8 beside `tokens`, by name and shard, of the train split (of validation: zeros).
    """
    folder.mkdir(parents=True)
    listed: list[dict[str, Any]] = []
    sample: list[dict[str, Any]] = []
    for n, (train, validation) in enumerate(shards):
        shard: dict[str, Any] = {"key": f"{n:05d}"}
        for split, tokens in (("train", train), ("validation", validation)):
            content = np.asarray(tokens, "<u2").tobytes()
            (folder / f"{n:05d}.{split}.bin").write_bytes(content)
            shard |= {split: len(tokens), f"{split}_sha256": hashlib.sha256(content).hexdigest()}
            for name, streams in (beside or {}).items():
                content = np.asarray(streams[n] if split == "train" else np.zeros(len(tokens)), "u1").tobytes()
                (folder / f"{n:05d}.{split}.{name}.bin").write_bytes(content)
                shard |= {f"{split}_{name}_sha256": hashlib.sha256(content).hexdigest()}
        listed.append(shard)
        sample += windows_of(np.asarray(validation), f"{n:05d}", f"{folder.name}:{n}")
    about = {"dtype": "uint16", "vocabulary": VOCABULARY, "end_of_text": END, "tokenizer": tokenizer, "shards": listed}
    if beside:
        about["streams"] = {"tokens": "uint16", **dict.fromkeys(beside, "uint8")}
    content = json.dumps(about).encode()
    (folder / "tokens.json").write_bytes(content)
    return {
        "source": folder.name, "folder": f"tokens/{folder.name}",
        "tokens_json_sha256": hashlib.sha256(content).hexdigest(),
        "train": sum(s["train"] for s in listed), "validation": sum(s["validation"] for s in listed), "sample": sample,
    }  # fmt: skip


def windows_of(stream: np.ndarray, shard: str, name: str) -> list[dict[str, Any]]:
    """The held-out windows of a shard at a context of 32, in order; <|endoftext|> ends document n, which is name-n."""
    edges = [0, *(np.flatnonzero(stream == END) + 1).tolist(), len(stream)]
    documents = [(start, end) for start, end in pairwise(edges) if end > start]
    return [
        {"id": f"{name}-{n}", "window": j, "shard": shard, "start": at, "tokens": min(32, end - at)}
        for n, (start, end) in enumerate(documents)
        for j, at in enumerate(range(start, end, 32))
    ]


def write_mixture(path: Path, groups: list[tuple[str, float, list[dict[str, Any]]]], tokenizer: str = "t1") -> Path:
    whole = sum(weight for _, weight, _ in groups)
    listed = [
        {
            "group": name,
            "weight": weight / whole,
            "asked": weight,
            "held": sum(s["train"] for s in sources),
            "sources": sources,
        }
        for name, weight, sources in groups
    ]
    path.write_text(
        json.dumps({"tokenizer": tokenizer, "dtype": "uint16", "end_of_text": END, "seed": 1, "groups": listed})
    )
    return path
