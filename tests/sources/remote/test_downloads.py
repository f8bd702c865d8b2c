"""Remote files: one streaming read a file, resumed where it broke, of one version, hashed; looked at side by side."""

import gzip
import hashlib
import random

import pytest
from server import Says, serve

from tasks.runtime.errors import Failure, Mistake
from tasks.sources.remote import bring as remote
from tasks.sources.remote.bring import Remote, asking, download, look, look_all, read_gzip_lines
from tasks.sources.remote.manners import Manners

CONTENT = random.Random(1).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HALF = len(CONTENT) // 2
QUIET = Manners("a@b.example", requests=1e9)


def test_a_file_is_one_streaming_request_that_names_us_and_the_version(tmp_path):
    with serve({"/a": CONTENT}) as server:
        there = look(f"{server.url}/a", QUIET)
        assert there == Remote(f"{server.url}/a", len(CONTENT), "v1")
        assert download(there, tmp_path / "a", QUIET) == SHA256
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert (server.heads, server.asked) == (["/a"], [("/a", None)])
    sent = server.headers[-1]
    assert sent["User-Agent"].startswith("Millrace/")
    assert sent["User-Agent"].endswith("(+a@b.example)")
    assert sent["If-Match"] == '"v1"'
    assert sent["Accept-Encoding"] == "identity"


def test_a_download_goes_on_where_it_broke(tmp_path, clock):
    with serve({"/a": CONTENT}) as server:
        there = look(f"{server.url}/a", QUIET)
        server.faults = [503, "short", "reset", 500, "short", "shifted", "bare", None]
        assert download(there, tmp_path / "a", QUIET) == SHA256
    assert (tmp_path / "a").read_bytes() == CONTENT
    quarters = f"bytes={HALF + HALF // 2}-"
    assert [span for _, span in server.asked] == [None, None, *[f"bytes={HALF}-"] * 3, *[quarters] * 3]
    assert len(clock.slept) >= 7


def test_a_slow_server_that_goes_on_sending_is_not_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(asking, "SILENCE", 0.5)  # of .6 in all
    with serve({"/a": CONTENT}) as server:
        there = look(f"{server.url}/a", QUIET)
        server.faults = ["slow"]
        assert download(there, tmp_path / "a", QUIET) == SHA256
        assert len(server.asked) == 1


def test_a_server_that_knows_no_ranges_sends_all_anew(tmp_path):
    with serve({"/a": CONTENT}) as server:
        there = look(f"{server.url}/a", QUIET)
        server.faults = ["short", "whole"]
        assert download(there, tmp_path / "a", QUIET) == SHA256
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_attempts_are_counted_anew_as_long_as_bytes_arrive(tmp_path, monkeypatch):
    from tasks.sources.remote import outages

    monkeypatch.setattr(outages, "PROGRESS", 10)
    with serve({"/a": CONTENT}) as server:
        there = look(f"{server.url}/a", QUIET)
        server.faults = ["short"] * 12  # more in a row than the kind is tried
        assert download(there, tmp_path / "a", QUIET) == SHA256
        monkeypatch.setattr(outages, "PROGRESS", len(CONTENT))
        server.faults = ["short"] * 12
        with pytest.raises(Failure, match=r"broke off before its end .*, after 7 attempts"):
            download(there, tmp_path / "a", QUIET)


@pytest.mark.parametrize("if_match", [True, False])
@pytest.mark.parametrize("etag", ["v1", 'W/"v1"'])
def test_two_versions_never_mix(tmp_path, if_match, etag):
    with serve({"/a": CONTENT}) as server:
        server.looks_at_if_match, server.etag = if_match, etag
        there = look(f"{server.url}/a", QUIET)
        assert there.etag == etag
        server.faults = ["changes"]
        with pytest.raises(Failure, match=r"/a: the file changed since the source's list was frozen.*; add a source"):
            download(there, tmp_path / "a", QUIET)
        assert len(server.asked) == 2, "the rest of another version is asked for once"
        with pytest.raises(Failure, match="changed since the source's list was frozen"):
            download(there, tmp_path / "a", QUIET)


