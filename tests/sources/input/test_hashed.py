"""What is hashed is what is read, in whatever order; a file that changed on the way stops the reading and is named."""

import hashlib
import io
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.runtime.errors import Failure
from tasks.runtime.local_store import sha256_of
from tasks.sources.input.hashed import Hashed, as_listed
from tasks.sources.input.raw import Raw, size_of
from tasks.sources.parts import Part, plan

CONTENT = bytes(range(256)) * 40


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@given(
    st.lists(st.tuples(st.integers(0, len(CONTENT) + 50), st.integers(0, 5000)), max_size=12),
    st.integers(0, len(CONTENT)),
    st.integers(0, len(CONTENT)),
)
def test_the_checksum_is_the_bytes_whatever_is_read_in_whatever_order(tmp_path_factory, reads, one, other):
    path = tmp_path_factory.getbasetemp() / "content"
    path.write_bytes(CONTENT)
    low, high = sorted((one, other))
    file = Hashed(path, low, high)
    for offset, size in reads:
        file.seek(offset)
        assert file.read(size) == CONTENT[offset : offset + size]
        assert file.tell() == offset + len(CONTENT[offset : offset + size])
    assert file.end() == sha256(CONTENT[low:high])
    with path.open("rb") as plain:
        assert sha256_of(plain, low, high) == sha256(CONTENT[low:high])


def test_it_is_a_file_to_those_who_read_it(tmp_path):
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    file = Hashed(path)
    assert size_of(file) == size_of(path) == len(CONTENT)
    raw = Raw(file)
    assert (raw.name, raw.size, raw.read(5, 10)) == (str(path), len(CONTENT), CONTENT[5:15])
    raw.close()
    assert io.BufferedReader(file).read(3) == CONTENT[15:18]
    assert file.read() == CONTENT[file.tell() - len(file.read()) :] or file.tell() == len(CONTENT)
    assert file.end() == sha256(CONTENT)


def part(path, **more) -> Part:
    return Part(str(path), path.stat().st_size, **more)


def test_a_file_is_hashed_while_it_is_read(tmp_path, monkeypatch):
    """In one pass: no byte is read twice, and none before its reader asks."""
    path = tmp_path / "a.warc"
    path.write_bytes(CONTENT)
    read = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda file, size, at: read.append((at, size)) or pread(file, size, at))
    with as_listed(part(path, sha256=sha256(CONTENT)), path, "warc") as reading:
        assert read == []
        while reading.source.read(1000):
            pass
    assert reading.sha256 == sha256(CONTENT)
    assert sum(size for at, size in read if at < len(CONTENT)) < len(CONTENT) + 1000
    read.clear()
    with as_listed(part(path, sha256=sha256(CONTENT)), path, "warc") as reading:
        reading.source.seek(5000)  # what is passed over is hashed then, and what follows when it is read
        while reading.source.read(1000):
            pass
    assert sum(size for at, size in read if at < len(CONTENT)) < len(CONTENT) + 1000


@pytest.mark.parametrize("kind", ["warc", "jsonl", "text", "parquet"])
def test_another_content_of_the_same_size_is_named(tmp_path, kind):
    path = tmp_path / "a"
    path.write_bytes(CONTENT)
    listed = part(path, sha256=sha256(CONTENT))
    path.write_bytes(CONTENT[::-1])
    with (
        pytest.raises(Failure, match=r"/a is not the file that was listed: its content differs; put the file back"),
        as_listed(listed, path, kind),
    ):
        pass
    path.write_bytes(CONTENT + b"x")
    with pytest.raises(Failure, match="/a is not the file that was listed"), as_listed(listed, path, kind):
        pass
    path.unlink()
    with pytest.raises(Failure, match="/a was listed and cannot be read now"), as_listed(listed, path, kind):
        pass


