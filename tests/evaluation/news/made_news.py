"""Articles and models' texts of a chosen law, as files and as artifacts, without a model."""

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.evaluation.news.news import FILE, NEWS, Written
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.sources.input.files import expand

COMMON = [f"word{n}" for n in range(300)]
ODD = [f"odd{n}" for n in range(300)]


def text(law: list[str], seed: str, words: int = 60, sentence: int = 12) -> str:
    """Sentences of words drawn from a law."""
    draw = random.Random(seed)
    said = [draw.choice(law) for _ in range(words)]
    return " ".join(word + "." * (n % sentence == sentence - 1) for n, word in enumerate(said))


def articles(count: int, words: int = 60) -> list[dict[str, str]]:
    """What people wrote."""
    return [
        {"title": f"Title {n}", "subtitle": f"Of number {n}", "text": text(COMMON, f"human {n}", words)}
        for n in range(count)
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A JSONL file, listed as the DAG lists it."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [file.as_dict() for file in expand({"name": "files", "files": str(path)}, path.parent)]


def rows(count: int, odd: float, seed: int = 1, words: int = 60) -> list[dict[str, Any]]:
    """Rows of news: people's texts of common words, and a model's of which a share `odd` is of words of its own."""
    found = []
    for n in range(count):
        draw = random.Random(f"{seed} {n}")
        machine = text(COMMON, f"machine {seed} {n}", words).split(" ")
        machine = [draw.choice(ODD) if draw.random() < odd else word for word in machine]
        found.append(
            {
                "item": f"{n:032x}", "title": f"Title {n}", "subtitle": f"Of number {n}", "shots": 3, "seed": seed,
                "temperature": 1.0,
                "human": text(COMMON, f"human {seed} {n}", words), "text": " ".join(machine), "fault": None,
            }
        )  # fmt: skip
    return found


@stage("news", kind="measure", version="planted")
def planted(job: Job, *, count: int, odd: float, seed: int) -> Written:
    """News as if a model had written it."""
    with job.publish(FILE) as file:
        pq.write_table(pa.Table.from_pylist(rows(count, odd, seed), schema=NEWS), file)
    return Written(texts=count, words=60 * count, human_words=60 * count, parameters=1000)