def test_a_file_without_etag_is_told_by_its_size_and_its_date(tmp_path):
    with serve({"/a": CONTENT}) as server:
        server.etag, server.modified = None, "Wed, 01 Jan 2025 00:00:00 GMT"
        there = look(f"{server.url}/a", QUIET)
        assert there.etag == ""
        server.faults = ["short", None]
        assert download(there, tmp_path / "a", QUIET) == SHA256
        server.faults = ["changes"]
        with pytest.raises(Failure, match="it was written anew while it arrived"):
            download(there, tmp_path / "a", QUIET)
        server.files["/a"] = CONTENT[1:]
        with pytest.raises(Failure, match=rf"it has {len(CONTENT) - 1} bytes, the list says {len(CONTENT)} bytes"):
            download(there, tmp_path / "a", QUIET)


def test_a_file_that_went_is_told(tmp_path):
    with serve({}) as server, pytest.raises(Mistake, match=r"/a: there is no such file \(HTTP 404"):
        download(Remote(f"{server.url}/a", 1, "v1"), tmp_path / "a", QUIET)


def test_bytes_are_stored_as_the_server_stores_them(tmp_path):
    """Also where a server takes a .gz for a coding of the answer."""
    packed = gzip.compress(b"text", mtime=0)
    with serve({"/a.gz": packed, "/empty": b""}) as server:
        server.faults = [Says(200, {"Content-Encoding": "gzip", "Content-Length": str(len(packed))}, packed)]
        download(Remote(f"{server.url}/a.gz", len(packed), ""), tmp_path / "a", QUIET)
        assert (tmp_path / "a").read_bytes() == packed
        empty = look(f"{server.url}/empty", QUIET)
        assert download(empty, tmp_path / "empty", QUIET) == hashlib.sha256().hexdigest()


@pytest.mark.parametrize("refusal", [403, 405, 501])
def test_a_server_that_answers_no_head_is_asked_for_the_first_byte(refusal):
    with serve({"/a": CONTENT}) as server:
        server.head_faults = [refusal] * 9
        if refusal == 501:
            with pytest.raises(Failure, match="error of its own"):
                look(f"{server.url}/a", QUIET)
            return
        assert look(f"{server.url}/a", QUIET) == Remote(f"{server.url}/a", len(CONTENT), "v1")
        assert server.asked == [("/a", "bytes=0-0")]
        server.faults = ["whole"]
        assert look(f"{server.url}/a", QUIET).size == len(CONTENT)


def test_many_are_looked_at_side_by_side_within_the_budget():
    files = {f"/{number}": b"x" * number for number in range(40)}
    with serve(files) as server:
        urls, known = [server.url + path for path in files], {}
        look_all(urls, Manners(requests=1e9, connections=3), known)
        assert [known[url].size for url in urls] == list(range(40))
        assert sorted(server.heads) == sorted(files)
        assert 1 <= server.most_open <= 3


def test_what_is_known_when_one_fails_is_known():
    files = {f"/{number}": b"x" for number in range(20)}
    with serve(files) as server:
        urls, known = [server.url + path for path in [*files, "/gone"]], {}
        with pytest.raises(Mistake, match=r"/gone: there is no such file"):
            look_all(urls, QUIET, known)
        assert set(known) == set(urls[:-1])


def test_lines_of_a_listing():
    with serve({"/l.gz": gzip.compress(b"a\nb\n"), "/m.gz": b"a\nb\n"}) as server:
        assert read_gzip_lines(f"{server.url}/l.gz", QUIET) == ["a", "b"]
        with pytest.raises(Failure, match=r"/m.gz is not a gzip file of lines"):
            read_gzip_lines(f"{server.url}/m.gz", QUIET)


def test_what_is_remote():
    assert [remote.is_remote(path) for path in ("http://a/b", "https://a/b", "s3://a/b", "/a/b", "a")] == [
        True,
        True,
        True,
        False,
        False,
    ]
