"""JSONL, Parquet and text files: records, rejects with their place, and parts that share no line and lose none."""

import gzip
import json
from datetime import UTC, datetime
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.sources.jsonl import jsonl as read_jsonl
from tasks.sources.lines import Line, lines
from tasks.sources.parquet import parquet as read_parquet
from tasks.sources.parts import Part
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import Reject
from tasks.sources.rows import moment
from tasks.sources.tally import Tally
from tasks.sources.text import whole

FIELDS = {"text": "text", "id": "id", "url": "url", "date": "date", "title": "title"}


def jsonl(path, tally=None, **limits):
    return list(read_jsonl(path, Part("a", path.stat().st_size), Reading("s", FIELDS, limits), tally or Tally()))


def parquet(path, start=0, end=None, **fields):
    part = Part("a", path.stat().st_size, start, end)
    return list(read_parquet(path, part, Reading("s", {**FIELDS, **fields}), Tally()))


def write(path, data):
    path.write_bytes(data)
    return path


def test_records_and_what_is_wrong_with_lines(tmp_path):
    rows = [
        b'{"text": "one", "id": "a", "url": "http://x/1", "date": "2019-08-20T01:02:03Z", "title": "T"}',
        b"not json",
        b"",
        b'["a list"]',
        b'{"body": "no text"}',
        b'{"text": 5}',
        b'{"text": "bad \xff\xfe"}',
        b'{"text": "two", "id": 7, "date": 1566263000}',
        b"[" * 100_000,
        b'{"text": "long ' + b"x" * 5000 + b'"}',
        b'{"text": "last", "id": ""}',
    ]
    path = write(tmp_path / "a.jsonl", b"\r\n".join(rows))
    found = jsonl(path, payload=4000)
    good = [item for item in found if isinstance(item, Candidate)]
    assert [(row.id, row.text) for row in good] == [("a", "one"), ("7", "two"), (None, "last")]
    assert good[0][2:5] == ("http://x/1", datetime(2019, 8, 20, 1, 2, 3, tzinfo=UTC), {"title": "T"})
    bad = [item for item in found if isinstance(item, Reject)]
    assert [(reject.reason, reject.detail.split(":")[0]) for reject in bad] == [
        ("json", "line 2"),
        ("json", "line 4"),
        ("no-text", "line 5"),
        ("no-text", "line 6"),
        ("charset", "line 7"),
        ("too-large", "line 9"),
        ("too-large", "line 10"),
    ]
    data = path.read_bytes()
    for reject in bad:
        line = data[reject.offset : reject.offset + reject.length]
        assert line.rstrip(b"\r\n") == rows[int(reject.detail.split(":")[0][5:]) - 1]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, lambda data: data])
def test_compressed_or_not(tmp_path, pack):
    data = b"".join(b'{"text": "text %d"}\n' % number for number in range(10_000))
    path = write(tmp_path / "a.jsonl.any", pack(data))
    assert [row.text for row in jsonl(path)] == [f"text {number}" for number in range(10_000)]


def test_a_broken_stream_gives_what_was_before(tmp_path):
    data = b"".join(b'{"text": "text %d"}\n' % (number * 7919 % 10007) for number in range(10_000))
    path = write(tmp_path / "a.jsonl.gz", gzip.compress(data)[:-1000])
    tally = Tally()
    *rows, reject = jsonl(path, tally)
    assert len(rows) > 8000
    assert (reject.reason, reject.offset + reject.length) == ("truncated", path.stat().st_size)
    assert tally.counts["bytes_damaged"] == reject.length > 0


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=30),
    st.lists(st.integers(0, 300), max_size=4),
    st.booleans(),
)
def test_parts_share_no_line_and_lose_none(tmp_path_factory, made, cuts, ended):
    path = write(tmp_path_factory.mktemp("parts") / "a.jsonl", b"{" + b"\n".join(made) + b"\n" * ended)
    size = path.stat().st_size
    edges = sorted({0, size, *(cut for cut in cuts if cut < size)})
    parts = [list(lines(path, start, end)) for start, end in pairwise(edges)]
    assert [line for part in parts for line in part] == list(lines(path))
    assert sum(line.length for line in lines(path) if isinstance(line, Line)) == size


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_to_jsonl_is_a_row_or_a_reject(tmp_path_factory, data):
    records = [json.dumps({"id": number, "text": f"text é {number}"}, ensure_ascii=False) for number in range(8)]
    content = bytearray("\n".join(records).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = write(tmp_path_factory.mktemp("damage") / "a.jsonl", bytes(content))
    found = jsonl(path)
    for item in found:
        assert isinstance(item, Candidate) or item.reason in ("json", "charset", "no-text")
    untouched = [line for line in records if line.encode() in bytes(content).split(b"\n")]
    texts = [item.text for item in found if isinstance(item, Candidate)]
    assert all(json.loads(line)["text"] in texts for line in untouched)


def test_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    date = datetime(2020, 1, 1, tzinfo=UTC)
    table = pa.table({"text": ["one", None, "three", "four"], "id": [1, 2, 3, 4], "date": [date] * 4})
    pq.write_table(table, path, row_group_size=2)
    found = parquet(path, url=None)
    assert [(row.text, row.id, row.date) for row in found if isinstance(row, Candidate)] == [
        ("one", "1", date),
        ("three", "3", date),
        ("four", "4", date),
    ]
    assert [(reject.reason, reject.offset) for reject in found if isinstance(reject, Reject)] == [("no-text", 1)]
    assert [row.text for row in parquet(path, 1, 2)] == ["three", "four"]
    (reject,) = parquet(path, text="body")
    assert (reject.reason, reject.length) == ("no-text", 4)


def test_a_damaged_parquet_file_is_a_reject(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [str(number) * 50 for number in range(4000)]}), path, row_group_size=1000)
    data = bytearray(path.read_bytes())
    middle = pq.read_metadata(path).row_group(1).column(0).data_page_offset
    data[middle - 40 : middle + 40] = bytes(80)
    path.write_bytes(data)
    found = parquet(path)
    assert {item.reason for item in found if isinstance(item, Reject)} == {"parquet"}
    assert {row.text for row in found if isinstance(row, Candidate)} >= {
        str(number) * 50 for number in (0, 999, 2000, 3999)
    }
    (reject,) = parquet(write(path, b"PAR1 no"))
    assert reject.reason == "parquet"


def test_whole_files(tmp_path):
    assert list(whole(write(tmp_path / "a.txt", b"text"), "a")) == [(b"text", 4)]
    packed = gzip.compress(b"text")
    assert list(whole(write(tmp_path / "a.txt.gz", packed), "a")) == [(b"text", len(packed))]
    for data, reason in ((b"", "empty-file"), (packed[:-4], "truncated"), (gzip.compress(b"x" * 5000), "too-large")):
        (reject,) = whole(write(tmp_path / "b.txt.gz", data), "b", limit=4000)
        assert (reject.reason, reject.length) == (reason, len(data))


def test_moments():
    assert moment("2019-08-20") == datetime(2019, 8, 20, tzinfo=UTC)
    assert moment(0) == datetime(1970, 1, 1, tzinfo=UTC)
    for value in ("yesterday", None, True, [], 1e30, float("nan")):
        assert moment(value) is None
