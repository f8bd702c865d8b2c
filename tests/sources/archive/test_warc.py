"""WARC framing: every byte in a record or in a listed damaged range, whatever was done to the file."""

import bz2
import gzip
import io
import lzma
import time

import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from made import http, members, page, warc

from tasks.runtime.errors import Failure
from tasks.sources.archive.framing import BLANKS
from tasks.sources.archive.warc import Record, records
from tasks.sources.ledger import Ledger
from tasks.sources.rejects import Reject

PAGES = [page(number) for number in range(6)]
FORMS = {
    "plain": b"".join,
    "gzip": lambda pages: members(*pages),
    "whole": lambda pages: gzip.compress(b"".join(pages), mtime=0),
    "zstd": lambda pages: b"".join(zstandard.compress(page) for page in pages),
    "bzip2": lambda pages: b"".join(map(bz2.compress, pages)),
    "xz": lambda pages: b"".join(map(lzma.compress, pages)),
    "lz4": lambda pages: b"".join(lz4.frame.compress(page, content_checksum=True) for page in pages),
    "blocks": lambda pages: members(*cut(b"".join(pages), 300)),  # bgzip's habit: members that cut through records
}


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def read(data: bytes, name: str = "made", **limits: int) -> list[Record | Reject]:
    """All that is in the bytes, after checking that ranges lie end to end and cover them."""
    ledger = Ledger(name)
    found = []
    for item in records(io.BytesIO(data), name, **limits):
        ledger.add(item.offset, item.length or 0, isinstance(item, Reject))
        found.append(item)
    ledger.close(len(data))
    return found


def good(found: list[Record | Reject]) -> list[bytes | None]:
    return [item.block for item in found if isinstance(item, Record)]


def bad(found: list[Record | Reject]) -> list[Reject]:
    return [item for item in found if isinstance(item, Reject)]


def bare(record: bytes) -> bytes:
    """A record's block."""
    return record.removesuffix(b"\r\n\r\n").partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("form", FORMS)
def test_records_come_out_as_they_went_in(form):
    found = read(FORMS[form](PAGES))
    assert good(found) == [bare(page) for page in PAGES]
    assert bad(found) == []
    assert {item.type for item in found} == {"response"}


def test_a_record_has_its_members_place_in_the_file():
    data = members(*PAGES)
    sizes = [len(members(page)) for page in PAGES]
    assert [(item.offset, item.length) for item in read(data)] == [
        (sum(sizes[:number]), size) for number, size in enumerate(sizes)
    ]


@pytest.mark.parametrize(
    ("name", "spoil", "reason"),
    [
        ("data", lambda member: member[:40] + b"\xff\x00\xff" + member[43:], "gzip"),
        ("checksum", lambda member: member[:-6] + b"\x00\x11" + member[-4:], "gzip"),
        ("no member", lambda member: b"some text that is no member at all", "gzip"),
        ("cut short", lambda member: member[:100], "gzip"),
        ("no header", lambda member: members(b"no WARC header, but text\r\n\r\n" * 3), "header"),
        ("endless header", lambda member: members(b"WARC/1.0\r\nWARC-Type: " + b"x" * 300_000), "header"),
        ("no length", lambda member: members(b"WARC/1.0\r\nWARC-Type: response\r\n\r\nx\r\n\r\n"), "header"),
        ("too long", lambda member: members(warc(b"x" * 50, length=5000)), "length"),
        ("too short", lambda member: members(warc(b"x" * 5000, length=50)), "length"),
        ("far too long", lambda member: members(warc(b"x" * 50, length=10**15)), "length"),
    ],
)
def test_a_damaged_member_costs_itself_alone(name, spoil, reason):
    first, second, third = (members(page) for page in PAGES[:3])
    damaged = spoil(second)
    found = read(first + damaged + third)
    assert good(found) == [bare(PAGES[0]), bare(PAGES[2])]
    (reject,) = bad(found)
    assert (reject.offset, reject.length, reject.reason) == (len(first), len(damaged), reason)


@pytest.mark.parametrize(
    ("name", "damaged", "reason"),
    [
        ("garbage", b"garbage " * 100, "header"),
        ("endless header", b"WARC/1.0\r\nWARC-Type: " + b"x" * 300_000, "header"),
        ("too long", warc(b"x" * 50, length=150), "length"),
        ("too short", warc(b"x" * 5000, length=50), "length"),
        ("far too long", warc(b"x" * 50, length=10**15), "length"),
        ("oversized and wrong", warc(b"x" * 50, length=900), "length"),
        ("cut inside the body", page(9)[:-70], "length"),
        ("zeros", b"\0" * 5000, "header"),
    ],
)
@pytest.mark.parametrize("form", ["plain", "whole"])
def test_damage_between_records_costs_itself_alone(name, damaged, reason, form):
    found = read(FORMS[form]([PAGES[0], damaged, *PAGES[2:]]), block=800)
    assert good(found) == [bare(page) for page in [PAGES[0], *PAGES[2:]]]
    (reject,) = bad(found)
    assert reject.reason == reason
    if form == "plain":
        assert (reject.offset, reject.length) == (len(PAGES[0]), len(damaged))


