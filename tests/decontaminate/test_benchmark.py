"""A benchmark's file: its items, and what is said of a file that is none."""

import gzip
import hashlib
import json
import os
from pathlib import Path

import pytest
import zstandard
from corpora import counts

from tasks.decontaminate.benchmark import benchmark, items_of, lying_here
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.run import Run
from tasks.sources.input.listing import SAMPLE

RECORDS = [
    {"query": "Wer wagt es, Rittersmann oder Knapp?", "choices": ["ich", "du"], "gold": 0},
    {"query": "漢字 \N{GRINNING FACE}", "choices": ["a"], "gold": 0, "more": None},
]


def made(run: Run, *paths: Path, text: list[str]) -> Artifact:
    files = [{"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()} for path in paths]
    return run(benchmark, "quiz", files=files, inside=None, text=text)


def lines(records: list[dict]) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "jsonl.zst"])
def test_items(run, tmp_path, suffix):
    packed = {"jsonl": bytes, "jsonl.gz": gzip.compress, "jsonl.zst": zstandard.ZstdCompressor().compress}
    path = tmp_path / f"quiz.{suffix}"
    path.write_bytes(packed[suffix](b"\n" + lines(RECORDS[:1]) + b"  \n" + lines(RECORDS[1:])))
    artifact = made(run, path, text=["query", "choices"])
    rows = items_of(artifact).to_pylist()
    assert [row["text"] for row in rows] == ["Wer wagt es, Rittersmann oder Knapp? ich du", "漢字 \N{GRINNING FACE} a"]
    assert [json.loads(row["record"]) for row in rows] == RECORDS
    assert [(row["file"], row["line"]) for row in rows] == [(path.name, 2), (path.name, 4)]
    assert [row["item"] for row in rows] == [hashlib.sha256(lines([one]).strip()).hexdigest()[:32] for one in RECORDS]
    assert counts(artifact)["items"] == 2


def test_an_item_is_the_same_wherever_it_stands(run, tmp_path):
    found = []
    for name, records in (("a", RECORDS), ("b", RECORDS[::-1])):
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(lines(records))
        rows = items_of(made(run, path, text=["query"])).to_pylist()
        found.append({row["item"]: row["text"] for row in rows})
    assert found[0] == found[1] and len(found[0]) == 2


def test_a_file_of_several_frames(run, tmp_path):
    for suffix, pack in (("gz", gzip.compress), ("zst", zstandard.ZstdCompressor().compress)):
        path = tmp_path / f"quiz.jsonl.{suffix}"
        path.write_bytes(b"".join(pack(lines([record])) for record in RECORDS))
        assert counts(made(run, path, text=["query"]))["items"] == 2


def test_a_byte_order_mark_is_no_part_of_a_record(run, tmp_path):
    path = tmp_path / "marked.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + lines(RECORDS))
    rows = items_of(made(run, path, text=["query"])).to_pylist()
    assert [json.loads(row["record"]) for row in rows] == RECORDS


def test_text_is_cleaned_and_the_record_is_not(run, tmp_path):
    said = "\ufeffFish &amp; chips &lt;b&gt; <i>caf&eacute;</i> cafe\u0301 so\u00adft cafÃ© &amp;amp; AT&T &copy=1"
    path = tmp_path / "quiz.jsonl"
    path.write_bytes(lines([{"query": said}]))
    (row,) = items_of(made(run, path, text=["query"])).to_pylist()
    assert row["text"] == "Fish & chips <b> <i>café</i> café soft café &amp; AT&T &copy=1"
    assert json.loads(row["record"]) == {"query": said}
    assert row["item"] == hashlib.sha256(lines([{"query": said}]).strip()).hexdigest()[:32]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lines(RECORDS) + b"{not json\n", r"quiz.jsonl:3: not JSON"),
        (lines(RECORDS) + b'{"query": "cut off', r"quiz.jsonl:3: not JSON"),
        (b'\xff\xfe{"query": 1}\n', r"quiz.jsonl:1: not JSON"),
        (lines(RECORDS[:1]) + b"[1, 2]\n", r"quiz.jsonl:2: a JSON object is expected, not list"),
        (lines(RECORDS[:1]) + b'{"choices": []}\n', r"quiz.jsonl:2: no field 'query'; the record has choices"),
    ],
)
def test_a_bad_line_is_named(run, tmp_path, content, said):
    path = tmp_path / "quiz.jsonl"
    path.write_bytes(content)
    with pytest.raises(Mistake, match=said) as told:
        made(run, path, text=["query"])
    assert str(told.value).startswith(f"stage benchmark of quiz: {path}:")


