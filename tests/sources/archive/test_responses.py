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

from tasks.sources.archive.body import decode, unchunk
from tasks.sources.archive.headers import fields, split_type
from tasks.sources.archive.responses import Page, page
from tasks.sources.archive.warc import Record, records
from tasks.sources.rejects import Bad

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


# ---- bodies as servers and archives have them (issue 11, fault 4)

MORE = b"<p>More of it, in a second member.</p>" * 9


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "zstd"])
def test_all_members_of_a_body_are_read(coding):
    pack = zstandard.compress if coding == "zstd" else gzip.compress
    several = pack(BODY) + pack(MORE) + pack(MORE)
    assert body_of(f"Content-Encoding: {coding}", body=several) == BODY + MORE + MORE
    # What stands behind the last is passed over, as browsers do.
    assert body_of(f"Content-Encoding: {coding}", body=several + b"\r\n0\r\n") == BODY + MORE + MORE
    assert reason(warc(http(several[:-9], f"Content-Encoding: {coding}"))) == "encoding"
    assert reason(warc(http(several, f"Content-Encoding: {coding}")), len(BODY) + len(MORE)) == "too-large"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_endless_members_end(coding):
    pack = zstandard.compress if coding == "zstd" else gzip.compress
    assert reason(warc(http(pack(b"") * 5000, f"Content-Encoding: {coding}"))) == "encoding"


@pytest.mark.parametrize("missing", range(1, 9))
def test_a_gzip_trailer_that_is_cut_off_costs_nothing(missing):
    assert body_of("Content-Encoding: gzip", body=gzip.compress(BODY)[:-missing]) == BODY
    assert body_of("Content-Encoding: gzip", body=gzip.compress(MORE) + gzip.compress(BODY)[:-missing]) == MORE + BODY


def test_a_gzip_body_whose_data_is_cut_off_is_told():
    for missing in (9, 10, 20):
        assert reason(warc(http(gzip.compress(BODY)[:-missing], "Content-Encoding: gzip"))) == "encoding"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, br", "made-up"])
@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + BODY,
        "\ufeff<html><body>Wide as ever</body></html>".encode("utf-16"),
        b"  \n<!-- a comment first -->" + BODY,
        b"Plain words of a text without any tag, and some more.\n" * 3,
        b"short",
        "Слово за слово".encode(),
        "コンピュータの話です。".encode("shift-jis") * 5,
    ],
)
def test_a_coding_named_but_undone_already_leaves_the_body(coding, body):
    assert body_of(f"Content-Encoding: {coding}", body=body) == body
    assert body_of(f"Content-Encoding: {coding}", body=body, headers=("WARC-Truncated: length",)) == body


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "made-up"])
def test_a_body_that_is_neither_coded_nor_text_is_told(coding):
    noise = bytes((number * 7919 >> 3) % 256 for number in range(3000))
    assert reason(warc(http(b"\x07" + noise, f"Content-Encoding: {coding}"))) == "encoding"


def test_an_image_whose_coding_is_wrong_is_an_image():
    image = b"\x89PNG\r\n\x1a\n" + bytes(200)
    assert reason(warc(http(image, "Content-Encoding: gzip", kind="image/png"))) == "type"


def test_transfer_codings_other_than_chunked():
    body = chunks(gzip.compress(BODY))
    assert body_of("Transfer-Encoding: gzip, chunked", body=body) == BODY


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("prefix", [b"", b"0x", b"0X", b"000"])
def test_chunk_sizes_never_stay_in_the_text(end, prefix):
    parts = [BODY[start : start + 300] for start in range(0, len(BODY), 300)]
    body = b"".join(prefix + b"%X" % len(part) + b" ;x" + end + part + end for part in parts) + b"0" + end * 2
    assert body_of("Transfer-Encoding: chunked", body=body) == BODY
    assert body_of("Transfer-Encoding: Chunked", "Content-Encoding: gzip", body=body) == BODY


