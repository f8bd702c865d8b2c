"""A small pipeline over texts made by arithmetic, and the content of what it builds: the same on every machine.

`python tests/golden/pipeline.py` writes answers.json anew, where an answer is meant to change.
"""

import hashlib
import importlib.metadata
import io
import json
import platform
import re
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

ANSWERS = Path(__file__).with_name("answers.json")
SYLLABLES = ["ka", "lo", "mi", "ner", "sta", "vi", "ru", "to", "en", "pla", "so", "ther", "qui", "da", "fe", "gra"]
LEAK = "seven grey herons stood upon the broken pier and watched how slowly the last of the boats came home again"


def word(number: int) -> str:
    return "".join(SYLLABLES[number // 16**place % 16] for place in range(1 + number % 3))


def text(topic: int, seed: int, words: int) -> str:
    """Words that a linear congruence draws from a topic's vocabulary, in sentences."""
    state, made = seed * 2654435761 % 2**32, []
    for place in range(words):
        state = (1664525 * state + 1013904223) % 2**32
        made.append(word(topic * 200 + state // 2**16 % 150) + ("." if place % 11 == 10 else ""))
    return " ".join(made)


def write(folder: Path) -> Path:
    """The pipeline's files below a folder; the path of its YAML."""
    good = [{"id": n, "text": text(1, n, 90 + n % 40), "url": f"http://good.example/{n}"} for n in range(60)]
    raw = [
        {"id": n, "text": text(1 + n % 3, 1000 + n, 60 + n % 70), "url": f"http://raw.example/{n}"} for n in range(150)
    ]
    raw[7]["text"] = good[3]["text"]  # an exact copy across sources
    raw[8]["text"] = raw[10]["text"].replace(" ", "  ", 5) + " truly"  # a near copy
    raw[11]["text"] = f"{text(1, 77, 80)} {LEAK} {text(1, 78, 80)}"
    raw[12]["text"] = "Ã©tÃ© &amp; cafÃ©\u00a0\u200b " + text(2, 5, 40)  # mojibake, an entity, odd spaces
    raw[13]["text"] = "too short"
    for name, rows in (("good", good), ("raw", raw), ("quiz", [{"context": LEAK, "continuation": "at last"}])):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    conf = {
        "store": str(folder / "store"),
        "seed": 3,
        "validation": 0.1,
        "sources": {
            name: {"kind": "jsonl", "files": str(folder / f"{name}.jsonl"), "id": "id", "url": "url", "shard": 20_000}
            for name in ("good", "raw")
        },
        "benchmarks": {"quiz": {"files": str(folder / "quiz.jsonl"), "text": ["context", "continuation"]}},
        "quality": {"good": ["good"], "raw": ["raw"], "keep": {"pareto": 0.5}, "features": 4096},
        "decontaminate": {"shortest": 50},
        "tokenizer": {"vocabulary": 400, "sample": 100_000},
        "mixture": {"good": 3, "raw": 1},
    }
    path = folder / "golden.yaml"
    path.write_text(yaml.safe_dump(conf, sort_keys=False))
    return path


def contents(store: Path) -> dict[str, str]:
    """By stage, name and file: a checksum of what it says, apart from fingerprints and from Parquet's own bytes."""
    checksums = {}
    for manifest in sorted(store.glob("*/*/manifest.json")):
        label = re.sub(r"-[0-9a-f]{16}$", "", manifest.parent.relative_to(store).as_posix())
        for path in sorted(manifest.parent.iterdir()):
            if (checksum := content(path)) is not None:
                checksums[f"{label}/{path.name}"] = checksum
    return checksums


def content(path: Path) -> str | None:
    """A checksum of what a file says; None for those that name paths or fingerprints, and for traces."""
    silent = ("files.parquet", "manifest.json", "items.parquet", "tokens.json")
    if (
        path.name in silent
        or path.name.startswith("run.")
        or path.name.endswith((".rejects.parquet", ".inputs.parquet", ".origins.parquet"))
    ):
        return None
    data = path.read_bytes()
    if path.suffix == ".parquet":
        table = pq.read_table(io.BytesIO(data)).combine_chunks()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema.remove_metadata()) as stream:
            stream.write_table(table.replace_schema_metadata(None))
        data = sink.getvalue().to_pybytes()
    elif path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            data = b"".join(arrays[name].tobytes() for name in sorted(arrays))
    return hashlib.sha256(data).hexdigest()[:32]


def build(folder: Path) -> dict[str, str]:
    return built(write(folder))


def built(path: Path) -> dict[str, str]:
    """What a pipeline that was written makes."""
    from conf.load import load
    from flows import dag
    from tasks.runtime.engine import LocalEngine
    from tasks.runtime.run import Run

    pipeline = load(path)
    dag.train_tokenizer(Run(pipeline.store_url(), LocalEngine(1)), pipeline)
    return contents(path.parent / "store")


def versions() -> dict[str, str]:
    """Of the libraries that shape an answer."""
    names = ("ftfy", "resiliparse", "numpy", "scikit-learn", "tokenizers", "gigatoken")
    return {name: importlib.metadata.version(name) for name in names}


if __name__ == "__main__":
    import tempfile

    sys.path.insert(0, str(Path(__file__).parents[2]))
    with tempfile.TemporaryDirectory() as folder:
        made = {"machine": platform.machine(), "versions": versions(), "answers": build(Path(folder))}
        ANSWERS.write_text(json.dumps(made, indent=1) + "\n")
