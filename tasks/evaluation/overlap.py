"""Audit: `overlap`, the benchmarks against the tokens as trained on, decoded again.

By a plain implementation of its own, so that what the filter missed shows: Python's str methods and sets of tuples of
words, no kernel, no hash of ours. GPT-3, appendix C: for each benchmark N is the 5th percentile of its items' length in
words, at most 13 and at least 8; an item is dirty if any of its N-grams stands in training text, clean if none does,
and uncheckable if it has fewer than N words (never called clean).
"""

import json
import unicodedata
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.stage import Artifact, Job, stage
from tasks.tokens.tokenizer import END_OF_TEXT

AT_MOST, AT_LEAST, PERCENTILE = 13, 8, 5


@stage("overlap", libraries=("tokenizers",))
def overlap(
    job: Job, *, tokens: dict[str, Artifact], tokenizer: Artifact, benchmarks: dict[str, Artifact]
) -> dict[str, Any]:
    """items.parquet: benchmark, item, state (clean, dirty, uncheckable), source (the first where it is dirty)."""
    grams: dict[str, dict[tuple[str, ...], set[int]]] = {}
    items: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    for name, artifact in benchmarks.items():
        table = pq.read_table(artifact.folder / "items.parquet", columns=["item", "text"])
        split = [words(text) for text in table.column("text").to_pylist()]
        items[name], sizes[name] = table.column("item").to_pylist(), gram_size([len(one) for one in split])
        grams[name] = {}
        for number, one in enumerate(split):
            for gram in grams_of(one, sizes[name]):
                grams[name].setdefault(gram, set()).add(number)
    checkable = {name: set().union(*known.values()) if known else set() for name, known in grams.items()}
    dirty: dict[str, dict[int, str]] = {name: {} for name in benchmarks}
    wanted = {name: (sizes[name], set(known)) for name, known in grams.items()}
    for source, artifact in tokens.items():
        about = json.loads((artifact.folder / "tokens.json").read_bytes())
        work = [artifact.folder / f"{shard['key']}.train.bin" for shard in about["shards"]]
        check = partial(met_in, tokenizer=tokenizer.folder / "tokenizer.json", dtype=about["dtype"], wanted=wanted)
        for met in job.engine.map(check, work):
            for name, found in met.items():
                for gram in found:
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
    with job.publish("items.parquet") as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)
    return {
        "benchmarks": {
            name: {
                "items": len(items[name]),
                "n": sizes[name],
                **{
                    s: sum(r["benchmark"] == name and r["state"] == s for r in rows)
                    for s in ("clean", "dirty", "uncheckable")
                },
            }
            for name in benchmarks
        },
        "sources": {source: sum(row["source"] == source for row in rows) for source in tokens},
    }


def gram_size(lengths: list[int]) -> int:
    """The 5th percentile of the items' lengths in words, within 8 to 13."""
    return int(np.clip(int(np.percentile(lengths, PERCENTILE)), AT_LEAST, AT_MOST))


def words(text: str) -> list[str]:
    """Lower-cased words without punctuation, split on white space; what is punctuation alone is no word."""
    return "".join("" if unicodedata.category(c)[0] == "P" or c in "$+<=>^`|~" else c for c in text.lower()).split()


def grams_of(split: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(split[at : at + n]) for at in range(len(split) - n + 1)]


def met_in(path: Any, *, tokenizer: Any, dtype: str, wanted: dict[str, tuple[int, set]]) -> dict[str, list]:
    """The grams of each benchmark that stand in a token shard's documents, sorted."""
    from tokenizers import Tokenizer

    model = Tokenizer.from_file(str(tokenizer))
    end = model.token_to_id(END_OF_TEXT)
    ids = np.fromfile(path, np.dtype(dtype).newbyteorder("<"))
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
    return {name: sorted(found) for name, found in met.items()}
