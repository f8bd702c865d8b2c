"""Which rows make which file, from columns alone: by the bytes of text that leave before a row, and by nothing else.

A file of a source and split takes the documents whose text begins in its share of the text that leaves, laid end to end
in the order of shards: file n those from n * share on. So neither workers nor the size of the store's shards show, and
nobody holds a list of documents: a file's writer finds its rows by the bytes that lie before each shard. The share is
the size that was asked for, times what the form makes of the source's first texts (SAMPLE).
"""

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from tasks.export.forms import FORMS
from tasks.export.rows import SPLITS, Leaving, rows, sizes
from tasks.runtime.artifact import Shard
from tasks.runtime.engine import Engine

SAMPLE = 8 << 20  # bytes of text from which it is known how many bytes of file a byte of text makes
FOLDER = "data"


@dataclass(frozen=True)
class Part:
    """A shard some of whose rows go into a file, and the bytes of its split's text that lie before it."""

    shard: Shard
    before: int


@dataclass(frozen=True)
class Planned:
    """A file to be written: its name, its place among the shares of its source and split, and what it is made of."""

    file: str
    leaving: Leaving
    split: str
    number: int  # of its share
    share: int  # bytes of text
    parts: tuple[Part, ...]

    def rows(self, part: Part) -> np.ndarray:
        """bool: the part's rows that go into this file."""
        leaves, numbers = _numbers(self.leaving, part.shard, self.split, part.before, self.share)
        wanted: np.ndarray = leaves & (numbers == self.number)
        return wanted


def plan(engine: Engine, leaving: list[Leaving], splits: tuple[str, ...], form: str, size: int) -> list[Planned]:
    """The files of an export in the order of sources, splits and rows; no file is empty."""
    shards = [(each, shard) for each in leaving for shard in each.documents.shards()]
    totals: list[tuple[int, int]] = engine.map(_totals, shards)
    shares: list[int] = engine.map(partial(_share, form=form, size=size), leaving)
    placed: list[tuple[Leaving, Part, str, int]] = []
    for each, share in zip(leaving, shares, strict=True):
        for split in splits:
            before = 0
            for (of, shard), total in zip(shards, totals, strict=True):
                if of is each:
                    placed.append((each, Part(shard, before), split, share))
                    before += total[SPLITS.index(split)]
    found: list[list[int]] = engine.map(_shares_met, placed)
    made: dict[tuple[str, str], dict[int, list[Part]]] = {}
    for (each, part, split, _), numbers in zip(placed, found, strict=True):
        for number in numbers:
            made.setdefault((each.source, split), {}).setdefault(number, []).append(part)
    files = []
    for each, share in zip(leaving, shares, strict=True):
        for split in splits:
            by_number = made.get((each.source, split), {})
            for place, (number, parts) in enumerate(sorted(by_number.items())):
                name = f"{FOLDER}/{each.source}/{split}-{place:05}-of-{len(by_number):05}.{form}"
                files.append(Planned(name, each, split, number, share, tuple(parts)))
    return files


def _totals(task: tuple[Leaving, Shard]) -> tuple[int, int]:
    """Bytes of a shard's text that leave, of each of SPLITS. Runs in a worker, as the others here do."""
    leaves, size = sizes(*task)
    return int(size[leaves[0]].sum()), int(size[leaves[1]].sum())


def _shares_met(task: tuple[Leaving, Part, str, int]) -> list[int]:
    """The shares in which rows of a part begin."""
    leaving, part, split, share = task
    leaves, numbers = _numbers(leaving, part.shard, split, part.before, share)
    met: list[int] = np.unique(numbers[leaves]).tolist()
    return met


def _numbers(leaving: Leaving, shard: Shard, split: str, before: int, share: int) -> tuple[np.ndarray, np.ndarray]:
    """bool (rows,): whether a row leaves in the split; int64 (rows,): the share in which its text begins."""
    leaves, size = sizes(leaving, shard)
    wanted = leaves[SPLITS.index(split)]
    own = np.where(wanted, size, 0)
    return wanted, (before + np.cumsum(own) - own) // share


def _share(leaving: Leaving, form: str, size: int) -> int:
    """Bytes of text that make a file of `size` bytes, about, by the source's first texts."""
    text = 0
    with tempfile.TemporaryDirectory(prefix="millrace-export-") as folder:
        path = Path(folder) / "sample"
        file = FORMS[form](path)
        for shard in leaving.documents.shards():
            train, validation = sizes(leaving, shard)[0]
            for table in rows(leaving, shard, train | validation):
                ends = text + np.cumsum(pc.binary_length(table.column("text")).to_numpy())
                table = table.slice(0, int(np.searchsorted(ends, SAMPLE)) + 1)
                file.write(table)
                text = int(ends[table.num_rows - 1])
                if text >= SAMPLE:
                    break
            if text >= SAMPLE:
                break
        file.close()
        return max(1, size * text // path.stat().st_size)