@pytest.mark.parametrize("kind", ["warc", "parquet"])
@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_is_written_to_while_it_is_read_is_named(tmp_path, kind, known):
    path = tmp_path / "a"
    path.write_bytes(CONTENT)
    os.utime(path, ns=(1, 1))
    listed = part(path, sha256=sha256(CONTENT) if known else None)
    with pytest.raises(Failure, match=r"/a (was written to|is not the file)"), as_listed(listed, path, kind) as reading:
        if isinstance(reading.source, Hashed):
            reading.source.read(100)
        with path.open("r+b") as file:
            file.write(b"other")


def test_a_file_that_is_replaced_while_it_is_read_is_read_as_it_was(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(CONTENT)
    with as_listed(part(path, sha256=sha256(CONTENT)), path, "warc") as reading:
        (tmp_path / "b").write_bytes(CONTENT[::-1])
        (tmp_path / "b").replace(path)
        assert reading.source.read() == CONTENT
    assert reading.sha256 == sha256(CONTENT)
    with (
        pytest.raises(Failure, match="/a was written to or replaced while it was read"),
        as_listed(part(path), path, "parquet"),
    ):
        (tmp_path / "b").write_bytes(CONTENT)
        (tmp_path / "b").replace(path)


def test_what_a_reader_stumbles_over_in_a_changed_file_is_the_change(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(CONTENT[::-1])
    with (
        pytest.raises(Failure, match="is not the file that was listed"),
        as_listed(part(path, sha256=sha256(CONTENT)), path, "warc"),
    ):
        raise Failure("the bytes do not add up")
    with pytest.raises(Failure, match="add up"), as_listed(part(path, sha256=sha256(CONTENT[::-1])), path, "warc"):
        raise Failure("the bytes do not add up")


def rows_as(kind: str, path) -> tuple[bytes, bytes]:
    """Texts in a file of several parts, and what is there once in its last one, with other content of its size."""
    texts = [f"number {n:05} {sha256(str(n).encode())}" for n in range(2000)]
    if kind == "jsonl":
        path.write_text("".join(f'{{"text": "{text}"}}\n' for text in texts))
    else:
        table = pa.table({"text": texts})
        pq.write_table(
            table, path, row_group_size=500, compression="none", use_dictionary=False, write_statistics=False
        )
    return b"number 01990 ", b"number 09999 "


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_part_that_was_replaced_after_the_whole_was_checked_is_told(tmp_path, kind):
    """As on a worker that comes to its shard an hour later; parts whose own bytes are the same may still be read."""
    path = tmp_path / f"rows.{kind}"
    old, new = rows_as(kind, path)
    listed = {"path": str(path), "size": path.stat().st_size, "sha256": sha256(path.read_bytes())}
    parts = [part for _, group in plan([listed], kind, 40_000) for part in group]
    assert len(parts) >= 3
    for each in parts:
        with as_listed(each, path, kind):
            pass
    path.write_bytes(path.read_bytes().replace(old, new))
    for each in parts[:-1]:
        with as_listed(each, path, kind):
            pass
    with (
        pytest.raises(Failure, match=rf"rows\.{kind} is not the file that was listed: its bytes \d+ to \d+ differ"),
        as_listed(parts[-1], path, kind),
    ):
        pass
    with pytest.raises(Failure, match=rf"rows\.{kind} is not the file that was listed: its content differs"):
        plan([listed], kind, 40_000)
    path.write_bytes(path.read_bytes() + b"{}\n")
    with pytest.raises(Failure, match=rf"rows\.{kind} is not the file that was listed"):
        for _, group in plan([listed], kind, 40_000):  # a Parquet file that ends otherwise cannot be cut
            with as_listed(group[0], path, kind):
                pass


def test_a_part_whose_line_no_longer_begins_where_it_did_is_told(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows_as("jsonl", path)
    _, second, *_ = [part for _, group in plan([{"path": str(path), "size": path.stat().st_size}], "jsonl", 40_000) for part in group]  # fmt: skip  # noqa: E501
    with path.open("r+b") as file:
        file.seek(second.start - 1)
        file.write(b" ")
    with pytest.raises(Failure, match="is not the file that was listed"), as_listed(second, path, "jsonl"):
        pass
