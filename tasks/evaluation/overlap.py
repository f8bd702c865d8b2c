"""Audit: `overlap`, the benchmarks against the tokens as trained on, decoded again, by up to three papers' rules.

By an implementation of its own (plain.py, sought.py, rules/), so that what the filter missed shows; the definition of
a word is the same. The token shards are read once for all rules. Beside them, where a benchmark is arithmetic, its sums
are searched as such (rules/spot.py).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.decontaminate.benchmark import items_of
from tasks.evaluation.decoded import texts_in, through
from tasks.evaluation.rules.gpt2 import Gpt2
from tasks.evaluation.rules.gpt3 import Gpt3
from tasks.evaluation.rules.gpt4 import Gpt4
from tasks.evaluation.rules.rule import DIRTY, STATES, UNCHECKABLE, Benchmarks, Block, Items, Rule, Verdict
from tasks.evaluation.rules.spot import Spot, Spotted
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.shards import read_file
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.tokens import TokenShards

FILE = "items.parquet"
SPOT = "spot"  # what is met beside the rules: sums
TEXT = pa.string()
COLUMNS = pa.schema(
    [
        ("rule", TEXT),
        ("benchmark", TEXT),
        ("item", TEXT),
        ("state", TEXT),
        ("sought", pa.int32()),
        ("found", pa.int32()),
        ("source", TEXT),
    ]
)


@statistics
class Audited:
    """Of one benchmark by one rule: items, units of what is looked for (words, characters), and items by state.

    `sought`, `found`: grams or substrings of the items that can be checked, and those of them in training text.
    `mean_share`: found / sought of an item, the mean over these items.
    """

    items: int = 0
    n: int = 0
    clean: int = 0
    dirty: int = 0
    uncheckable: int = 0
    sought: int = 0
    found: int = 0
    mean_share: float = 0.0


@statistics
class Filter:
    """The Bloom filter of rule gpt2: bytes it stands for, hash functions, bits held (those that items ask for), words
    of the training text (each begins one gram at most), and the false positive rate to be expected of so many grams."""

    bytes: int = 0
    hashes: int = 0
    held: int = 0
    words: int = 0
    rate: float = 0.0


@statistics
class Overlapped:
    """By rule and benchmark; by rule, dirty items by the source in which they were met first; rule gpt2's filter; by
    arithmetic benchmark, what of it was met as a sum."""

    rules: dict[str, dict[str, Audited]] = field(default_factory=dict)
    sources: dict[str, dict[str, int]] = field(default_factory=dict)
    filter: Filter = field(default_factory=Filter)
    arithmetic: dict[str, Spotted] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What is looked for, by which a worker makes it once."""

    benchmarks: tuple[tuple[str, Artifact], ...]
    tokenizer: Artifact
    rules: tuple[str, ...]
    seed: int
    tokens: int  # of the training text


@dataclass(frozen=True)
class Finders:
    """The rules that are asked, by name, and the spot check."""

    benchmarks: tuple[str, ...]
    rules: dict[str, Rule]
    spot: Spot

    @classmethod
    def of(cls, benchmarks: Benchmarks, rules: Sequence[str], seed: int, tokens: int) -> "Finders":
        """`tokens`: of the training text, for the size of rule gpt2's filter."""
        makers: dict[str, Any] = {
            "gpt3": Gpt3.of,
            "gpt2": partial(Gpt2.of, tokens=tokens),
            "gpt4": partial(Gpt4.of, seed=seed),
        }
        return cls(tuple(benchmarks), {rule: makers[rule](benchmarks) for rule in rules}, Spot.of(benchmarks))

    def nothing(self) -> dict[str, np.ndarray]:
        """By rule (and SPOT), what was met in no text at all: false of every part."""
        return {**{name: rule.nothing() for name, rule in self.rules.items()}, SPOT: self.spot.nothing()}

    def verdicts(self, met: dict[str, np.ndarray]) -> dict[str, dict[str, list[Verdict]]]:
        """By rule and benchmark, of each item."""
        return {
            name: {benchmark: rule.verdicts(benchmark, met[name]) for benchmark in self.benchmarks}
            for name, rule in self.rules.items()
        }

    def look(self, text: bytes, met: dict[str, np.ndarray]) -> int:
        """Sets in `met` what stands in the text; answers how many words rule gpt2 read."""
        block = Block(text)
        for name, rule in self.rules.items():
            rule.look(block, met[name])
        self.spot.look(block, met[SPOT])
        return len(block.words) if "gpt2" in self.rules else 0


