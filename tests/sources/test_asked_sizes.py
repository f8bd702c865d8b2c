"""`millrace plan --ask`: sizes of crawls' files from their server, by a few files of each."""

import gzip
from pathlib import Path

import pytest
from server import serve

from conf.load import load
from flows.asking import FEW, sizes_of
from flows.cli import followed
from tasks.runtime.errors import Mistake

PATHS = [f"crawl-data/CC-MAIN-2019-35/wet/{n:05}.warc.wet.gz" for n in range(40)]


def test_a_few_files_tell_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {f"/{path}": b"x" * 1000 for path in PATHS}
    files["/crawl-data/CC-MAIN-2019-35/wet.paths.gz"] = gzip.compress("\n".join(PATHS).encode())
    said: list[str] = []
    with serve(files) as server:
        (tmp_path / "p.yaml").write_text(
            "servers: {contact: tests@example.org}\nsources:\n"
            f"  cc: {{kind: warc, crawl: CC-MAIN-2019-35, form: wet, files: 30, base: '{server.url}'}}\n"
            "  books: {kind: text, files: '*.txt'}\n"
        )
        pipeline = load(tmp_path / "p.yaml")
        run = followed(pipeline)
        assert server.asked == [] and server.heads == [], "nothing is asked for but by --ask"
        sizes = sizes_of(pipeline, run, said.append)
        assert sizes == {"cc": 30 * 1000.0}
        assert len(server.heads) == 1 + FEW and len(server.asked) == 1, "the list, and a few files"
        assert said == ["cc: 8 of 30 files asked for"]


def test_more_files_than_a_crawl_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"/crawl-data/CC-MAIN-2019-35/warc.paths.gz": gzip.compress(b"a\nb")}
    with serve(files) as server:
        (tmp_path / "p.yaml").write_text(
            "servers: {contact: tests@example.org}\nsources:\n"
            f"  cc: {{kind: warc, crawl: CC-MAIN-2019-35, files: 30, base: '{server.url}'}}\n"
        )
        pipeline = load(tmp_path / "p.yaml")
        with pytest.raises(Mistake, match="crawl CC-MAIN-2019-35 has 2 files, not 30"):
            sizes_of(pipeline, followed(pipeline), lambda _: None)
