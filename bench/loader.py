"""The loader's speed on one core: windows of 1,024 and 256 tokens by keyed permutation, over 64 MB of token shards.

Beside it nanoGPT's `get_batch` (np.memmap, windows at random, an int64 copy of each), which has no mixture, no epoch
and checks no byte. In one run, turn by turn, in CPU seconds (the machine's neighbours do not count); the files are in
the page cache. `--old MODULE.py` runs another version of model/windows.py in the same turns.

    python bench/loader.py
"""

import argparse
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model import windows as ours

TOKENS, SHARDS, VOCABULARY = 32_000_000, 8, 50_257
BATCH = 64  # windows a read


def corpus(store: Path, mask: bool) -> Path:
    """Shards of random tokens in two groups; the mixture's path."""
    draw = np.random.default_rng(1)
    groups = []
    for name in ("a", "b"):
        folder, listed = store / name, []
        folder.mkdir()
        for n in range(SHARDS):
            count = TOKENS // 2 // SHARDS
            draw.integers(0, VOCABULARY, count).astype("<u2").tofile(folder / f"{n:05}.train.bin")
            if mask:
                draw.integers(0, 2, count).astype("u1").tofile(folder / f"{n:05}.train.loss_mask.bin")
            listed.append({"key": f"{n:05}", "train": count, "validation": 0})
        about: dict[str, Any] = {"dtype": "uint16", "end_of_text": 0, "tokenizer": "none", "vocabulary": VOCABULARY}
        streams = {"streams": {"tokens": "uint16", "loss_mask": "uint8"}} if mask else {}
        (folder / "tokens.json").write_text(json.dumps({**about, **streams, "shards": listed}))
        groups.append({"group": name, "weight": 0.5, "sources": [{"source": name, "folder": name}]})
    path = store / "mixture.json"
    path.write_text(json.dumps({**about, "groups": groups}))
    return path


def nanogpt(store: Path, context: int) -> Callable[[int, int], int]:
    data = np.memmap(store / "a/00000.train.bin", dtype=np.uint16, mode="r")
    draw = np.random.default_rng(1)

    def read(start: int, stop: int) -> int:
        places = draw.integers(0, len(data) - context - 1, stop - start)
        return int(np.stack([data[at : at + context + 1].astype(np.int64) for at in places]).size)

    return read


def loader(module: Any, store: Path, context: int) -> Callable[[int, int], int]:
    loaded = module.Windows(store / "mixture.json", store, context, VOCABULARY, 1)

    def read(start: int, stop: int) -> int:
        return int(loaded.read(start, stop)[0]["tokens"].size)

    return read


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--reads", type=int, default=60)
    arguments.add_argument("--old", type=Path)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        plain, masked = Path(one), Path(two)
        corpus(plain, False)
        corpus(masked, True)
        table: dict[str, dict[int, float]] = {}
        for context in (1024, 256):
            readers = {
                "nanoGPT's get_batch": nanogpt(plain, context),
                "ours": loader(ours, plain, context),
                "ours, with a loss_mask": loader(ours, masked, context),
            }
            if given.old:
                spec = importlib.util.spec_from_file_location("old_windows", given.old)
                assert spec and spec.loader
                old = sys.modules["old_windows"] = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(old)
                readers["ours before"] = loader(old, plain, context)
            rates: dict[str, list[float]] = {name: [] for name in readers}
            for turn in range(given.rounds + 1):
                for name, read in readers.items():
                    began, tokens = time.process_time(), 0
                    for n in range(given.reads):
                        at = (turn * given.reads + n) * BATCH
                        tokens += read(at, at + BATCH)
                    if turn:  # the first opens, hashes and warms up
                        rates[name].append(tokens / (time.process_time() - began))
            for name, values in rates.items():
                table.setdefault(name, {})[context] = statistics.median(values)
    print(f"{'million tokens a CPU second':<30}{'context 1024':>14}{'context 256':>14}")
    for name, row in table.items():
        print(f"{name:<30}{row[1024] / 1e6:>14.1f}{row[256] / 1e6:>14.1f}")
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "loader.json").write_text(json.dumps({"tokens_per_cpu_second": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
