"""A corpus small enough to train on in seconds: two groups, three sources, and a byte-level tokenizer."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import yaml

VOCABULARY, END = 257, 256  # the 256 bytes and <|endoftext|>
TINY = {"layers": 2, "width": 32, "heads": 2, "context": 32, "vocabulary": VOCABULARY}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)  # two that share a busy core wait for each other


def write_tokenizer(path: Path) -> Path:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    library = Tokenizer(models.BPE({**{s: n for n, s in enumerate(symbols)}, "<|endoftext|>": END}, []))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    library.save(str(path))
    return path


def write_source(folder: Path, shards: list[tuple[Any, Any]], tokenizer: str = "t1") -> dict[str, Any]:
    """A tokens artifact (contracts.md); returns the mixture's entry for it."""
    folder.mkdir(parents=True)
    listed = []
    for n, (train, validation) in enumerate(shards):
        np.asarray(train, "<u2").tofile(folder / f"{n:05d}.train.bin")
        np.asarray(validation, "<u2").tofile(folder / f"{n:05d}.validation.bin")
        listed.append({"key": f"{n:05d}", "train": len(train), "validation": len(validation)})
    about = {"dtype": "uint16", "vocabulary": VOCABULARY, "end_of_text": END, "tokenizer": tokenizer, "shards": listed}
    (folder / "tokens.json").write_text(json.dumps(about))
    return {
        "source": folder.name, "folder": f"tokens/{folder.name}",
        "train": sum(s["train"] for s in listed), "validation": sum(s["validation"] for s in listed),
    }  # fmt: skip


def write_mixture(path: Path, groups: list[tuple[str, float, list[dict[str, Any]]]], tokenizer: str = "t1") -> Path:
    whole = sum(weight for _, weight, _ in groups)
    listed = [
        {
            "group": name,
            "weight": weight / whole,
            "asked": weight,
            "held": sum(s["train"] for s in sources),
            "sources": sources,
        }
        for name, weight, sources in groups
    ]
    path.write_text(
        json.dumps({"tokenizer": tokenizer, "dtype": "uint16", "end_of_text": END, "seed": 1, "groups": listed})
    )
    return path


def text(length: int, seed: int) -> np.ndarray:
    """Something to learn: a noisy cycle of bytes, in documents."""
    draw = np.random.default_rng(seed)
    tokens = (np.arange(length) * (seed + 1) + (draw.random(length) < 0.1) * draw.integers(0, 50, length)) % 64
    tokens[99::100] = END
    return tokens


@pytest.fixture
def make() -> SimpleNamespace:
    """The writers above, for tests that want a corpus of their own."""
    return SimpleNamespace(source=write_source, mixture=write_mixture, tokenizer=write_tokenizer, text=text)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    """A store with mixture.json and tokenizer.json in it."""
    store = tmp_path_factory.mktemp("store")
    a = write_source(store / "tokens/cc-a", [(text(1000, 1), text(150, 4)), ([], []), (text(777, 2), text(10, 5))])
    b = write_source(store / "tokens/cc-b", [(text(500, 3), [])])
    c = write_source(store / "tokens/wiki", [(text(400, 6), text(100, 7))])
    write_mixture(store / "mixture.json", [("common-crawl", 60, [a, b]), ("wikipedia", 41, [c])])
    write_tokenizer(store / "tokenizer.json")
    return store


@pytest.fixture
def run_yaml(corpus, tmp_path):
    """Writes a run.yaml for that corpus into tmp_path/<name>; returns its path. Its `out` is tmp_path/<name>/out."""

    def write(
        name: str = "run", model: dict[str, Any] | None = None, train: dict[str, Any] | None = None, **keys: Any
    ) -> Path:
        (tmp_path / name).mkdir(exist_ok=True)
        path = tmp_path / name / "run.yaml"
        training = {
            "updates": 12, "batch": 4 * 32, "micro_batch": 2, "learning_rate": 3e-3, "warm_up": 2,
            "checkpoint_every": 4, "validate_every": 6, "threads": 1, "device": "cpu",
        }  # fmt: skip
        run = {
            "out": str(path.parent / "out"), "store": str(corpus), "mixture": str(corpus / "mixture.json"),
            "tokenizer": str(corpus / "tokenizer.json"),
            "model": {**TINY, **(model or {})}, "train": {**training, **(train or {})},
        }  # fmt: skip
        path.write_text(yaml.safe_dump({**run, **keys}))
        return path

    return write
