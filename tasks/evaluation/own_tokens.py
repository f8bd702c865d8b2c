"""Held-out text in the tokens of a model that came in: decoded from the pipeline's tokens, and encoded with its own.

What the model is asked is the text of validation, as the pipeline's own models are; which windows of it, cannot be the
same. A sample: documents in the order of a hash of (seed, id), each cut into windows as tasks/tokens/validation.py
says, until there are as many as are asked for. So it depends neither on shards nor on their order.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact
from tasks.runtime.shards import read
from tasks.tokens.tokens import TokenShards

if TYPE_CHECKING:
    from model.tokenizer import Tokenizer


class Sample(NamedTuple):
    """Windows, each with the token before it, and the document that each is of."""

    windows: list[np.ndarray]  # int64, (2 ... context + 1,) each
    documents: list[str]


def sample_of(tokens: Artifact, by: "Tokenizer", own: "Tokenizer", context: int, most: int, seed: int) -> Sample:
    """At most `most` windows of a source's held-out text. `by`: the tokenizer that `tokens` were made with."""
    windows: list[np.ndarray] = []
    documents: list[str] = []
    for id, ids in _documents(tokens, seed):
        text = by.decode(ids[:-1])  # without its end, which our own sets
        line = np.array([own.end_of_text, *own.encode(text), own.end_of_text], np.int64)
        for start in range(0, len(line) - 1, context):
            if len(windows) == most:
                return Sample(windows, documents)
            windows.append(line[start : start + context + 1])
            documents.append(id.partition("#")[0])  # pieces of one document, <id>#<n>, are one
    return Sample(windows, documents)


def _documents(tokens: Artifact, seed: int) -> Iterator[tuple[str, Any]]:
    """Ids and tokens of the held-out documents of a source, in the order of their draws."""
    held = TokenShards.of(tokens)
    files = dict(zip((shard["key"] for shard in held.about["shards"]), held.files("validation"), strict=True))
    shards = tokens.shards()
    tables = [read(shard, ["id", "split", "start", "tokens"]) for shard in shards]
    parts = [table.append_column("shard", pa.array([n] * table.num_rows, pa.int64())) for n, table in enumerate(tables)]
    if not parts:
        return
    table = pa.concat_tables(parts)
    rows = table.filter(pc.equal(table.column("split"), "validation"))
    order = np.argsort(uniform(rows.column("id"), seed, "held-out"), kind="stable").tolist()
    opened: dict[int, np.ndarray] = {}
    for row in order:
        n = rows.column("shard")[row].as_py()
        if n not in opened:
            opened[n] = held.read(files[shards[n].key])
        start, count = rows.column("start")[row].as_py(), rows.column("tokens")[row].as_py()
        yield rows.column("id")[row].as_py(), opened[n][start : start + count]
