"""A project that is moved, with its data and its store: no artifact knows where it lay, and all is found built."""

import hashlib
import json
import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from conf.load import load
from conf.pipeline import Pipeline
from flows import dag
from flows.placed import told
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.job import Silent
from tasks.runtime.run import Run

CONF = """\
store: store
sources:
  web:   {kind: jsonl, files: ["web/*.jsonl", more/web.jsonl], id: id, reject_share: .9}
  books: {kind: text, files: books/*.txt}
  crawl: {kind: warc, files: crawl/*, reject_share: .9}
benchmarks:
  quiz: {files: quiz.jsonl, text: [query], train: train.jsonl}
  words: {generate: reversed-words, items: 9, words: words.txt}
quality: {good: [books], raw: [web], keep: {threshold: 0}, labels: {files: labels.jsonl}}
harm: {files: harm.jsonl, text: text, label: label}
keep: {harm: {max: 1}}
tokenizer: {vocabulary: 300}
dedup: {sample: 5}
"""
WARC = """WARC/1.0\r
WARC-Type: response\r
WARC-Target-URI: http://a.org/{number}\r
WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-00000000000{number}>\r
Content-Type: application/http; msgtype=response\r
Content-Length: {length}\r
\r
{body}\r
\r
"""


def project(folder: Path) -> Path:
    """Inputs of each kind, some of them damaged."""
    draw = random.Random(20261130)
    words = [hashlib.sha256(bytes([number])).hexdigest()[:6] for number in range(250)]

    def text() -> str:
        return " ".join(draw.choices(words, k=60))

    def lines(name: str, rows: list[dict[str, object]], more: str = "") -> None:
        write(name, "".join(json.dumps(row) + "\n" for row in rows) + more)

    def write(name: str, content: str) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8", newline="")

    for name in ("web/a.jsonl", "web/b.jsonl", "more/web.jsonl"):
        lines(
            name,
            [{"id": str(number), "text": text()} for number in range(12)],
            '{"broken\n{"id": "3", "text": "x y"}\n',
        )
    for number in range(12):
        write(f"books/{number}.txt", text())
    pages = [f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><p>{text()}</p></html>" for _ in range(4)]
    records = [WARC.format(number=number, length=len(body), body=body) for number, body in enumerate(pages)]
    write("crawl/a.warc", "".join(records) + "WARC/1.0\r\nbroken")
    lines("quiz.jsonl", [{"query": text()} for _ in range(3)])
    lines("train.jsonl", [{"query": text()} for _ in range(3)])
    write("words.txt", "\n".join(f"letters{chr(97 + number)}" for number in range(26)) + "\n")
    lines("labels.jsonl", [{"text": text(), "label": number % 2 == 0} for number in range(30)])
    lines("harm.jsonl", [{"text": text(), "label": number % 2 == 0} for number in range(60)])
    write("mine.yaml", CONF)
    return folder / "mine.yaml"


class Made(Silent):
    def __init__(self) -> None:
        self.fresh: list[str] = []

    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
        if not cached:
            self.fresh.append(artifact.label)


def build(conf: Path) -> list[str]:
    """What was not there."""
    pipeline, made = load(conf), Made()
    with closing(LocalEngine(1)) as engine:
        dag.train_tokenizer(Run(pipeline.store_url(), engine, made), pipeline)
    return made.fresh


def bytes_of(store: Path) -> dict[str, bytes]:
    """All files of artifacts; not the lists of what lies where, nor what differs from run to run."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in store.rglob("*")
        if path.is_file() and not path.name.startswith("run.")
        if not path.relative_to(store).parts[0].startswith((".", "files"))
    }


def test_a_moved_project_is_found_built_and_made_elsewhere_has_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    first = project(tmp_path / "one" / "project")
    assert len(build(first)) > 25
    expected = bytes_of(first.parent / "store")
    assert sum(name.endswith("manifest.json") for name in expected) > 25
    here = str(tmp_path).encode()
    assert not [name for name, content in expected.items() if here in content]

    second = project(tmp_path / "quite" / "another" / "place [2]")
    build(second)
    assert bytes_of(second.parent / "store") == expected

    moved = tmp_path / "moved"
    shutil.move(first.parent, moved)
    followed = Run(str(moved / "store"), None)
    dag.train_tokenizer(followed, load(moved / "mine.yaml"))
    assert all(artifact.built for artifact in followed.artifacts)  # `status` says so before anything is read
    assert build(moved / "mine.yaml") == []
    assert bytes_of(moved / "store") == expected


def test_a_pipeline_that_goes_to_another_machine_means_the_same_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA", str(tmp_path / "data"))
    for conf in ("demo", "gpt3", "ladder", "real", "common-crawl", str(project(tmp_path))):
        pipeline = load(conf)
        (tmp_path / "there").mkdir(exist_ok=True)
        path = tmp_path / "there" / Path(conf).name
        path.write_text(told(pipeline), encoding="utf-8")
        assert load(path) == pipeline
    mine = yaml.safe_load(told(load(tmp_path / "mine.yaml")))
    assert mine["sources"]["web"]["files"] == [f"{tmp_path}/web/*.jsonl", f"{tmp_path}/more/web.jsonl"]
    text = CONF.replace("books/*.txt", "'${DATA}/books/*.txt'").replace("store: store", "")
    (tmp_path / "mine.yaml").write_text(text)
    sent = told(load(tmp_path / "mine.yaml"))
    monkeypatch.delenv("DATA")
    (tmp_path / "there" / "mine.yaml").write_text(sent)
    there: Pipeline = load(tmp_path / "there" / "mine.yaml")
    assert there.sources["books"].files == f"{tmp_path}/data/books/*.txt"
    assert there.store_url() == str(tmp_path / "store")