def test_a_missing_file_is_named(run, tmp_path):
    with pytest.raises(Mistake, match=r"nowhere.jsonl is missing"):
        run(benchmark, "quiz", files=[{"path": str(tmp_path / "nowhere.jsonl")}], inside=None, text=["x"])


def test_a_file_that_was_replaced_since_it_was_listed_is_told(run, tmp_path):
    """By its content: size and time of change are those of the listed one."""
    path = tmp_path / "quiz.jsonl"
    path.write_bytes(lines(RECORDS))
    before = path.stat()
    files = [{"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}]
    path.write_bytes(lines(RECORDS).replace(b"wagt", b"fand"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    with pytest.raises(Failure, match=r"stage benchmark of quiz: .*quiz\.jsonl is not the file that was listed"):
        run(benchmark, "quiz", files=files, inside=None, text=["query"])
    path.unlink()
    with pytest.raises(Failure, match=r"quiz\.jsonl was listed and cannot be read now"):
        run(benchmark, "quiz", files=files, inside=None, text=["query"])


@pytest.mark.parametrize("suffix", ["gz", "zst"])
@pytest.mark.parametrize("damage", ["cut", "garbled", "plain"])
def test_a_damaged_file_is_named(run, tmp_path, suffix, damage):
    content = lines([{"query": hashlib.sha256(str(n).encode()).hexdigest()} for n in range(300)])
    packed = (
        gzip.compress(content) if suffix == "gz" else zstandard.ZstdCompressor(write_checksum=True).compress(content)
    )
    half = len(packed) // 2
    path = tmp_path / f"quiz.jsonl.{suffix}"
    path.write_bytes(
        {"cut": packed[:half], "garbled": packed[:half] + b"\xff" * 60 + packed[half + 60 :], "plain": content}[damage]
    )
    with pytest.raises(Mistake, match=rf"quiz.jsonl.{suffix}"):
        made(run, path, text=["query"])


def test_no_item_at_all(run, tmp_path):
    path = tmp_path / "quiz.jsonl"
    path.write_bytes(b"\n")
    with pytest.raises(Failure, match="benchmark quiz has no item"):
        made(run, path, text=["query"])


def test_fields_of_any_kind_are_joined_to_one_text(run, tmp_path):
    """Lists however deep, part by part; what is no text as JSON has it. Characters are those of the text."""
    record = {"a": ["x", ["y", 2]], "b": 3.5, "c": {"d": "é"}, "e": None, "f": "z"}
    path = tmp_path / "quiz.jsonl"
    path.write_bytes(lines([record, {**record, "f": "漢字"}]))
    artifact = made(run, path, text=["f", "a", "b", "c", "e"])
    texts = items_of(artifact, ["text"]).column("text").to_pylist()
    assert texts == ['z x y 2 3.5 {"d": "é"} null', '漢字 x y 2 3.5 {"d": "é"} null']
    assert counts(artifact) == {"items": 2, "characters": sum(map(len, texts))}


def test_what_lies_here_is_looked_at_before_it_is_read(tmp_path):
    for name in ("a.jsonl", "b.jsonl", "c.txt"):
        (tmp_path / name).touch()
    one, every = f"{tmp_path}/c.txt", f"{tmp_path}/*.jsonl"
    assert list(lying_here(one)) == [tmp_path / "c.txt"]
    assert sorted(lying_here([every, one])) == [tmp_path / name for name in ("a.jsonl", "b.jsonl", "c.txt")]
    elsewhere = ["https://quiz.example/a.jsonl", "s3://bucket/a.jsonl", f"{SAMPLE}quiz.jsonl"]
    assert list(lying_here([*elsewhere, one])) == [tmp_path / "c.txt"]
    assert list(lying_here(None)) == list(lying_here([])) == []
