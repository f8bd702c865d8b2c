"""Forms of compression: streams one after the other, damage with its place, bounds of memory."""

import bz2
import gzip
import io
import lzma
import resource
from pathlib import Path

import lz4.block
import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from made import members, page

from tasks.sources.documents import Document, documents
from tasks.sources.input.content import Content
from tasks.sources.input.forms import WINDOW, kind_of
from tasks.sources.input.raw import Raw
from tasks.sources.parts import Part
from tasks.sources.reading import Reading
from tasks.sources.tally import Tally
from tasks.sources.text import whole

PACK = {
    "plain": lambda data: data,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
    "bzip2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE, preset=0),
    "lz4": lambda data: lz4.frame.compress(data, content_checksum=True),
    "lz4-legacy": lambda data: legacy(data),
}
PACKED = [form for form in PACK if form != "plain"]
TEXT = b"".join(b"line %d: %d\n" % (number, number * 7919 % 10007) for number in range(15_000))


def legacy(data: bytes) -> bytes:
    """As `lz4 -l` writes: a magic number, and blocks of 8 MiB behind their sizes."""
    blocks = [lz4.block.compress(data[at : at + (8 << 20)], store_size=False) for at in range(0, len(data), 8 << 20)]
    return b"\x02\x21\x4c\x18" + b"".join(len(block).to_bytes(4, "little") + block for block in blocks)


def content(data: bytes, **more: int) -> Content:
    return Content(Raw(io.BytesIO(data)), scan=1 << 62, **more)


def read(found: Content) -> bytes:
    found.fill(1 << 40)
    return bytes(found.window)


@pytest.mark.parametrize("form", PACK)
def test_a_form_is_known_and_read(form):
    found = content(PACK[form](TEXT))
    assert found.kind == form
    assert read(found) == TEXT
    assert found.broken is None
    assert found.place(len(TEXT)) == found.raw.size


@pytest.mark.parametrize("form", PACKED)
def test_streams_one_after_the_other(form):
    parts = [TEXT[:10], TEXT[10:100_000], b"", TEXT[100_000:]]
    packed = [PACK[form](part) for part in parts]
    found = content(b"".join(packed))
    if form == "lzma":  # by its nature one stream: behind its end stands damage
        found.fill(1 << 40)
        assert bytes(found.window).startswith(TEXT[:10])
        return
    assert read(found) == TEXT
    assert found.place(10) == len(packed[0])
    assert found.place(100_000) in (sum(map(len, packed[:2])), sum(map(len, packed[:3])))


@pytest.mark.parametrize("form", PACKED)
@pytest.mark.parametrize("left", [0.3, 0.9, 0.999])
def test_a_stream_cut_short_is_told_with_its_place(form, left):
    first, second = PACK[form](b"the first"), PACK[form](TEXT)
    if form == "lzma":
        first = b""
    found = content(first + second[: int(len(second) * left)])
    assert (b"the first" * bool(first) + TEXT).startswith(read(found))
    assert found.broken is not None
    assert found.broken.reason == "truncated"
    assert f"at byte {len(first)}" in found.broken.detail


@pytest.mark.parametrize("form", ["gzip", "zstd", "bzip2", "xz", "lz4"])  # a legacy frame has no checksum
def test_a_damaged_stream_is_told_with_its_place(form):
    first, second = PACK[form](TEXT), bytearray(PACK[form](TEXT))
    second[len(second) // 2] ^= 0x55
    found = content(first + bytes(second))
    assert read(found).startswith(TEXT)
    assert found.broken is not None
    assert found.broken.reason == form
    assert f"at byte {len(first)}" in found.broken.detail


@pytest.mark.parametrize("form", ["gzip", "zstd", "bzip2", "xz", "lz4", "lz4-legacy"])
def test_zeros_behind_a_stream_are_padding(form):
    packed = PACK[form](TEXT)
    found = content(packed + bytes(10_240) + packed + bytes(512))
    assert read(found) == TEXT + TEXT
    assert found.broken is None
    assert [(gap.start, gap.end) for gap in found.gaps] == [
        (len(packed), len(packed) + 10_240),
        (2 * len(packed) + 10_240, found.raw.size),
    ]


def test_a_damaged_legacy_block_is_told_with_its_place():
    first, second = legacy(TEXT), bytearray(legacy(TEXT))
    second[8:40] = b"\xff" * 32  # lengths that lead past the block's end
    found = content(first + bytes(second))
    assert read(found) == TEXT
    assert found.broken is not None
    assert (found.broken.reason, f"at byte {len(first) + 4}" in found.broken.detail) == ("lz4", True)
    sizes = content(first + b"\x02\x21\x4c\x18" + b"\xff" * 8)
    assert read(sizes) == TEXT
    assert sizes.broken is not None
    assert sizes.broken.detail == f"no block at byte {len(first) + 4} of the legacy LZ4 frame at byte {len(first)}"


def test_bombs_come_in_bounded_steps():
    """96 MiB of zeros in each form: the window is dropped as it comes, and memory stays."""
    zeros = bytes(8 << 20)
    bombs = {form: PACK[form](zeros) * 12 for form in ("gzip", "zstd", "bzip2", "xz", "lz4")}
    del zeros
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for form, bomb in bombs.items():
        found = content(bomb)
        while found.fill(found.end + 1):
            found.drop(found.end)
        assert (found.kind, found.end, found.broken) == (form, 96 << 20, None)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 48 << 10  # KiB


def long_window(log: int) -> bytes:
    """A frame that asks for a window of 2**log bytes, as `zstd --long` makes them, of small content."""
    parameters = zstandard.ZstdCompressionParameters(window_log=log, enable_ldm=True)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return stream.compress(TEXT) + stream.flush()


def test_a_window_past_the_limit_is_refused_with_the_remedy():
    assert read(content(long_window(27))) == TEXT
    data = long_window(31)
    found = content(data)
    assert read(found) == b""
    assert found.broken is not None
    assert found.broken.reason == "window"
    assert "limits: {window: 2147483648}" in found.broken.detail
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read(content(data, window=1 << 31)) == TEXT
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # of the 2 GiB, what is written to


def test_the_memory_of_xz_is_bounded_as_well():
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 28}]
    data = lzma.compress(TEXT, filters=filters)
    found = content(data)
    assert read(found) == b""
    assert found.broken is not None
    assert (found.broken.reason, WINDOW) == ("window", 1 << 27)
    assert "limits" in found.broken.detail
    assert read(content(data, window=1 << 28)) == TEXT


