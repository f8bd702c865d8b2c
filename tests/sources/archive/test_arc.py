"""ARC files: records of both versions, as WARC records, with damage accounted for."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import PAGE, WORDS, arc, http, members, warc
from test_warc import bad, good, read

from tasks.sources.archive.responses import page
from tasks.sources.archive.warc import Record

FIRST = arc(b"1 0 Maker\nURL IP-address Archive-date Content-type Archive-length\n", "filedesc://a.arc", "text/plain")
BLOCKS = [http(PAGE % (b"Page %d. " % number + WORDS)) for number in range(5)]
PAGES = [arc(block, f"http://example.org/{number}") for number, block in enumerate(BLOCKS)]
FORMS = {
    "plain": b"".join,
    "gzip": lambda parts: members(*parts),
    "whole": lambda parts: gzip.compress(b"".join(parts)),
}


def bodies(found: list) -> list[bytes]:
    return [item.block for item in found if isinstance(item, Record)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("version", [1, 2])
def test_records_of_both_versions(form, version):
    pages = [arc(block, f"http://example.org/{number}", version=version) for number, block in enumerate(BLOCKS)]
    found = read(FORMS[form]([FIRST, *pages]))
    assert bad(found) == []
    assert [item.type for item in found] == ["warcinfo"] + ["response"] * 5
    assert bodies(found)[1:] == BLOCKS
    opened = page(found[2], 1 << 20)
    assert opened is not None
    assert (opened.id, opened.url, opened.html) == (None, "http://example.org/1", True)
    assert opened.date is not None
    assert opened.date.isoformat() == "2008-05-09T19:02:41+00:00"
    assert opened.body == PAGE % (b"Page 1. " + WORDS)
    if form == "gzip":
        sizes = [len(members(record)) for record in [FIRST, *pages]]
        assert [(item.offset, item.length) for item in found] == [
            (sum(sizes[:number]), size) for number, size in enumerate(sizes)
        ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("off", [-1, 1])
def test_a_first_record_whose_length_is_off_by_a_line_end(form, off):
    """Common Crawl's of 2008 reach over their line end."""
    size = int(FIRST.split(b"\n")[0].rsplit(b" ", 1)[1])
    first = FIRST.replace(b" %d\n" % size, b" %d\n" % (size + off))
    found = read(FORMS[form]([first, *PAGES]))
    assert bodies(found)[-5:] == BLOCKS
    assert len(bad(found)) <= (off == -1)


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (b"http://example.org/x 1.2.3.4 20080509190241 text/html -1\n\n", "header"),
        (b"http://example.org/x 1.2.3.4 20080509190241 text/html abc\n\n", "header"),
        (b"no header at all\n", "header"),
        (arc(b"x" * 50, "http://example.org/x", length=3000), "length"),
        (arc(b"x" * 3000, "http://example.org/x", length=50), "length"),
        (arc(b"x" * 50, "http://example.org/x", length=10**15), "length"),
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_damage_costs_itself_alone(damaged, reason, form):
    found = read(FORMS[form]([FIRST, *PAGES[:2], damaged, *PAGES[2:]]))
    assert bodies(found)[1:] == BLOCKS
    (reject,) = bad(found)
    assert reject.reason == reason
    if form == "plain":
        assert (reject.offset, reject.length) == (len(FIRST + b"".join(PAGES[:2])), len(damaged))


def test_a_truncated_last_record_is_told():
    for form in FORMS.values():
        found = read(form([FIRST, *PAGES])[:-30])
        assert bodies(found)[1:] == BLOCKS[: len(good(found)) - 1]
        assert bad(found)[-1].reason == "truncated"


def test_an_arc_file_without_its_first_record_or_with_a_damaged_one():
    assert bodies(read(b"".join(PAGES))) == BLOCKS
    found = read(b"damaged " * 20 + b"\n" + b"".join(PAGES), "x.arc")
    assert bodies(found) == BLOCKS
    assert [reject.reason for reject in bad(found)] == ["header"]
    assert [item.type for item in read(warc(BLOCKS[0]), "named.arc")] == ["response"]  # it is WARC by its first bytes


def test_what_is_no_page():
    names = arc(b"20080430204825\nwww.archive.org.\t589\tIN\tA\t1.2.3.4\n", "dns:www.archive.org", "text/dns")
    (record,) = read(names)
    assert (record.fields["warc-target-uri"], record.fields["content-type"]) == ("dns:www.archive.org", "text/dns")
    found = read(arc(b"y" * 100_000, "http://example.org/") + PAGES[0], block=50_000)
    assert [item.block is None for item in found] == [True, False]


def test_a_hostile_line_takes_no_minutes():
    line = b"http://x" + b" 1.2.3.4 20080509190241 x" * 300 + b" " * 2100 + b"\n"
    found = read(FIRST + line * 1000 + PAGES[0])
    assert bodies(found)[1:] == BLOCKS[:1]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(FORMS)), st.data())
def test_any_damage_is_accounted_for(form, data):
    content = bytearray(FORMS[form]([FIRST, *PAGES]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[at] ^= data.draw(st.integers(1, 255))
        else:
            del content[at : at + data.draw(st.integers(1, 300))]
        content = content or bytearray(b"x")
    read(bytes(content), "x.arc")
