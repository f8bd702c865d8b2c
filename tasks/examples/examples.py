"""Measure: `examples`, labelled records as token shards, in the form that they are declared to have.

A token shard is a set of aligned streams (tasks/tokens/tokens.py): `tokens` in <key>.<split>.bin, and, uint8,
`loss_mask` (1 where the LM loss counts for this token as a target) and `segment`, in <key>.<split>.<stream>.bin. All
sequences of a split lie one behind another, not padded; those of one record, an example, side by side. <key>.parquet
has a row a sequence; <key>.rejects.parquet lists records of which none was made. examples.json says the rest, and
tokenizer.json is the pipeline's tokenizer with the form's special tokens.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.examples.fields import item_of
from tasks.examples.forms import FORMS, REASONS, Sequence, Shown, sequences
from tasks.examples.names import said
from tasks.examples.told import tell_examples
from tasks.examples.vocabulary import encoder, with_added
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import kept_before
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.shards import COMPRESSION, Output, batches
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics, total
from tasks.sources.origins import origins_of
from tasks.sources.rejects import FILE as REJECTS_FILE
from tasks.sources.rejects import Bad, Reject, table_of
from tasks.tokens.kinds.files import FILE as TOKENIZER
from tasks.tokens.pieces import held_out
from tasks.tokens.tokenizer import end_of_text_of, tokenizer_file, vocabulary_of

FORMAT = 1
FILE = "examples.json"
SPLITS = ("train", "validation")
MASKS = ("loss_mask", "segment")  # streams beside `tokens`, uint8
ROWS = pa.schema(
    [
        ("id", pa.string()),  # of the record
        ("split", pa.string()),
        ("example", pa.int64()),  # number of the example in its shard and split
        ("row", pa.int16()),  # which of the example's sequences
        ("start", pa.int64()),  # in the split's streams
        ("tokens", pa.int32()),
        ("label", pa.list_(pa.float64())),
    ]
)
GROUP = 20_000  # rows of a row group, at least, but for the last


@statistics
class Written:
    """Of a split: examples, their sequences and tokens, and tokens on which the LM loss counts."""

    examples: int = 0
    sequences: int = 0
    tokens: int = 0
    counted: int = 0


@statistics
class Made:
    """Records, those that a decision had left out, and those rejected, by reason; what was written, by split.

    `cut`: sequences of which tokens were left out, `left_out` so many. `rows` (most sequences of an example) and
    `longest` (tokens of a sequence) are what shards count, by shard; the artifact's are in examples.json.
    """

    records: int = 0
    decided: int = 0
    rejects: dict[str, int] = field(default_factory=dict)
    train: Written = field(default_factory=Written)
    validation: Written = field(default_factory=Written)
    cut: int = 0
    left_out: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    longest: dict[str, int] = field(default_factory=dict)


@stage("examples", kind="measure", reasons=REASONS, tell=tell_examples, libraries=("tokenizers", "numpy"))
def examples(
    job: Job,
    *,
    records: Artifact,
    decision: Artifact | None,
    tokenizer: Artifact,
    form: str,
    fields: dict[str, Any],
    classes: list[str],
    context: int,
    validation: float,
    seed: int,
) -> Made:
    """Token shards of labelled records, in their form; the rows of <key>.parquet are sequences.

    Args:
        records: of `labelled`. decision: the last one on them.
        form, fields, classes: as `labelled` read them.
        context: tokens that a sequence has at most.
        validation: the share of records held out, where their files do not say.

    Raises:
        Mistake: the tokenizer has one of the form's special tokens. Failure: no record gave an example.
    """
    content, added = with_added(tokenizer_file(tokenizer).read_bytes(), FORMS[form].added)
    vocabulary = vocabulary_of(tokenizer) + len(added)
    dtype = "uint16" if vocabulary <= 1 << 16 else "uint32"
    shards = records.shards()
    reading = {"form": form, "fields": fields, "classes": tuple(classes)}
    how = {"tokenizer": tokenizer, "added": added, "dtype": dtype, "context": context}
    drawing = {"validation": validation, "seed": seed}
    items: list[tuple[str, Any]] = [(shard.key, shard) for shard in shards]
    parts = job.map(examples_shard, items, records=records, decision=decision, **reading, **how, **drawing)
    made = total(Made, parts)
    _judge(job, made, context)
    with job.publish(TOKENIZER) as file:
        file.write(content)
    about = {
        "format": FORMAT,
        "form": form,
        "label": "class" if classes and FORMS[form].label == "number" else FORMS[form].label,
        "classes": classes,
        "tokenizer": tokenizer.fingerprint,
        "tokenizer_sha256": hashlib.sha256(content).hexdigest(),
        "end_of_text": end_of_text_of(tokenizer),
        "vocabulary": vocabulary,
        "added": added,
        "dtype": dtype,
        "streams": {"tokens": dtype, **dict.fromkeys(MASKS, "uint8")},
        "rows": max(made.rows.values(), default=0),
        "longest": max(made.longest.values(), default=0),
        "context": context,
        "shards": [
            {
                "key": shard.key,
                **{split: getattr(part, split).tokens for split in SPLITS},
                **{f"{split}_examples": getattr(part, split).examples for split in SPLITS},
                **{
                    "_".join([split, *stream, "sha256"]): job.files[".".join([shard.key, split, *stream, "bin"])].sha256
                    for split in SPLITS
                    for stream in ((), *((mask,) for mask in MASKS))
                },
            }
            for shard, part in zip(shards, parts, strict=True)
        ],
    }
    with job.publish(FILE) as file:
        file.write(json.dumps(about, indent=1, ensure_ascii=False).encode())
    return replace(made, rows={}, longest={})


def _judge(job: Job, made: Made, context: int) -> None:
    """Raises Failure where nothing is left; says what was left out."""
    named = ", ".join(f"{count} {reason}" for reason, count in made.rejects.items() if count)
    if made.train.examples + made.validation.examples == 0:
        raise Failure(
            f"examples {job.artifact.name}: none of {made.records} records gave an example ({made.decided} were left "
            f"out by a decision; {named or 'none rejected'}); raise `context` where they are too long"
        )
    if named:
        job.log(f"examples {job.artifact.name}: of {made.records} records {named}; listed in *.{REJECTS_FILE}")
    if made.cut:
        job.log(
            f"examples {job.artifact.name}: {made.cut} sequences were cut to a context of {context} tokens, "
            f"{made.left_out} tokens left out"
        )


@dataclass(frozen=True)
class Row:
    """A labelled record on its way: number in its shard, id, line of its file, JSON, and whether it is held out."""

    row: int
    id: str
    line: int
    record: str
    validation: bool


def examples_shard(
    out: Output,
    shard: Shard,
    *,
    records: Artifact,
    decision: Artifact | None,
    tokenizer: Artifact,
    form: str,
    fields: dict[str, Any],
    classes: tuple[str, ...],
    added: dict[str, int],
    dtype: str,
    context: int,
    validation: float,
    seed: int,
) -> Made:
    kept = kept_before(decision, shard)
    shown = Shown(encoder(tokenizer_file(tokenizer).read_bytes()), added, context)
    rejected: list[tuple[int, int, Bad]] = []  # row, line
    with ExitStack() as files:
        names = [(split, stream) for split in SPLITS for stream in ("", *MASKS)]
        streams = {
            (split, stream): files.enter_context(out.open(".".join(filter(None, [split, stream, "bin"]))))
            for split, stream in names
        }
        writer = Writer(out, streams, dtype)
        for row in _rows(shard, kept, validation, seed):
            item = item_of(json.loads(row.record), form, fields, classes)
            try:
                writer.add(row, sequences(form, item, shown))
            except Bad as bad:
                rejected.append((row.row, row.line, bad))
        writer.finish()
    _write_rejects(out, records, shard, rejected)
    reasons = [bad.reason for _, _, bad in rejected]
    return Made(
        records=shard.rows,
        decided=shard.rows - int(kept.sum()),
        rejects={reason: reasons.count(reason) for reason in sorted(set(reasons))},
        train=writer.written("train"),
        validation=writer.written("validation"),
        cut=writer.cut,
        left_out=writer.left_out,
        rows={shard.key: writer.most},
        longest={shard.key: writer.longest},
    )


def _rows(shard: Shard, kept: np.ndarray, validation: float, seed: int) -> Iterator[Row]:
    """The kept records of a shard, in its order, with their split."""
    first = 0
    for batch in batches(shard, ["id", "line", "asked", "split", "meta"]):
        drawn = held_out(batch.column("asked"), validation, seed)
        columns = [batch.column(name).to_pylist() for name in ("id", "line", "split", "meta")]
        for n, (id, line, split, record) in enumerate(zip(*columns, strict=True)):
            if kept[first + n]:
                yield Row(first + n, id, line, record, bool(drawn[n]) if split is None else split == "validation")
        first += batch.num_rows


class Writer:
    """A shard's streams and rows, on their way to its files."""

    def __init__(self, out: Output, streams: dict[tuple[str, str], IO[bytes]], dtype: str) -> None:
        self._out, self._streams = out, streams
        self._dtypes = {"": np.dtype(dtype).newbyteorder("<"), **dict.fromkeys(MASKS, np.dtype("uint8"))}
        self._waiting: list[dict[str, Any]] = []
        self._counts = {split: [0, 0, 0, 0] for split in SPLITS}  # as `Written` has them
        self.cut = self.left_out = self.most = self.longest = 0

    def add(self, row: Row, made: list[Sequence]) -> None:
        """An example's sequences."""
        split = SPLITS[row.validation]
        counts = self._counts[split]
        for number, each in enumerate(made):
            arrays = {"": each.tokens, "loss_mask": each.loss_mask, "segment": each.segment}
            for name, values in arrays.items():
                self._streams[split, name].write(np.array(values, self._dtypes[name]).tobytes())
            size = len(each.tokens)
            place = {"id": row.id, "split": split, "example": counts[0], "row": number, "start": counts[2]}
            self._waiting.append({**place, "tokens": size, "label": each.label})
            counts[1:] = [counts[1] + 1, counts[2] + size, counts[3] + sum(each.loss_mask)]
            self.cut += each.left_out > 0
            self.left_out += each.left_out
            self.longest = max(self.longest, size)
        counts[0] += 1
        self.most = max(self.most, len(made))
        if len(self._waiting) >= GROUP:
            self._write()

    def _write(self) -> None:
        self._out.write(pa.Table.from_pylist(self._waiting, schema=ROWS))
        self._waiting = []

    def finish(self) -> None:
        self._write()  # also where nothing waits: an empty shard is a file too

    def written(self, split: str) -> Written:
        return Written(*self._counts[split])


def _write_rejects(out: Output, records: Artifact, shard: Shard, rejected: list[tuple[int, int, Bad]]) -> None:
    origins = origins_of(records, shard).take(pa.array([row for row, _, _ in rejected], pa.int64())).to_pylist()
    listed = [
        Reject(
            origin["file"],
            origin["offset"],
            origin["length"],
            bad.reason,
            f"{said(origin['file'], line)}: {bad.detail}",
        )
        for origin, (_, line, bad) in zip(origins, rejected, strict=True)
    ]
    with out.open(REJECTS_FILE) as file:
        pq.write_table(table_of(listed), file, compression=COMPRESSION)


def rows_of(examples: Artifact, shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """The sequences made of a shard of labelled records: columns of ROWS."""
    from tasks.runtime.shards import read_beside

    return read_beside(examples, shard, columns)