@pytest.mark.parametrize(
    ("name", "kind"), [("a.gz", "gzip"), ("A.BZ2", "bzip2"), ("a.xz", "xz"), ("a.zst", "zstd"), ("a.txt", "plain")]
)
def test_a_damaged_beginning_is_told_by_the_name(tmp_path, name, kind):
    path = tmp_path / name
    path.write_bytes(b"\xff\xff\xff damaged")
    raw = Raw(path)
    assert kind_of(raw) == kind
    raw.close()


def test_text_that_begins_as_a_form_does_is_plain():
    for data in (b"BZhang, a text", b"BZh9 lives", b"]\0\0 and so on, and on"):
        assert kind_of(Raw(io.BytesIO(data))) == "plain"


def test_a_limit_past_what_a_library_allows_is_no_damage():
    assert read(content(PACK["zstd"](TEXT), window=1 << 40)) == TEXT


def test_skippable_frames_belong_to_what_follows():
    skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    for form in ("zstd", "lz4"):
        found = content(skippable * 2 + PACK[form](TEXT))
        assert found.kind == form
        assert read(found) == TEXT


def test_whole_texts_in_every_form(tmp_path):
    for form, pack in PACK.items():
        path = tmp_path / f"{form}.txt"
        path.write_bytes(pack(TEXT))
        assert whole(path, "a") == TEXT


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PACKED), st.lists(st.binary(max_size=300), max_size=4), st.data())
def test_any_damage_ends_with_a_reason_and_a_place(form, parts, data):
    packed = bytearray(b"".join(PACK[form](part) for part in parts))
    for _ in range(data.draw(st.integers(0, 3))):
        if packed:
            packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    found = Content(Raw(io.BytesIO(bytes(packed))), form)
    found.fill(1 << 30)
    assert found.broken is None or found.broken.reason in (
        form.removesuffix("-legacy"),
        "truncated",
        "window",
        "dictionary",
    )
    assert 0 <= found.place(found.end) <= len(packed)


def documents_of(path: Path, kind: str, limits: dict[str, int]) -> tuple[list[str], dict]:
    tally = Tally()
    found = documents(path, Part(str(path), path.stat().st_size), kind, Reading("made", limits=limits), tally)
    return [item.text for item in found if isinstance(item, Document)], tally.statistics()


def test_a_source_may_lift_the_limit_of_the_window(tmp_path):
    parameters = zstandard.ZstdCompressionParameters(window_log=31, enable_ldm=True)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    path = tmp_path / "RS_2008-01.zst"
    path.write_bytes(stream.compress(b'{"text": "A submission of long ago."}\n' * 3) + stream.flush())
    texts, statistics = documents_of(path, "jsonl", {})
    assert (texts, statistics["rejects"], statistics["bytes_damaged"]) == ([], {"window": 1}, path.stat().st_size)
    texts, statistics = documents_of(path, "jsonl", {"window": 1 << 31})
    assert set(texts) == {"A submission of long ago."}
    assert "window" not in statistics["rejects"]


def test_padding_is_counted_and_is_no_damage(tmp_path):
    path = tmp_path / "a.warc.gz"
    path.write_bytes(members(page(1), page(2)) + bytes(3000))
    texts, statistics = documents_of(path, "warc", {})
    assert (len(texts), statistics["rejects"]) == (2, {"padding": 1})
    assert (statistics["bytes"], statistics["bytes_damaged"]) == (path.stat().st_size, 0)
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"A text of words.") + bytes(3000))
    texts, statistics = documents_of(path, "text", {})
    assert (texts, statistics["rejects"]) == (["A text of words."], {})
