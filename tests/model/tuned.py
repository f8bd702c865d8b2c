"""Example shards made by hand, as `examples` writes them, and a labelled task small enough to be learned in seconds."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from bytewise import END, VOCABULARY, write_tokenizer

START, DELIMITER, EXTRACT = 257, 258, 259
ADDED = {"<|start|>": START, "<|delimiter|>": DELIMITER, "<|extract|>": EXTRACT}
SCHEMA = pa.schema(
    [("id", pa.string()), ("split", pa.string()), ("example", pa.int64()), ("row", pa.int16()), ("start", pa.int64()),
     ("tokens", pa.int32()), ("label", pa.list_(pa.float64()))]
)  # fmt: skip
Example = tuple[Sequence[Sequence[int]], Sequence[Sequence[float]]]  # its sequences, a label each


def write_examples(
    folder: Path,
    form: str,
    train: Sequence[Example],
    validation: Sequence[Example] = (),
    classes: Sequence[str] = (),
    shards: int = 2,
    mask: dict[tuple[str, int, int], Sequence[int]] | None = None,
    added: dict[str, int] = ADDED,
) -> Path:
    """An `examples` artifact; returns its folder. `mask`: loss_mask of (split, example, row); else 0 and then 1s."""
    folder.mkdir(parents=True)
    write_tokenizer(folder / "tokenizer.json", [*added])
    tokenizer = hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest()
    listed, longest, rows = [], 0, 0
    for shard in range(shards):
        key, table, entry = f"{shard:05d}", [], {"key": f"{shard:05d}"}
        for split, all_of in (("train", train), ("validation", validation)):
            streams: dict[str, list[int]] = {"tokens": [], "loss_mask": [], "segment": []}
            mine = [(n, all_of[n]) for n in range(len(all_of)) if n * shards // len(all_of) == shard]
            for number, (n, (sequences, labels)) in enumerate(mine):
                rows = max(rows, len(sequences))
                for row, (tokens, label) in enumerate(zip(sequences, labels, strict=True)):
                    table.append({
                        "id": f"it:{n}", "split": split, "example": number, "row": row, "tokens": len(tokens),
                        "start": len(streams["tokens"]), "label": [float(value) for value in label],
                    })  # fmt: skip
                    longest = max(longest, len(tokens))
                    streams["tokens"] += tokens
                    streams["loss_mask"] += (mask or {}).get((split, n, row), [0] + [1] * (len(tokens) - 1))
                    streams["segment"] += [0] * len(tokens)
            for name, content in streams.items():
                raw = np.asarray(content, "<u2" if name == "tokens" else "u1").tobytes()
                beside = [] if name == "tokens" else [name]
                (folder / ".".join([key, split, *beside, "bin"])).write_bytes(raw)
                entry["_".join([split, *beside, "sha256"])] = hashlib.sha256(raw).hexdigest()
            entry |= {split: len(streams["tokens"]), f"{split}_examples": len(mine)}
        pq.write_table(pa.Table.from_pylist(table, SCHEMA), folder / f"{key}.parquet")
        listed.append(entry)
    about = {
        "format": 1, "form": form, "tokenizer_sha256": tokenizer, "tokenizer": "t1", "end_of_text": END,
        "vocabulary": VOCABULARY + len(added), "added": added, "classes": list(classes), "dtype": "uint16",
        "streams": {"tokens": "uint16", "loss_mask": "uint8", "segment": "uint8"}, "rows": rows, "longest": longest,
        "context": 32, "shards": listed,
    }  # fmt: skip
    (folder / "examples.json").write_text(json.dumps(about))
    return folder


def words(draw: np.random.Generator, least: int = 3, most: int = 9) -> list[int]:
    """Some letters."""
    return [int(n) for n in draw.integers(97, 123, draw.integers(least, most))]


def sentiment(count: int, seed: int = 1) -> list[Example]:
    """classify: whether there is an a."""
    draw, made = np.random.default_rng(seed), []
    for n in range(count):
        text = [98 if token == 97 else token for token in words(draw)]
        if n % 2:
            text[draw.integers(len(text))] = 97
        made.append(([[START, *text, EXTRACT]], [[n % 2]]))
    return made


def similar(count: int, seed: int = 1) -> list[Example]:
    """similar: whether both texts begin with the same letter."""
    draw, made = np.random.default_rng(seed), []
    for n in range(count):
        one, other = words(draw), words(draw)
        other[0] = one[0] if n % 2 else 97 + (one[0] - 96) % 26
        made.append(
            ([[START, *one, DELIMITER, *other, EXTRACT], [START, *other, DELIMITER, *one, EXTRACT]], [[n % 2]] * 2)
        )
    return made


def choices(count: int, seed: int = 1) -> list[Example]:
    """choose: of two or three answers the one that has an a."""
    draw, made = np.random.default_rng(seed), []
    for n in range(count):
        document, K = words(draw), 2 + n % 2
        right = int(draw.integers(K))
        answers = [[98 if token == 97 else token for token in words(draw, 1, 4)] for _ in range(K)]
        answers[right][-1] = 97
        made.append(([[START, *document, DELIMITER, *answer, EXTRACT] for answer in answers], [[right]] * K))
    return made


def pairs(sequences: Any) -> Any:
    """Tokens as lists, for a comparison."""
    return [[int(token) for token in sequence] for sequence in sequences]
