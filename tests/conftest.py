"""What tests share: a store in a temporary folder, and sources made from rows of a list."""

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tasks.runtime.engine import LocalEngine
from tasks.runtime.shards import DOCUMENTS
from tasks.runtime.stage import Artifact, Job, Output, Run, stage

REAL = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("real") and not REAL.is_dir():
        pytest.skip(f"the real files are not here: {REAL}")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A building run on one worker, which is this process."""
    return Run(tmp_path / "store", LocalEngine(1))


@stage("made", version="1")
def made(job: Job, *, texts: list[str], shards: int) -> dict[str, Any]:
    """Documents from texts, dealt out over some shards in turn."""
    items = [(f"{n:05}", (job.artifact.name, texts[n::shards], n, shards)) for n in range(shards)]
    job.map(made_shard, items)
    return {"documents": len(texts)}


def document_id(source: str, number: int) -> str:
    return f"{source}:{hashlib.sha256(f'{source} {number}'.encode()).hexdigest()[:32]}"


def made_shard(out: Output, item: tuple[str, list[str], int, int]) -> dict[str, Any]:
    source, texts, first, step = item
    numbers = range(first, first + step * len(texts), step)
    rows = {
        "id": [document_id(source, number) for number in numbers],
        "text": texts,
        "bytes": [len(text.encode()) for text in texts],
        "url": [f"https://{source}.example/{number}" for number in numbers],
        "date": [None] * len(texts),
        "language": ["en"] * len(texts),
        "meta": [None] * len(texts),
    }
    out.write(pa.table(rows, schema=DOCUMENTS))
    return {"documents": len(texts)}


def source(run: Run, name: str, texts: list[str], shards: int = 1) -> Artifact:
    """A source of these texts; document n has the id document_id(name, n)."""
    return run(made, name, texts=texts, shards=shards)