def test_text_that_begins_like_a_chunk_is_no_chunk():
    for body in (
        b"1999\nwas a year of great success, and it ended well for all of us.",
        b"feed\n" * 60,
        b"a\n012345678\n\nwords",
    ):
        assert unchunk(body) == body


@pytest.mark.parametrize("end", [b"\n", b"\r\r\n", b"mixed"])
def test_http_header_lines_may_end_otherwise(end):
    block = http(gzip.compress(BODY), "Server: x", "Content-Encoding: gzip", kind="text/html; charset=koi8-r")
    head, _, body = block.partition(b"\r\n\r\n")
    head = head.replace(b"\r\n", b"\n", 2) if end == b"mixed" else head.replace(b"\r\n", end)
    found = open_page(warc(head + (b"\r\n\n" if end == b"mixed" else end * 2) + body))
    assert found is not None
    assert (found.body, found.charset) == (BODY, "koi8-r")


def test_a_header_that_never_ends_is_told():
    assert reason(warc(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n<html>")) == "http"


@pytest.mark.parametrize(
    ("value", "mime", "charset"),
    [
        ("text/html charset=utf-8", "text/html", "utf-8"),
        ("text/html, charset=utf-8", "text/html", "utf-8"),
        ("html", "text/html", None),
        ("HTML; charset='x-sjis'", "text/html", "x-sjis"),
        ("text/html;charset=windows-1251;charset=utf-8", "text/html", "windows-1251"),
        ("text/plain, text/html; charset = big5", "text/html", "big5"),
        (' text/html ; Charset="ISO-8859-1"', "text/html", "ISO-8859-1"),
        ('multipart/related; type="text/html"; boundary="a/b"', "multipart/related", None),
        ("text/html; charset=utf-8, text/html", "text/html", "utf-8"),
        ("image/svg+xml", "image/svg+xml", None),
        ("nonsense", "nonsense", None),
        ("*/*", "*/*", None),
        ("", "", None),
    ],
)
def test_media_types_as_servers_write_them(value, mime, charset):
    assert split_type(value) == (mime, charset)
    block = http(BODY, kind=value or None)
    if mime in ("text/html", "*/*", ""):
        found = open_page(warc(block))
        assert found is not None
        assert (found.html, found.charset, found.body) == (True, charset, BODY)
    else:
        assert reason(warc(block)) == "type"


def test_fields():
    head = (
        b"WARC/1.0\r\nName: first\r\n continued\r\nname : second\r\nno colon here\r\n folded onto nothing\r\n"
        b"Empty:\r\nURL: http://x/\xc3\xa9:8\r\nOld: caf\xe9\r\n\r\n"
    )
    expected = {"name": "first continued", "empty": "", "url": "http://x/é:8", "old": "café"}
    assert fields(head) == expected
    assert fields(head.replace(b"\r\n", b"\n")) == expected
    assert fields(head, joined=True)["name"] == "first continued, second"


def test_header_names_in_any_case_and_lines_of_bare_lf():
    data = warc(http(BODY)).replace(b"\r\nContent-Type: text/html", b"\r\ncontent-type: text/html")
    data = data.replace(b"Content-Length", b"content-length").replace(b"WARC-Target-URI", b"warc-target-uri")
    head, _, block = data.partition(b"\r\n\r\n")
    for record in (data, head.replace(b"\r\n", b"\n") + b"\n\n" + block):
        found = open_page(record)
        assert found is not None
        assert (found.url, found.body) == ("http://example.org/1", BODY)


def test_conversions_of_other_types_than_text():
    found = open_page(warc(BODY, type="conversion", content_type="text/html; charset=koi8-r"))
    assert found is not None
    assert (found.html, found.charset) == (True, "koi8-r")
    found = open_page(warc(b"words", type="conversion", content_type="text/plain"))
    assert found is not None
    assert (found.html, found.charset) == (False, "utf-8")
    assert reason(warc(b"\xff\xd8\xff\xe0", type="conversion", content_type="image/jpeg")) == "type"
