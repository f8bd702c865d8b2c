"""Audit: `overlap`, the benchmarks against the tokens as trained on, decoded again.

By a plain implementation of its own, so that what the filter missed shows: Python's str methods and sets of tuples of
words, no kernel, no hash of ours. GPT-3, appendix C: for each benchmark N is the 5th percentile of its items' length in
words, at most 13 and at least 8; an item is dirty if any of its N-grams stands in training text, clean if none does,
and uncheckable if it has fewer than N words (never called clean).
"""

import unicodedata
from dataclasses import field
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model.tokenizer import END_OF_TEXT
from tasks.decontaminate.benchmark import items_of
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
    grams: dict[str, dict[tuple[str, ...], set[int]]] = {}
    items: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    for name, artifact in benchmarks.items():
        table = items_of(artifact, ["item", "text"])
        split = [words(text) for text in table.column("text").to_pylist()]
        items[name], sizes[name] = table.column("item").to_pylist(), gram_size([len(item) for item in split])
        grams[name] = {}
        for number, item in enumerate(split):
            for gram in grams_of(item, sizes[name]):
                grams[name].setdefault(gram, set()).add(number)
    checkable = {name: set().union(*known.values()) if known else set() for name, known in grams.items()}
    dirty: dict[str, dict[int, str]] = {name: {} for name in benchmarks}
    wanted = {name: (sizes[name], set(known)) for name, known in grams.items()}
    for source, artifact in tokens.items():
        shards = TokenShards.of(artifact)
        check = partial(met_in, shards=shards, tokenizer=tokenizer, wanted=wanted)
        work = shards.files("train")
        for by_benchmark in job.engine.map(check, work):
            for name, grams_met in by_benchmark.items():
                for gram in grams_met:
                    for number in grams[name][gram]:
                        dirty[name].setdefault(number, source)
    rows = [
        {
            "benchmark": name,
            "item": item,
            "state": "dirty" if n in dirty[name] else "clean" if n in checkable[name] else "uncheckable",
            "source": dirty[name].get(n),
        }
        for name in benchmarks
        for n, item in enumerate(items[name])
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


def words(text: str) -> list[str]:
    """Lower-cased words without punctuation, split on white space; what is punctuation alone is not a word."""
    return "".join("" if unicodedata.category(c)[0] == "P" or c in "$+<=>^`|~" else c for c in text.lower()).split()


def grams_of(split: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(split[at : at + n]) for at in range(len(split) - n + 1)]


def met_in(
    file: str, *, shards: TokenShards, tokenizer: Artifact, wanted: dict[str, tuple[int, set]]
) -> dict[str, list]:
    """The grams of each benchmark that stand in a token file's documents, sorted."""
    from tokenizers import Tokenizer

    model = Tokenizer.from_file(str(tokenizer_file(tokenizer)))
    end = model.token_to_id(END_OF_TEXT)
    ids = shards.read(file)
    met: dict[str, set] = {name: set() for name in wanted}
    firsts = {name: {gram[0] for gram in known} for name, (_, known) in wanted.items()}
    start = 0
    for stop in np.flatnonzero(ids == end).tolist():
        split = words(model.decode(ids[start:stop].tolist(), skip_special_tokens=False))
        start = stop + 1
        for name, (n, known) in wanted.items():
            first = firsts[name]
            for at in range(len(split) - n + 1):
                if split[at] in first and (gram := tuple(split[at : at + n])) in known:
                    met[name].add(gram)
    return {name: sorted(grams) for name, grams in met.items()}
