"""Prompts with answers, and a page that is served in a thread, for tests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasks.labels.asked import prompts_in
from tasks.labels.page import page
from tasks.labels.ranking import Ranking, kept_at
from tasks.labels.server import Server

HOSTILE = "</script><script>document.title='hit'</script><img src=x onerror=\"document.title='hit'\"><b>&amp;"


def records(count: int = 3, answers: int = 4) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"id": f"p{n}", "prompt": f"Question {n}?", "answers": [f"answer {n}.{k}" for k in range(answers)]}
        for n in range(count)
    ]
    rows[0]["prompt"] = HOSTILE
    rows[0]["answers"][0] = f"{HOSTILE}\u202e\x1b[31m"
    return rows


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def said(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@contextmanager
def served(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        thread.join()


@contextmanager
def ranking(folder: Path, rows: list[dict[str, Any]], full: bool = True, labeler: str = "ann") -> Iterator[Any]:
    """(address, ranking, file) of a page that asks for ranks."""
    asked = prompts_in(written(folder / "prompts.jsonl", rows))
    kept = kept_at(folder / "labels.jsonl", print)
    made = Ranking(asked, kept, labeler, 1, full)
    try:
        with served(Server(page(made.content()), made.doors, 0, print)) as server:
            yield server.address, made, kept.path
    finally:
        kept.close()
