"""Audit: `overlap`, the benchmarks against the tokens as trained on, decoded again.

By an implementation of its own (plain.py, sought.py), so that what the filter missed shows; the definition of a word is
the same. GPT-3, appendix C: for each benchmark N is the 5th percentile of its items' length in words, at most 13 and at
least 8; an item is dirty if any of its N-grams stands in training text, clean if none does, and uncheckable if it has
fewer than N words (never called clean).
"""

from collections.abc import Iterator
from dataclasses import field
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model.tokenizer import END_OF_TEXT
from tasks.decontaminate.benchmark import items_of
from tasks.evaluation.plain import words
from tasks.evaluation.sought import Sought
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.shards import read_file
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.tokenizer import tokenizer_file
from tasks.tokens.tokens import TokenShards

AT_MOST, AT_LEAST, PERCENTILE = 13, 8, 5
FILE = "items.parquet"
STATES = ("clean", "dirty", "uncheckable")
BLOCK = 1 << 20  # tokens decoded at a time: about 4 MB of text, and 60 MB as words
BETWEEN = "\n\U0010fffd\n".encode()  # stands for a document's end: a word of no benchmark, so that no gram goes over it


@statistics
class Audited:
    """Of one benchmark: items, words per gram, and items by state."""

    items: int = 0
    n: int = 0
    clean: int = 0
    dirty: int = 0
    uncheckable: int = 0


@statistics
class Overlapped:
    """By benchmark; and dirty items by the source in which they were met first."""

    benchmarks: dict[str, Audited] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)


@stage("overlap", kind="measure", section="overlap", libraries=("tokenizers",))
def overlap(
    job: Job, *, tokens: dict[str, Artifact], tokenizer: Artifact, benchmarks: dict[str, Artifact]
) -> Overlapped:
    """A table: benchmark, item, state (clean, dirty, uncheckable), source (the first where it is dirty)."""
    asked = tuple(benchmarks.items())
    sizes, sought, items = sought_in(asked)
    dirty: dict[str, dict[int, str]] = {name: {} for name in benchmarks}
    for source, artifact in tokens.items():
        shards = TokenShards.of(artifact)
        check = partial(met_in, shards=shards, tokenizer=tokenizer, benchmarks=asked)
        met = {n: np.zeros(len(grams.sums), bool) for n, grams in sought.grams.items()}
        for by_size in job.engine.map(check, shards.files("train")):
            for n, places in by_size.items():
                met[n][places] = True
        for name in benchmarks:
            for number, (_, places) in enumerate(items[name]):
                if met[sizes[name]][places].any():
                    dirty[name].setdefault(number, source)
    rows = [
        {
            "benchmark": name,
            "item": item,
            "state": "dirty" if number in dirty[name] else "clean" if len(places) else "uncheckable",
            "source": dirty[name].get(number),
        }
        for name in benchmarks
        for number, (item, places) in enumerate(items[name])
    ]
    schema = pa.schema([(key, pa.string()) for key in ("benchmark", "item", "state", "source")])
    with job.publish(FILE) as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)
    states = {
        name: [sum(row["benchmark"] == name and row["state"] == state for row in rows) for state in STATES]
        for name in benchmarks
    }
    return Overlapped(
        {name: Audited(len(items[name]), sizes[name], *states[name]) for name in benchmarks},
        {source: sum(row["source"] == source for row in rows) for source in tokens},
    )


def states_of(overlap: Artifact) -> dict[tuple[str, str], str]:
    """(benchmark, item) -> clean, dirty or uncheckable. An item that is there twice has one text, so one state."""
    rows = read_file(overlap, FILE, ["benchmark", "item", "state"]).to_pylist()
    return {(row["benchmark"], row["item"]): row["state"] for row in rows}


def gram_size(lengths: list[int]) -> int:
    """The 5th percentile of the items' lengths in words, within 8 to 13."""
    return int(np.clip(int(np.percentile(lengths, PERCENTILE)), AT_LEAST, AT_MOST))


@lru_cache(maxsize=1)  # once a worker
def sought_in(
    benchmarks: tuple[tuple[str, Artifact], ...],
) -> tuple[dict[str, int], Sought, dict[str, list[tuple[str, np.ndarray]]]]:
    """(words a gram by benchmark; what is looked for; by benchmark, (item, places of its grams) in order)."""
    tables = {name: items_of(artifact, ["item", "text"]) for name, artifact in benchmarks}
    texts = {name: table.column("text").to_pylist() for name, table in tables.items()}
    sizes = {name: gram_size([len(words(text)) for text in listed]) for name, listed in texts.items()}
    sought = Sought.of({name: (sizes[name], listed) for name, listed in texts.items()})
    items = {}
    for name, table in tables.items():
        places = [sought.met(text.encode("utf-8", "replace"))[sizes[name]] for text in texts[name]]
        items[name] = list(zip(table.column("item").to_pylist(), places, strict=True))
    return sizes, sought, items


def met_in(
    file: str, *, shards: TokenShards, tokenizer: Artifact, benchmarks: tuple[tuple[str, Artifact], ...]
) -> dict[int, np.ndarray]:
    """By words a gram, the places of the grams that stand in a token file's documents."""
    from tokenizers import Tokenizer

    _, sought, _ = sought_in(benchmarks)
    model = Tokenizer.from_file(str(tokenizer_file(tokenizer)))
    end = model.token_to_id(END_OF_TEXT)
    spelt = spelling(model)
    spelt[end] = BETWEEN
    met = {n: np.zeros(len(grams.sums), bool) for n, grams in sought.grams.items()}
    for ids in blocks(shards.read(file), end):
        for n, places in sought.met(b"".join(map(spelt.__getitem__, ids.tolist()))).items():
            met[n][places] = True
    return {n: np.flatnonzero(places) for n, places in met.items()}


def blocks(ids: np.ndarray, end: int) -> Iterator[np.ndarray]:
    """Whole documents, at least BLOCK tokens at a time."""
    ends = np.flatnonzero(ids == end) + 1
    start = 0
    while start < len(ids):
        place = np.searchsorted(ends, start + BLOCK)
        stop = int(ends[place]) if place < len(ends) else len(ids)
        yield ids[start:stop]
        start = stop


def spelling(model: Any) -> list[bytes]:
    """The bytes of each token id of a byte-level tokenizer, whose vocabulary spells a byte as a printable character:
    itself, or the 256th and following in order (GPT-2's bytes_to_unicode)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [n for n in range(256) if n not in printable]
    byte = {chr(n): n for n in printable} | {chr(256 + place): n for place, n in enumerate(others)}
    spelt = [b""] * model.get_vocab_size()
    for token, number in model.get_vocab().items():
        spelt[number] = bytes(byte[character] for character in token)
    return spelt
