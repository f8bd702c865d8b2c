"""A small pipeline with every decision, for whatif and diff: copies of several degrees, leaks, languages, a mixture."""

import json
import random
from pathlib import Path
from typing import Any

from conf.load import load
from flows import dag
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.job import Silent, build
from tasks.runtime.run import Run

WORDS = [
    "river",
    "stone",
    "lantern",
    "meadow",
    "copper",
    "window",
    "harbour",
    "thistle",
    "the",
    "of",
    "and",
    "to",
    "that",
]
LEAKED = "the quick otter carried seven silver spoons across the frozen lake before breakfast on a monday morning"
GERMAN = "der Fluss und die Laterne sind nicht weit von dem alten Hafen, aber wir haben es nicht gesehen und gehen heim"


def prose(number: int, count: int = 150) -> str:
    drawn = random.Random(number)
    return " ".join(f"{drawn.choice(WORDS)}{drawn.randrange(40) if n % 3 else ''}" for n in range(count)) + "."


def altered(text: str, words: int, seed: int) -> str:
    """Some of its words changed."""
    said = text.split()
    for place in random.Random(seed).sample(range(len(said)), words):
        said[place] = f"changed{place}"
    return " ".join(said)


def texts() -> dict[str, list[str]]:
    books = [prose(n) for n in range(24)]
    web = [prose(100 + n) for n in range(50)]
    web += [altered(books[n], 2 + 2 * (n % 4), n) for n in range(12)]  # of similarities around the thresholds
    web += [altered(web[n], 3 + 3 * (n % 3), n) for n in range(12)]
    web += [f"{prose(200 + n)} {LEAKED} {prose(300 + n, 20 + 30 * n)}" for n in range(4)]
    web += [f"{GERMAN} {n}. {GERMAN}. {prose(400 + n, 10)}" for n in range(4)]
    web += [f"write to me{n}@example.org or you{n}@example.org: {prose(500 + n)}" for n in range(4)]
    return {"books": books, "web": web}


def written(folder: Path, **more: list[str]) -> Path:
    """The pipeline's file, beside its inputs. `more`: further sources."""
    sources = ""
    for name, of in {**texts(), **more}.items():
        rows = [{"id": n, "text": text, "url": f"http://{name}.example/{n}"} for n, text in enumerate(of)]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        group = "" if name == "books" else ", group: crawl"
        sources += f"  {name}: {{kind: jsonl, id: id, url: url, shard: 20000, files: {folder}/{name}.jsonl{group}}}\n"
    (folder / "quiz.jsonl").write_text(json.dumps({"text": LEAKED}))
    path = folder / "conf.yaml"
    path.write_text(
        f"store: {folder}/store\nvalidation: 0.1\nsources:\n{sources}"
        f"benchmarks:\n  quiz: {{files: {folder}/quiz.jsonl, text: [text]}}\n"
        "quality: {good: [books], raw: [crawl], sample: 200, features: 256, keep: {pareto: 1}}\n"
        "keep: {heuristics: {words: {min: 5}}, pii: {emails: {max: 5}}}\n"
        "dedup: {preset: modern}\ndecontaminate: {margin: 20, shortest: 20}\n"
        "tokenizer: {vocabulary: 300}\nmixture: {crawl: 3, books: 2}\n"
        "models:\n  tiny: {preset: demo, layers: 1, width: 16, heads: 2, context: 24, tokens: 16000, batch: 480}\n"
    )
    return path


def built(conf: Path, settings: dict[str, Any] | None = None, until: Any = dag.pretrain) -> dag.Built:
    """A real run but for the training of models."""
    pipeline, engine = load(conf, settings), LocalEngine(1)

    def make(artifact: Artifact, what: Any, arguments: dict[str, Any], *_: Any) -> Artifact:
        if what.name not in ("pretrain", "ngrams"):
            build(artifact, what, arguments, engine, Silent())
        return artifact

    made: dag.Built = until(Run(pipeline.store_url(), engine, make=make), pipeline)
    return made


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """What a store holds: times of change and bytes."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()
    }
