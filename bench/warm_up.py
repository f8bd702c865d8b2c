"""How long a warm-up must be when a budget is far below the paper's: losses of one small model by length of warm-up.

    python bench/warm_up.py [--text FILE] [--budgets 200 1000] [--lengths 0 20 40 100 200] [--seeds 1 2] [--rate 3e-3]

Each training reads the same text (a BPE of 1,024 ids made from it), GPT-2's shape at 2 layers and width 128, batches of
1,024 tokens, a cosine to a tenth at 260/300 of the budget as the presets have it. A length is in updates; 0 is what the
papers' 375M of 300B tokens come to at these budgets: a quarter of an update. Of each training a row is printed: the
validation loss at its end, and the largest rise: how far the loss (mean of 5 updates) climbed above its lowest before.
Writes bench/results/warm_up.json.
"""

import argparse
import contextlib
import io
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # see model/train.py

import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
from model import train

L, C, H, T, V = 2, 128, 4, 64, 1024
BATCH = 1024  # tokens
TEXT = Path("/work/shared/data/books/bulk")


def corpus(store: Path, text: str) -> None:
    """A mixture of one source, its last twentieth held out."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    made = trainers.BpeTrainer(vocab_size=V - 1, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
                               show_progress=False)  # fmt: skip
    library.train_from_iterator(text[:4_000_000].split("\n\n"), made)
    library.add_special_tokens(["<|endoftext|>"])  # takes the next id, the last
    vocabulary = library.get_vocab_size()
    ids = np.array(library.encode(text).ids, "<u2")
    library.save(str(store / "tokenizer.json"))
    folder = store / "tokens"
    folder.mkdir()
    cut = len(ids) * 19 // 20
    ids[:cut].tofile(folder / "00000.train.bin")
    ids[cut:].tofile(folder / "00000.validation.bin")
    shard = {"key": "00000", "train": cut, "validation": len(ids) - cut}
    about = {"dtype": "uint16", "end_of_text": vocabulary - 1, "tokenizer": "none"}
    (folder / "tokens.json").write_text(json.dumps({**about, "vocabulary": vocabulary, "shards": [shard]}))
    group = {"group": "text", "weight": 1.0, "sources": [{"source": "text", "folder": "tokens"}]}
    (store / "mixture.json").write_text(json.dumps({**about, "groups": [group]}))
    print(f"{len(ids)} tokens, vocabulary {vocabulary}", flush=True)


def trained(store: Path, updates: int, warm_up: int, seed: int, rate: float, threads: int) -> list[dict]:
    """Its rows of metrics.jsonl."""
    out = store / f"{updates}-{warm_up}-{seed}-{rate}"
    run = {
        "out": str(out), "store": str(store), "mixture": str(store / "mixture.json"),
        "tokenizer": str(store / "tokenizer.json"),
        "model": {"layers": L, "width": C, "heads": H, "context": T, "vocabulary": V},
        "train": {"updates": updates, "batch": BATCH, "micro_batch": 16, "learning_rate": rate, "warm_up": warm_up,
                  "decay": updates * 260 // 300, "threads": threads, "device": "cpu", "checkpoint_every": 10**6,
                  "validate_every": 10**6, "validation_windows": 200, "seed": seed},
    }  # fmt: skip
    path = out.with_suffix(".yaml")
    path.write_text(yaml.safe_dump(run))
    with contextlib.redirect_stdout(io.StringIO()):
        train.main(path)
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def rise(losses: list[float]) -> float:
    """How far the mean of 5 updates climbed above the lowest such mean before it."""
    smooth = np.convolve(losses, np.ones(5) / 5, "valid")
    return float((smooth - np.minimum.accumulate(smooth)).max())


def texts(given: Path) -> str:
    """A file's text; of a folder's JSONL, books in an order of their own until 24 MB."""
    if given.is_file():
        return given.read_text()
    import zstandard

    parts: list[str] = []
    for file in sorted(given.glob("*.zst"))[:1]:
        with zstandard.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                parts.append(json.loads(line)["text"])
                if sum(map(len, parts)) > 8_000_000:
                    break
    random.Random(1).shuffle(parts)
    return "\n\n".join(parts)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    arguments.add_argument("--text", type=Path, default=TEXT)
    arguments.add_argument("--budgets", type=int, nargs="+", default=[200, 1000], help="updates")
    arguments.add_argument("--lengths", type=int, nargs="+", default=[0, 20, 40, 100, 200])
    arguments.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    arguments.add_argument("--rate", type=float, default=3e-3)
    arguments.add_argument("--threads", type=int, default=1)
    given = arguments.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch)
        corpus(store, texts(given.text))
        print(f"{'updates':>8}{'warm-up':>9}{'seed':>6}{'validation':>12}{'last':>8}{'rise':>8}{'seconds':>9}")
        for budget in given.budgets:
            for length in (length for length in given.lengths if 2 * length <= budget):
                for seed in given.seeds:
                    began = time.monotonic()
                    rows = trained(store, budget, length, seed, given.rate, given.threads)
                    found = {
                        "updates": budget, "warm_up": length, "seed": seed, "rate": given.rate,
                        "validation": rows[-1]["validation_text"], "last": rows[-1]["loss"],
                        "rise": rise([row["loss"] for row in rows]), "losses": [row["loss"] for row in rows],
                    }  # fmt: skip
                    results.append(found)
                    print(f"{budget:>8}{length:>9}{seed:>6}{found['validation']:>12.4f}{found['last']:>8.3f}"
                          f"{found['rise']:>8.3f}{time.monotonic() - began:>9.0f}", flush=True)  # fmt: skip
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "warm_up.json").write_text(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
