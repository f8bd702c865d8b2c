"""Indentation, empty lines and literal entities on their way from a file to a document."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import PAGE, WORDS, http, members, warc

from tasks.sources.documents import Document, documents
from tasks.sources.parts import Part
from tasks.sources.reading import Reading
from tasks.sources.tally import Tally

CODE = "def f(x):\n    if x:\n\t\treturn  1\n\n\n\nprint(f(2))  # wide"
STANDARD = "def f(x):\n    if x:\n\t\treturn 1\n\nprint(f(2)) # wide"


def texts(path: Path, kind: str) -> list[str]:
    items = list(documents(path, Part(str(path), path.stat().st_size), kind, Reading("s"), Tally()))
    assert all(isinstance(item, Document) for item in items), items
    assert all(item.utf8 == item.text.encode() for item in items)
    return [item.text for item in items]


def test_in_lines_of_json_in_text_and_in_parquet(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": CODE}) + "\n" + json.dumps({"text": "\n  " + CODE}) + "\n")
    assert texts(tmp_path / "a.jsonl", "jsonl") == [STANDARD, "  " + STANDARD]
    (tmp_path / "a.txt").write_bytes(CODE.replace("\n", "\r\n").encode())
    assert texts(tmp_path / "a.txt", "text") == [STANDARD]
    pq.write_table(pa.table({"text": [CODE]}), tmp_path / "a.parquet")
    assert texts(tmp_path / "a.parquet", "parquet") == [STANDARD]


def test_in_plain_text_of_a_crawl(tmp_path):
    (tmp_path / "a.warc.wet.gz").write_bytes(members(warc(CODE.encode(), type="conversion", content_type="text/plain")))
    assert texts(tmp_path / "a.warc.wet.gz", "warc") == [STANDARD]


@pytest.mark.parametrize(
    ("written", "shown"),
    [(b"write &amp;lt;b&amp;gt; for bold", "write &lt;b&gt; for bold"), (b"P&amp;O and &lt;b&gt;", "P&O and <b>")],
)
def test_what_a_page_shows_as_an_entity_stays(tmp_path, written, shown):
    (tmp_path / "a.warc.gz").write_bytes(members(warc(http(PAGE % (WORDS + written)))))
    (text,) = texts(tmp_path / "a.warc.gz", "warc")
    assert text.endswith(shown)


def test_entities_elsewhere_are_resolved(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "P&amp;O"}) + "\n")
    assert texts(tmp_path / "a.jsonl", "jsonl") == ["P&O"]
