"""Records to pages: statuses, types, encodings that hold, lie or break, and limits."""

import gzip
import io
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from made import http, warc

from tasks.sources.body import decode, unchunk
from tasks.sources.rejects import Bad
from tasks.sources.responses import Page, page, split_type
from tasks.sources.warc import Record, records

BODY = b"<html><body>" + b"<p>Hello, this is a page with text in it.</p>" * 50 + b"</body></html>"
LIMIT = 1 << 20


def open_page(data: bytes, limit: int = LIMIT) -> Page | None:
    (record,) = records(io.BytesIO(data), "made")
    assert isinstance(record, Record)
    return page(record, limit)


def body_of(*headers: str, body: bytes, **more: str) -> bytes:
    found = open_page(warc(http(body, *headers), **more))
    assert found is not None
    return found.body


def reason(data: bytes, limit: int = LIMIT) -> str:
    with pytest.raises(Bad) as caught:
        open_page(data, limit)
    return caught.value.reason


def chunks(body: bytes, size: int = 100) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x;ext=1\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def bare_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(body) + stream.flush()


CODED = {
    "gzip": gzip.compress(BODY),
    "x-gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "Deflate": bare_deflate(BODY),
    "br": brotli.compress(BODY),
    "zstd": zstandard.compress(BODY),
    "identity": BODY,
    "gzip, br": brotli.compress(gzip.compress(BODY)),
}


@pytest.mark.parametrize("coding", CODED)
def test_content_codings_are_undone(coding):
    assert body_of(f"Content-Encoding: {coding}", body=CODED[coding]) == BODY
    chunked = chunks(CODED[coding])
    assert body_of(f"Content-Encoding: {coding}", "Transfer-Encoding: chunked", body=chunked) == BODY


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "made-up"])
def test_a_coding_that_is_not_there_is_passed_over(coding):
    assert body_of(f"Content-Encoding: {coding}", "Transfer-Encoding: chunked", body=BODY) == BODY


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_coding_that_breaks_is_told_unless_the_archive_cut_it(coding):
    broken = CODED[coding][:-9]
    assert reason(warc(http(broken, f"Content-Encoding: {coding}"))) == "encoding"
    cut = warc(http(broken, f"Content-Encoding: {coding}"), headers=("WARC-Truncated: length",))
    if coding in ("gzip", "deflate"):  # the others give nothing of so small a body before its end
        found = open_page(cut)
        assert found is not None
        assert BODY.startswith(found.body)
        assert len(found.body) > len(BODY) // 2


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_stopped_at_the_limit(coding):
    zeros = b"<html>" + bytes(50 << 20)
    bomb = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}.get(
        coding, lambda data: brotli.compress(data, quality=1)
    )(zeros)
    assert reason(warc(http(bomb, f"Content-Encoding: {coding}"))) == "too-large"


def test_gzip_in_gzip_in_gzip_stays_within_the_limit():
    bomb = gzip.compress(gzip.compress(bytes(50 << 20)))
    assert reason(warc(http(bomb, "Content-Encoding: gzip, gzip"))) == "too-large"


def test_chunks_that_break_and_a_last_one_that_is_missing():
    assert unchunk(b"5\r\nhello\r\n6\r\n world\r\n") == b"hello world"
    assert unchunk(b"5\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n") == b"hello world"
    with pytest.raises(Bad, match="should have 255 bytes and has 3"):
        unchunk(b"5\r\nhello\r\nff\r\nabc")
    with pytest.raises(Bad, match="no chunk where one should begin"):
        unchunk(b"5\r\nhello\r\nzz\r\nabc")
    assert unchunk(b"5\r\nhello\r\nff\r\nabc", partial=True) == b"helloabc"
    assert unchunk(b"<html>") == b"<html>"
    assert unchunk(b"abc and more words\r\n") == b"abc and more words\r\n"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=500), st.integers(1, 60))
def test_any_body_survives_chunking(body, size):
    assert unchunk(chunks(body, size)) == body


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(sorted(CODED)), st.booleans(), st.booleans())
def test_any_body_decodes_or_is_bad(body, coding, chunked, partial):
    for given_ in (body, CODED[coding][:40] + body, body + CODED[coding]):
        try:
            assert len(decode(given_, "chunked" if chunked else "", coding, 10_000, partial)) <= 10_000
        except Bad as bad:
            assert bad.reason in ("encoding", "too-large")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("HTTP/1.1 404 Not Found", "status"),
        ("HTTP/1.0 301", "status"),
        ("HTTP/1.1 206 Partial Content", "status"),
        ("HTTP/1.1 OK", "http"),
        ("ICY 200 OK", "http"),
        ("no status line at all", "http"),
    ],
)
def test_statuses(status, expected):
    assert reason(warc(http(BODY, status=status))) == expected


def test_a_missing_status_text_is_no_damage():
    found = open_page(warc(http(BODY, status="HTTP/1.1 200")))
    assert found is not None
    assert found.body == BODY


def test_types():
    assert reason(warc(http(b"%PDF-1.4", kind="application/pdf"))) == "type"
    assert reason(warc(http(b"\x89PNG\r\n", kind="text/html"))) == "type"
    assert reason(warc(b"a name server's answer", url="dns:example.org", content_type="text/dns")) == "type"
    found = open_page(warc(http(BODY, kind=None)))
    assert found is not None
    assert found.html  # sniffed
    found = open_page(warc(http(b"plain words", kind="text/plain; charset='koi8-r'")))
    assert found is not None
    assert (found.html, found.charset) == (False, "koi8-r")
    assert split_type("Text/HTML;Charset=UTF-8") == ("text/html", "UTF-8")
    assert split_type(None) == ("", None)


def test_other_records():
    assert open_page(warc(b"GET / HTTP/1.1\r\n\r\n", type="request")) is None
    assert (
        open_page(warc(b"log", type="resource", url="metadata://gnu.org/wget/log", content_type="text/plain")) is None
    )
    found = open_page(warc(BODY, type="resource", content_type="text/html"))
    assert found is not None
    assert (found.body, found.html) == (BODY, True)
    found = open_page(warc("Текст страницы".encode(), type="conversion", content_type="text/plain"))
    assert found is not None
    assert found.body.decode() == "Текст страницы"
    assert reason(warc(http(b" \n "))) == "empty"
    assert reason(warc(http(b"x" * 5000)), limit=4000) == "too-large"


def test_what_a_page_keeps_of_its_record():
    found = open_page(warc(http(BODY), 7, url="<http://example.org/a b>"))
    assert found is not None
    assert found.url == "http://example.org/a b"
    assert found.id == "<urn:uuid:00000000000000000000000000000007>"
    assert found.date is not None
    assert found.date.isoformat() == "2020-02-03T04:05:06+00:00"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damage_to_a_block_is_a_page_or_bad(data):
    block = bytearray(http(chunks(gzip.compress(BODY)), "Transfer-Encoding: chunked", "Content-Encoding: gzip"))
    for _ in range(data.draw(st.integers(1, 6))):
        block[data.draw(st.integers(0, len(block) - 1))] = data.draw(st.integers(0, 255))
    try:
        open_page(warc(bytes(block)))
    except Bad as bad:
        assert bad.reason in ("http", "status", "type", "encoding", "too-large", "empty")