@pytest.mark.parametrize("form", FORMS)
def test_a_truncated_last_record_is_told(form):
    data = FORMS[form](PAGES)
    for lost in (10, 100):
        found = read(data[:-lost])
        assert good(found) == [bare(page) for page in PAGES[: len(good(found))]]
        assert bad(found), f"{lost} bytes are missing"
        assert bad(found)[-1].reason in ("truncated", "gzip", "zstd")
        assert len(good(found)) >= 5 or form in ("whole", "blocks", "zstd", "bzip2", "xz", "lz4")


@pytest.mark.parametrize("form", ["plain", "whole"])
def test_empty_lines_between_records_belong_to_the_one_before_up_to_a_limit(form):
    """4,096 bytes of them close a record, and as many may come before one; one more is damage by itself."""
    first, second = PAGES[:2]  # which end with four bytes of empty lines
    for extra in (b"\r\n", b"\n" * 7, b"\r\n" * 2000, b"\n" * (2 * BLANKS - 4)):
        found = read(FORMS[form]([first + extra, second]))
        assert good(found) == [bare(first), bare(second)] and bad(found) == []
    found = read(FORMS[form]([first + b"\n" * (2 * BLANKS - 3), second]))
    assert good(found) == [bare(first), bare(second)]
    (reject,) = bad(found)
    assert (reject.reason, "more than 4096 empty lines" in reject.detail) == ("header", True)


@pytest.mark.parametrize(("blanks", "damaged"), [(BLANKS, False), (BLANKS + 1, True)])
def test_empty_lines_at_the_beginning_are_limited(blanks, damaged):
    found = read(b"\n" * blanks + PAGES[0])
    assert good(found) == [bare(PAGES[0])] and [reject.reason for reject in bad(found)] == ["header"] * damaged


@pytest.mark.parametrize("form", ["plain", "gzip"])
def test_a_block_of_exactly_the_limit_is_held(form):
    pages = [warc(http(b"x" * size)) for size in (100, 500)]
    size = len(bare(pages[1]))
    for limit, held in ((size, True), (size - 1, False)):
        found = read(FORMS[form](pages), block=limit)
        assert good(found) == [bare(pages[0]), bare(pages[1]) if held else None] and bad(found) == []


def test_an_oversized_record_is_framed_and_not_held():
    data = [page(1), warc(b"y" * 100_000, 2), page(3)]
    for form in FORMS.values():
        found = read(form(data), block=50_000)
        assert bad(found) == []
        assert [item.block is None for item in found] == [False, True, False]
        assert found[1].size == 100_000


def test_a_bomb_costs_neither_memory_nor_minutes():
    """1 GiB of zeros in a member, as a record and as garbage."""
    import resource

    zeros = zlib_zeros(1 << 30)
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = read(members(page(1)) + zeros + members(page(3)))
    assert good(found) == [bare(page(1)), bare(page(3))]
    assert [reject.reason for reject in bad(found)] == ["too-large"]
    assert bad(found)[0].length == len(zeros)
    assert time.monotonic() - start < 60  # else it hangs
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


