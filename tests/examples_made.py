"""Examples for tests: artifacts of the stages from records of one's choice, and the same files written by hand."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from corpora import decided, source

from conf.examples import Examples
from tasks.examples.examples import examples
from tasks.examples.labelled import labelled
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.sources.input.files import expand
from tasks.tokens.tokenizer import tokenizer

TEXT = ["the mill races over the stone and the water runs to the sea in the morning light"] * 40


def tokenizer_made(run: Run, vocabulary: int = 300, kind: str = "byte-bpe") -> Artifact:
    """A small tokenizer; of kind byte-bpe every byte has an id."""
    documents = source(run, "web", TEXT)
    how: dict[str, Any] = {"vocabulary": vocabulary, "sample": 10**6, "validation": 0.0, "seed": 1, "kind": kind}
    given = {"documents": {"web": documents}, "decisions": {"web": decided(run, documents)}, "shares": {"web": 1.0}}
    return run(tokenizer, kind, **given, **how)


def write_jsonl(path: Path, records: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    return path


def listed(folder: Path, files: str | list[str], name: str = "labelled") -> list[dict[str, Any]]:
    """Files of a folder, as a run freezes them."""
    return [file.as_dict() for file in expand({"name": name, "files": files}, folder)]


def labelled_made(run: Run, name: str, folder: Path, declared: dict[str, Any]) -> Artifact:
    """The artifact of `labelled` of what `examples.<name>` of a pipeline would say, files below `folder`."""
    how = Examples.model_validate(declared)
    files: dict[str, Any] = {"files": listed(folder, declared["files"])}
    if how.validation is not None:
        files["validation"] = listed(folder, declared["validation"])
    reading = {"form": how.form, "fields": how.fields(), "classes": how.classes or []}
    named = {"reject_share": how.reject_share, "shard": how.shard, "format": how.format}
    return run(labelled, name, **files, **reading, **named)


def examples_made(
    run: Run,
    name: str,
    records: Sequence[dict[str, Any]],
    *,
    context: int = 64,
    validation: float = 0.25,
    by: Artifact | None = None,
    **declared: Any,
) -> Artifact:
    """Examples of records, written as JSON lines below the store. `declared`: `form`, `classes`, names of fields."""
    folder = Path(run.store.where("")).parent / "labelled-files"
    write_jsonl(folder / f"{name}.jsonl", records)
    declared = {"files": str(folder / f"{name}.jsonl"), **declared}
    read = labelled_made(run, name, folder, declared)
    how = Examples.model_validate(declared)
    reading = {"form": how.form, "fields": how.fields(), "classes": how.classes or []}
    drawing = {"validation": validation, "seed": 1}
    made_by = by or tokenizer_made(run)
    return run(examples, name, records=read, decision=None, tokenizer=made_by, context=context, **reading, **drawing)


# ---- by hand


class Row(NamedTuple):
    """A sequence of an example."""

    tokens: list[int]
    label: Sequence[float] = ()
    loss_mask: list[int] | None = None  # None: all but the first
    segment: list[int] | None = None  # None: zeros


def by_hand(
    folder: Path,
    form: str,
    splits: dict[str, list[list[Row]]],
    *,
    vocabulary: int = 300,
    classes: Sequence[str] = (),
    label: str = "none",
    context: int = 64,
    added: dict[str, int] | None = None,
    shards: int = 1,
    tokenizer: bytes = b"{}",
) -> dict[str, Any]:
    """The files of an `examples` artifact with these examples, a list of rows each, by split; its examples.json.

    Example n is of shard n % shards. `vocabulary` counts the added tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    dtype = "uint16" if vocabulary <= 1 << 16 else "uint32"
    every = [example for split in splits.values() for example in split]
    types = {"tokens": dtype, "loss_mask": "uint8", "segment": "uint8"}
    about: dict[str, Any] = {
        "format": 1, "form": form, "label": label, "classes": list(classes), "tokenizer": "0" * 16,
        "tokenizer_sha256": hashlib.sha256(tokenizer).hexdigest(), "end_of_text": 0, "vocabulary": vocabulary,
        "added": added or {}, "dtype": dtype, "streams": types,
        "rows": max(map(len, every), default=0),
        "longest": max((len(row.tokens) for example in every for row in example), default=0),
        "context": context, "shards": [],
    }  # fmt: skip
    for number in range(shards):
        key = f"{number:05}"
        shard: dict[str, Any] = {"key": key}
        listed: list[dict[str, Any]] = []
        for split in ("train", "validation"):
            chosen = splits.get(split, [])[number::shards]
            streams: dict[str, list[int]] = {name: [] for name in types}
            for example, rows in enumerate(chosen):
                for place, row in enumerate(rows):
                    size = len(row.tokens)
                    where = {"example": example, "row": place, "start": len(streams["tokens"]), "tokens": size}
                    id = f"made:{hashlib.sha256(f'{split} {number} {example}'.encode()).hexdigest()[:32]}"
                    listed.append({"id": id, "split": split, **where, "label": list(row.label)})
                    streams["tokens"] += row.tokens
                    streams["loss_mask"] += row.loss_mask or [0, *[1] * (size - 1)]
                    streams["segment"] += row.segment or [0] * size
            shard |= {split: len(streams["tokens"]), f"{split}_examples": len(chosen)}
            for name, values in streams.items():
                beside = [] if name == "tokens" else [name]
                content = np.array(values, np.dtype(types[name]).newbyteorder("<")).tobytes()
                (folder / ".".join([key, split, *beside, "bin"])).write_bytes(content)
                shard["_".join([split, *beside, "sha256"])] = hashlib.sha256(content).hexdigest()
        schema = pa.schema(
            [
                ("id", pa.string()), ("split", pa.string()), ("example", pa.int64()), ("row", pa.int16()),
                ("start", pa.int64()), ("tokens", pa.int32()), ("label", pa.list_(pa.float64())),
            ]
        )  # fmt: skip
        pq.write_table(pa.Table.from_pylist(listed, schema=schema), folder / f"{key}.parquet", compression="zstd")
        about["shards"].append(shard)
    (folder / "tokenizer.json").write_bytes(tokenizer)
    (folder / "examples.json").write_text(json.dumps(about, indent=1))
    return about