@stage("overlap", kind="measure", section="overlap", libraries=("tokenizers",))
def overlap(
    job: Job,
    *,
    tokens: dict[str, Artifact],
    tokenizer: Artifact,
    benchmarks: dict[str, Artifact],
    rules: Sequence[str] = ("gpt3",),
    seed: int = 1,
) -> Overlapped:
    """A table: rule, benchmark, item, state (clean, dirty, uncheckable), grams or substrings sought and found, source
    (the first with which the item is dirty). `seed` draws rule gpt4's substrings.

    Raises:
        Failure: another tokenizer made the tokens.
    """
    shards = {source: TokenShards.of(artifact) for source, artifact in tokens.items()}
    size = sum(each.count("train") for each in shards.values())
    asked = Asked(tuple(benchmarks.items()), tokenizer, tuple(rules), seed, size)
    finders = finders_of(asked)
    pairs = [(rule, name) for rule in rules for name in benchmarks]
    met, words = finders.nothing(), 0
    verdicts = finders.verdicts(met)
    first: dict[tuple[str, str, int], str] = {}  # (rule, benchmark, number of the item) -> source
    for source, each in shards.items():
        each.require(tokenizer)
        for found, read in job.engine.map(partial(met_in, shards=each, asked=asked), each.files("train")):
            words += read
            for name, parts in found.items():
                met[name] |= np.unpackbits(parts, count=len(met[name])).view(bool)
        verdicts = finders.verdicts(met)
        for rule, name in pairs:
            for number, verdict in enumerate(verdicts[rule][name]):
                if verdict.state == DIRTY:
                    first.setdefault((rule, name, number), source)
    items = {name: items_of(artifact, ["item"])["item"].to_pylist() for name, artifact in asked.benchmarks}
    rows = [
        {"rule": rule, "benchmark": name, "item": item, **verdict._asdict(), "source": first.get((rule, name, number))}
        for rule, name in pairs
        for number, (item, verdict) in enumerate(zip(items[name], verdicts[rule][name], strict=True))
    ]
    with job.publish(FILE) as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=COLUMNS), file)
    firsts = Counter((row["rule"], row["source"]) for row in rows)
    return Overlapped(
        {
            rule: {name: audited(verdicts[rule][name], finders.rules[rule].size(name)) for name in benchmarks}
            for rule in rules
        },
        {rule: {source: firsts[rule, source] for source in tokens} for rule in rules},
        filter_of(finders, words),
        finders.spot.counts(met[SPOT]),
    )


def states_of(overlap: Artifact) -> dict[str, dict[tuple[str, str], str]]:
    """By rule, in the order in which they were asked: (benchmark, item) -> clean, dirty or uncheckable. An item that is
    there twice has one text, so one state."""
    states: dict[str, dict[tuple[str, str], str]] = {}
    for row in read_file(overlap, FILE, ["rule", "benchmark", "item", "state"]).to_pylist():
        states.setdefault(row["rule"], {})[row["benchmark"], row["item"]] = row["state"]
    return states


def audited(verdicts: list[Verdict], size: int) -> Audited:
    """Of one benchmark by one rule."""
    states = Counter(verdict.state for verdict in verdicts)
    shares = [verdict.found / verdict.sought for verdict in verdicts if verdict.state != UNCHECKABLE]
    return Audited(
        items=len(verdicts),
        n=size,
        **{state: states[state] for state in STATES},
        sought=sum(verdict.sought for verdict in verdicts),
        found=sum(verdict.found for verdict in verdicts),
        mean_share=round(sum(shares) / len(shares), 6) if shares else 0.0,
    )


def filter_of(finders: Finders, words: int) -> Filter:
    """What is told of rule gpt2's filter; zeros where it is not asked."""
    rule = finders.rules.get("gpt2")
    if not isinstance(rule, Gpt2):
        return Filter()
    bloom = rule.asked.bloom
    return Filter(bloom.bytes, bloom.hashes, rule.asked.bits.size, words, float(f"{bloom.rate(words):.3g}"))


@lru_cache(maxsize=1)  # once a worker
def finders_of(asked: Asked) -> Finders:
    """Of the items as their tokens give them back."""
    benchmarks = {}
    for name, artifact in asked.benchmarks:
        table = items_of(artifact, ["item", "text"])
        texts = [through(text, asked.tokenizer) for text in table["text"].to_pylist()]
        benchmarks[name] = Items(table["item"].to_pylist(), texts)
    return Finders.of(benchmarks, asked.rules, asked.seed, asked.tokens)


def met_in(file: str, *, shards: TokenShards, asked: Asked) -> tuple[dict[str, np.ndarray], int]:
    """By rule, which parts stand in a token file's documents, eight a byte; and the words that rule gpt2 read."""
    finders = finders_of(asked)
    met, words = finders.nothing(), 0
    for text in texts_in(shards.read(file), asked.tokenizer):
        words += finders.look(text, met)
    return {name: np.packbits(parts) for name, parts in met.items()}, words