def zlib_zeros(size: int) -> bytes:
    import zlib

    stream = zlib.compressobj(1, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    return b"".join(stream.compress(block) for _ in range(size >> 20)) + stream.flush()


def test_header_lines_may_end_otherwise():
    for ending in (b"\n", b"\r\r\n"):
        block = b"HTTP/1.1 200 OK\n\nbody"
        record = warc(block)
        record = record[: -len(block) - 4].replace(b"\r\n", ending) + block + b"\n\n"
        (found,) = read(record * 1)
        assert isinstance(found, Record)
        assert found.size == len(block)


def test_a_file_that_is_something_else_is_named():
    for data, kind in (
        (b"%PDF-1.7\n" + b"stream " * 100, "a PDF file"),
        (b"PK\x03\x04" + bytes(500), "zip"),
        (gzip.compress(bytes(257) + b"ustar\x0000" + bytes(2000)), "a tar archive"),
        (bytes((number * 7919 >> 3) % 256 for number in range(3000)), "binary data"),
    ):
        (reject,) = read(data)
        assert (reject.reason, reject.offset, reject.length) == ("format", 0, len(data))
        assert kind in reject.detail


def test_a_file_that_only_begins_as_something_else_keeps_its_records():
    found = read(b"%PDF-1.7\n" * 100 + b"\n\n" + page(1))
    assert good(found) == [bare(page(1))]
    assert [reject.reason for reject in bad(found)] == ["header"]


@pytest.mark.parametrize("form", ["plain", "whole", "zstd-whole", "own member"])
def test_a_length_that_spans_the_next_record_is_damage(form):
    """To the byte, so that the record seems to end well: the neighbours were swallowed without a word."""
    block = PAGES[1].partition(b"\r\n\r\n")[2][:-4]
    for swallowed in (PAGES[2:3], PAGES[2:5]):
        wrong = warc(block + b"\r\n\r\n" + b"".join(swallowed)[:-4])
        data = {
            "plain": b"".join,
            "whole": FORMS["whole"],
            "zstd-whole": lambda parts: zstandard.compress(b"".join(parts)),
            "own member": lambda parts: members(*parts),
        }[form]([PAGES[0], wrong, PAGES[5]])
        found = read(data)
        assert good(found) == [bare(page) for page in (PAGES[0], *swallowed, PAGES[5])]
        (reject,) = bad(found)
        assert reject.reason == "length"
        assert f"the next record begins after {len(block) + 4} of them" in reject.detail


def test_a_block_that_is_a_warc_file_by_itself_is_one_record():
    inner = b"".join(PAGES)
    as_resource = warc(inner, type="resource", content_type="application/warc")
    as_body = warc(http(inner, kind="application/warc"))
    told = warc(http(b"<html><pre>\n\n" + PAGES[0][:60] + b"\n...</pre>"))  # a page about WARC
    data = [as_resource, as_body, told]
    found = read(b"".join(data))
    assert good(found) == [bare(record) for record in data]


def test_header_names_in_any_case():
    record = page(1).replace(b"Content-Length", b"content-length").replace(b"WARC-Type", b"warc-TYPE")
    assert good(read(record + page(2))) == [bare(record), bare(page(2))]


DICTIONARY = zstandard.train_dictionary(2000, [page(number) for number in range(200)])


def dictionary_frame(data: bytes) -> bytes:
    return b"\x5d\x2a\x4d\x18" + len(data).to_bytes(4, "little") + data


def with_dictionary(*records: bytes) -> bytes:
    return b"".join(zstandard.ZstdCompressor(dict_data=DICTIONARY).compress(record) for record in records)


@pytest.mark.parametrize("packed", [False, True])
def test_zstd_with_a_dictionary(packed):
    """The webarchive convention: the file's first frame is a skippable one that holds it."""
    stored = DICTIONARY.as_bytes()
    first = dictionary_frame(zstandard.compress(stored) if packed else stored)
    data = first + with_dictionary(*PAGES)
    found = read(data)
    assert good(found) == [bare(page) for page in PAGES]
    assert found[0].length == len(first + with_dictionary(PAGES[0]))  # the first record's range holds the dictionary
    # Reading goes on behind damage, with the dictionary.
    frames = [with_dictionary(page) for page in PAGES]
    frames[2] = frames[2][:-5]
    found = read(first + b"".join(frames))
    assert good(found) == [bare(page) for page in PAGES[:2] + PAGES[3:]]
    assert [(reject.reason, reject.length) for reject in bad(found)] == [("zstd", len(frames[2]))]


def test_a_dictionary_that_is_missing_or_broken_is_named():
    (reject,) = read(with_dictionary(*PAGES))
    assert reject.reason == "dictionary"
    assert f"needs dictionary {DICTIONARY.dict_id()}, the file holds none" in reject.detail
    other = zstandard.ZstdCompressionDict(DICTIONARY.as_bytes()[:4] + b"\1\2\3\4" + DICTIONARY.as_bytes()[8:])
    (reject,) = read(dictionary_frame(other.as_bytes()) + with_dictionary(*PAGES))
    assert f"needs dictionary {DICTIONARY.dict_id()}, the file holds number {0x04030201}" in reject.detail
    (reject,) = read(dictionary_frame(zstandard.compress(DICTIONARY.as_bytes())[:-20]) + with_dictionary(*PAGES))
    assert reject.reason == "dictionary"
    spoilt = DICTIONARY.as_bytes()[:30] + bytes(1) * 300 + DICTIONARY.as_bytes()[330:]  # its tables
    assert [reject.reason for reject in bad(read(dictionary_frame(spoilt) + with_dictionary(*PAGES)))] == ["dictionary"]


@pytest.mark.parametrize("form", ["gzip", "zstd", "bzip2", "xz", "lz4"])
def test_zero_bytes_behind_members_are_padding_and_counted(form):
    """A tape's last block, and two padded files one behind the other."""
    packed = [FORMS[form]([page]) for page in PAGES]
    data = b"".join(packed[:3]) + bytes(700) + b"".join(packed[3:]) + bytes(100_000)
    found = read(data)
    assert good(found) == [bare(page) for page in PAGES]
    first = sum(map(len, packed[:3]))
    assert [(reject.reason, reject.offset, reject.length) for reject in bad(found)] == [
        ("padding", first, 700),
        ("padding", len(data) - 100_000, 100_000),
    ]
    # Zeros with something else behind them are no padding.
    found = read(b"".join(packed[:3]) + bytes(700) + b"junk" + b"".join(packed[3:]))
    assert good(found) == [bare(page) for page in PAGES]
    assert [(reject.offset, reject.length) for reject in bad(found)] == [(first, 704)]
    assert "padding" not in {reject.reason for reject in bad(found)}


def test_padding_between_members_that_cut_through_a_record():
    halves = [members(part) for part in cut(b"".join(PAGES), 300)]
    found = read(b"\0\0\0".join(halves))
    assert good(found) == [bare(page) for page in PAGES]
    assert {reject.reason for reject in bad(found)} <= {"padding"}


def test_an_empty_file_and_one_of_junk():
    assert [reject.reason for reject in read(b"")] == ["empty-file"]
    assert [(reject.reason, reject.length) for reject in read(b"junk" * 1000)] == [("header", 4000)]
    assert [(reject.reason, reject.length) for reject in read(b"\x1f\x8b\x08" * 1000)] == [("truncated", 3000)]


@pytest.mark.parametrize("lines", [b"\n", b"\r\n", b"\r\n\r\n", b"\n" * 5000, b"W", b"\nWARC/1.0"])
def test_a_file_of_less_than_a_header(lines):
    for name in ("made", "made.arc"):
        for data in (lines, members(lines), PAGES[0] + lines, members(PAGES[0], lines)):
            assert len(good(read(data, name))) <= 1


def test_a_member_that_begins_almost_as_a_record_does_not_stop_the_reading():
    """It is one of those where a member begins with `WARC/`, and so was where reading would go on, for ever."""
    found = read(members(page(1), b"WARC/1.0 and no line end", page(2)))
    assert good(found) == [bare(page(1)), bare(page(2))]
    assert [reject.reason for reject in bad(found)] == ["header"]


def test_the_ledger_refuses_gaps():
    ledger = Ledger("x.warc")
    ledger.add(0, 10, False)
    with pytest.raises(Failure, match=r"x\.warc: byte 10 to 11"):
        ledger.add(11, 5, False)
    with pytest.raises(Failure, match="10 of its 12 bytes"):
        ledger.close(12)


@st.composite
def damaged_files(draw):
    """A file of six records, its form, and which of them nothing was done to."""
    form = draw(st.sampled_from(["plain", "gzip", "zstd", "bzip2", "xz", "lz4"]))
    parts = [FORMS[form]([page]) for page in PAGES]
    touched = set()
    for _ in range(draw(st.integers(1, 4))):
        number = draw(st.integers(0, len(parts) - 1))
        part = bytearray(parts[number])
        touched.add(number)
        at = draw(st.integers(0, max(0, len(part) - 1)))
        match draw(st.sampled_from(["flip", "cut", "insert", "zero"])):
            case "flip":
                for _ in range(draw(st.integers(1, 5))):
                    if part:
                        part[draw(st.integers(0, len(part) - 1))] ^= draw(st.integers(1, 255))
            case "cut":
                del part[at : at + draw(st.integers(1, 400))]
            case "insert":
                part[at:at] = draw(st.binary(min_size=1, max_size=60))
            case "zero":
                part[at : at + 50] = bytes(len(part[at : at + 50]))
        parts[number] = bytes(part)
    return form, parts, touched


@settings(max_examples=400, deadline=None)
@given(damaged_files())
def test_any_damage_is_accounted_for_and_costs_no_other_record(case):
    form, parts, touched = case
    found = read(b"".join(parts))
    data = set(good(found))
    for number, record in enumerate(PAGES):
        # In a plain file nothing but the next header stops a record whose length was damaged, so that its neighbour
        # may be lost where that header is damaged too; beside a touched record only compressed neighbours are sure.
        near = form == "plain" and ({number - 1, number} & touched)
        if number not in touched and not near:
            assert bare(record) in data, f"record {number} of a {form} file was lost, {sorted(touched)} were damaged"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.binary(max_size=300) | st.sampled_from([b"WARC/1.0\r\n", b"\x1f\x8b\x08", *PAGES, *map(members, PAGES)])
    )
)
def test_any_bytes_are_accounted_for(parts):
    read(b"".join(parts))
    read(b"".join(parts), "name.warc.gz", block=500)
    read(members(b"".join(parts)))
