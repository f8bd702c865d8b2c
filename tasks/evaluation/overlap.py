"""Audit: `overlap`, the benchmarks against the tokens as trained on, decoded again.

By an implementation of its own (plain.py, sought.py), so that what the filter missed shows; the definition of a word is
the same. GPT-3, appendix C: for each benchmark N is the 5th percentile of its items' length in words, at most 13 and at
least 8; an item is dirty if any of its N-grams stands in training text, clean if none does, and uncheckable if it has
fewer than N words (never called clean).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.decontaminate.benchmark import items_of
from tasks.evaluation.sought import Sought, words_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.shards import read_file
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.kinds.spelling import spelled
from tasks.tokens.tokenizer import end_of_text_of, tokenizer_file
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
    """A table: benchmark, item, state (clean, dirty, uncheckable), source (the first where it is dirty).

    Raises:
        Failure: another tokenizer made the tokens.
    """
    asked = tuple(benchmarks.items())
    sizes, sought = sought_in(asked, tokenizer)
    items = {name: items_of(artifact, ["item"])["item"].to_pylist() for name, artifact in asked}
    dirty: dict[str, dict[int, str]] = {name: {} for name in benchmarks}
    for source, artifact in tokens.items():
        shards = TokenShards.of(artifact)
        shards.require(tokenizer)
        check = partial(met_in, shards=shards, tokenizer=tokenizer, benchmarks=asked)
        met = {n: np.zeros(len(grams.sums), bool) for n, grams in sought.grams.items()}
        for by_size in job.engine.map(check, shards.files("train")):
            for n, places in by_size.items():
                met[n][places] = True
        for name in benchmarks:
            for number, places in enumerate(sought.items[name]):
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
        for number, (item, places) in enumerate(zip(items[name], sought.items[name], strict=True))
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


def states_of(overlap: Artifact) -> dict[str, dict[tuple[str, str], str]]:
    """By rule: (benchmark, item) -> clean, dirty or uncheckable. An item that is there twice has one state."""
    rows = read_file(overlap, FILE, ["benchmark", "item", "state"]).to_pylist()
    return {"gpt3": {(row["benchmark"], row["item"]): row["state"] for row in rows}}


def gram_size(lengths: list[int]) -> int:
    """The 5th percentile of the items' lengths in words, within 8 to 13."""
    return int(np.clip(int(np.percentile(lengths, PERCENTILE)), AT_LEAST, AT_MOST))


@lru_cache(maxsize=1)  # once a worker
def sought_in(benchmarks: tuple[tuple[str, Artifact], ...], tokenizer: Artifact) -> tuple[dict[str, int], Sought]:
    """(words a gram by benchmark; what is looked for: the items as their tokens give them back).

    Of byte-level tokens that is the item itself; others have lost accents, or what they do not know.
    """
    library, spelling = _spelling_of(tokenizer)

    def through(text: str) -> bytes:
        ids = library.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False).ids
        return spelling.decode(np.array(ids, np.int64))

    split = {
        name: [words_of(through(text)) for text in items_of(artifact, ["text"])["text"].to_pylist()]
        for name, artifact in benchmarks
    }
    sizes = {name: gram_size([len(words) for words in texts]) for name, texts in split.items()}
    return sizes, Sought.of({name: (sizes[name], texts) for name, texts in split.items()})


def met_in(
    file: str, *, shards: TokenShards, tokenizer: Artifact, benchmarks: tuple[tuple[str, Artifact], ...]
) -> dict[int, np.ndarray]:
    """By words a gram, the places of the grams that stand in a token file's documents."""
    _, sought = sought_in(benchmarks, tokenizer)
    _, spelling = _spelling_of(tokenizer)
    end = end_of_text_of(tokenizer)
    met = {n: np.zeros(len(grams.sums), bool) for n, grams in sought.grams.items()}
    for ids in blocks(shards.read(file), end):
        for n, places in sought.met(spelling.decode(ids)).items():
            met[n][places] = True
    return {n: np.flatnonzero(places) for n, places in met.items()}


@lru_cache(maxsize=1)
def _spelling_of(tokenizer: Artifact) -> tuple[Any, "Spelling"]:
    """The library's tokenizer, and the bytes of its ids."""
    from tokenizers import Tokenizer

    library = Tokenizer.from_file(str(tokenizer_file(tokenizer)))
    library.encode_special_tokens = True
    return library, Spelling.of(library, {end_of_text_of(tokenizer): BETWEEN})


def blocks(ids: np.ndarray, end: int) -> Iterator[np.ndarray]:
    """Whole documents, at least BLOCK tokens at a time."""
    ends = np.flatnonzero(ids == end) + 1
    start = 0
    while start < len(ids):
        place = np.searchsorted(ends, start + BLOCK)
        stop = int(ends[place]) if place < len(ends) else len(ids)
        yield ids[start:stop]
        start = stop


@dataclass(frozen=True)
class Spelling:
    """The bytes of each token id, one behind the other."""

    data: np.ndarray  # uint8
    starts: np.ndarray  # int64 (ids,)
    sizes: np.ndarray  # int64 (ids,)

    @classmethod
    def of(cls, model: Any, instead: dict[int, bytes]) -> "Spelling":
        """Of a tokenizer of `tokenizers`. `instead`: what ids are to give that spell something else."""
        spelt = [instead.get(number, one) for number, one in enumerate(spelled(json.loads(model.to_str())))]
        sizes = np.array([len(one) for one in spelt], np.int64)
        return cls(np.frombuffer(b"".join(spelt), np.uint8), np.cumsum(sizes) - sizes, sizes)

    def decode(self, ids: np.ndarray) -> bytes:
        sizes = self.sizes[ids]
        ends = np.cumsum(sizes)
        places = np.repeat(self.starts[ids] - ends + sizes, sizes)
        places += np.arange(len(places))
        return self.data[places].tobytes()
