"""Reddit's submissions, written as a dump and read by `submissions` and `links`."""

import json
from pathlib import Path

import zstandard

from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.sources.input.files import expand
from tasks.sources.webtext.links import links
from tasks.sources.webtext.submissions import submissions

POST = {"url": "http://example.org/a", "score": 5, "is_self": False, "over_18": False, "created_utc": 1_500_000_000}


def post(url: str, score: int = 5, created: int = 1_500_000_000, **more: object) -> dict:
    return {**POST, "url": url, "score": score, "created_utc": created, **more}


def write(folder: Path, **files: list[dict]) -> None:
    folder.mkdir(exist_ok=True, parents=True)
    for name, rows in files.items():
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        (folder / f"{name}.zst").write_bytes(zstandard.compress(data))


def read_in(run: Run, folder: Path, files: str = "*", **more) -> Artifact:
    listed = [file.as_dict() for file in expand({"name": "reddit", "files": files}, folder)]
    return run(submissions, "reddit", files=listed, source="reddit", **{"reject_share": 0.1, **more})


def linked(run: Run, found: Artifact, **more) -> Artifact:
    return run(links, "reddit", submissions=found, **{"karma": 3, "without": ["wikipedia.org"], **more})
