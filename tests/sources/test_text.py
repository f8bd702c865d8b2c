"""Text files: a document a file, whole or refused, with the remedy in the sentence."""

import gzip

import pytest

from tasks.sources.parts import Part
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import Reject
from tasks.sources.tally import Tally
from tasks.sources.text import text_file

PACKED = gzip.compress(b"text", mtime=0)


def read(path, data, **limits) -> tuple[Candidate | Reject, Tally]:
    path.write_bytes(data)
    tally = Tally()
    (found,) = text_file(path, Part("folder/a.txt", len(data)), Reading("s", {}, limits), tally)
    assert tally.counts["bytes"] == tally.counts["bytes_in_records"] + tally.counts["bytes_damaged"] == len(data)
    return found, tally


@pytest.mark.parametrize("data", [b"text", PACKED])
def test_a_file_is_a_document(tmp_path, data):
    found, tally = read(tmp_path / "a.any", data)
    assert found == Candidate(None, b"text", "", None, {"file": "a.txt"}, 0, len(data))
    assert tally.counts["bytes_damaged"] == 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty-file"),
        (PACKED[:-4], "truncated"),
        (gzip.compress(b"text " * 1000, mtime=0), "too-large"),
        (b"x" * 4001, "too-large"),
    ],
)
def test_or_a_reject(tmp_path, data, reason):
    found, tally = read(tmp_path / "a.txt.gz" if data[:1] != b"x" else tmp_path / "a.txt", data, file=4000)
    assert isinstance(found, Reject)
    assert (found.file, found.offset, found.length, found.reason) == ("folder/a.txt", 0, len(data), reason)
    assert tally.counts["bytes_damaged"] == len(data)


def test_a_limit_names_the_key_that_lifts_it_and_the_key_does(tmp_path):
    data = b"a book " * 1000
    refused, _ = read(tmp_path / "a.txt", data, file=6999)
    assert refused.detail == "the content has more than 6999 bytes; raise `limits: {file: …}` of the source"
    assert read(tmp_path / "a.txt", data, file=7000)[0].text == data
