"""Fuzzing of what reads bytes from outside: files of the right kind, damaged in ways that real ones are.

    make fuzz                     every target in turn, for SECONDS (60) in all
    make fuzz SECONDS=600 TARGET=body

A target is a function of bytes in TARGETS, with the bytes that mutations start from. It returns on anything that the
contract allows (a Reject, a Bad) and raises on everything else. Whatever it raises is shrunk by hypothesis and printed;
it then becomes a fixed test. `test_fuzz.py` runs each target for some hundred fixed examples with the other tests.
"""

import argparse
import bz2
import gzip
import io
import lzma
import resource
import signal
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import brotli
import lz4.frame
import zstandard
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from made import PAGE, WORDS, arc, http, members, page, warc
from wikis import dump
from wikis import page as article

from tasks.sources.archive.body import decode
from tasks.sources.archive.responses import page as open_page
from tasks.sources.archive.warc import records
from tasks.sources.input.binary import binary_kind
from tasks.sources.input.content import Content
from tasks.sources.input.forms import PIECES
from tasks.sources.input.raw import Raw
from tasks.sources.ledger import Ledger
from tasks.sources.page.charset import decode as to_text
from tasks.sources.page.extract import extract
from tasks.sources.parts import Part
from tasks.sources.reading import Reading
from tasks.sources.rejects import DAMAGE, REASONS, Bad, Reject
from tasks.sources.tally import Tally
from tasks.sources.texts.clean import clean
from tasks.sources.wiki.mediawiki import mediawiki

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "warc-damaged"
LARGEST = 64 << 10  # bytes of a real file that mutations start from
LIMIT = 1 << 20  # bytes of a block, and of a decoded body
HANG = 15  # seconds after which an example hangs
MEMORY = 256 << 10  # KiB that a run may take beside what it began with
TOKENS = (
    b"WARC/1.0\r\n",
    b"WARC/0.18\n",
    b"WARC-Type: response\r\n",
    b"Content-Length: 0\r\n",
    b"Content-Length: 99999999999\r\n",
    b"content-length:",
    b"\r\n\r\n",
    b"\n\n",
    b"\r\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"0\r\n\r\n",
    b"0xffffffffffff\r\n",
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
    b"\x5d\x2a\x4d\x18\x04\0\0\0",
    b"\x50\x2a\x4d\x18\xff\xff\xff\xff",
    b"BZh9",
    b"\xfd7zXZ\0",
    b"\x04\x22\x4d\x18",
    b"http://x/ 1.2.3.4 20080509190241 text/html 5\n",
    b"filedesc:",
    b"%PDF-",
    bytes(600),
    b"\xff" * 9,
    b"charset=",
    b"<html>",
)
FORMS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "zstd": zstandard.compress,
    "bzip2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
    "lz4": lz4.frame.compress,
}
CODINGS = ("", "gzip", "deflate", "br", "zstd", "gzip, br", "identity", "x-gzip, deflate", "nonsense")
CHARSETS = (None, "utf-8", "windows-1252", "iso-2022-jp", "gb18030", "nonsense")
OURS = ("millrace", "resiliparse", "plain")
TRANSFERS = ("", "chunked", "gzip, chunked")


class Target(NamedTuple):
    """A function that reads bytes from outside, and what mutations of them start from."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def read(data: bytes, name: str) -> None:
    """An archive: every byte in a record or a reject, every record a page or Bad, by reasons that are known."""
    ledger = Ledger(name)
    for item in records(io.BytesIO(data), name, block=LIMIT, header=4096):
        ledger.add(item.offset, item.length or 0, isinstance(item, Reject))
        if isinstance(item, Reject):
            assert item.reason in REASONS, item
            continue
        try:
            found = open_page(item, LIMIT)
        except Bad as bad:
            assert bad.reason in REASONS, bad
        else:
            assert found is None or 0 < len(found.body) <= LIMIT
    ledger.close(len(data))


def packed(data: bytes) -> None:
    """An archive whose damage is inside its compressed members; the first byte says how it is packed."""
    how, data = data[0] if data else 0, data[1:]
    pack = list(FORMS.values())[how % len(FORMS)]
    if how & 64:
        read(pack(data), "made")
        return
    cuts = [0, *(at for at in range(1, len(data)) if data.startswith(b"WARC/1.0\r\n", at)), len(data)]
    read(b"".join(pack(data[start:end]) for start, end in pairwise(cuts)), "made")


def response(data: bytes) -> None:
    read(warc(data), "made")


def body(data: bytes) -> None:
    """A body; the first byte says how the header says that it is coded."""
    how, data = data[0] if data else 0, data[1:]
    transfer, coding = TRANSFERS[how % len(TRANSFERS)], CODINGS[how // len(TRANSFERS) % len(CODINGS)]
    try:
        assert len(decode(data, transfer, coding, LIMIT, partial=how > 127)) <= LIMIT
    except Bad as bad:
        assert bad.reason in ("encoding", "too-large"), bad


def content(data: bytes) -> None:
    """The bytes as each form of compression: places never go back, nor past the file's end."""
    binary_kind(data)
    for form in PIECES:
        found = Content(Raw(io.BytesIO(data)), form, scan=8 << 20)
        place = 0
        while found.fill(found.end + 1):
            assert place <= found.place(found.end) <= len(data)
            place = found.place(found.end)
            found.drop(found.end)
        assert found.broken is None or found.broken.reason in DAMAGE


def markup(data: bytes) -> None:
    """A page's bytes to its clean text: ranges lie in the text, and no page is a surprise."""
    how, data = data[0] if data else 0, data[1:]
    try:
        characters = to_text(data, CHARSETS[how % len(CHARSETS)], html=True)
        extractor = OURS[how // len(CHARSETS) % len(OURS)]
        found = extract(characters, LIMIT, 20_000, 500, extractor, seconds=10)
    except Bad as bad:
        assert bad.reason in ("charset", "markup", "too-large", "slow", "memory"), bad
        return
    assert all(0 <= low < high <= len(found.text) for low, high in found.preformatted)
    clean(found.text, entities=False, preformatted=found.preformatted).encode()


def wiki(data: bytes) -> None:
    """A dump of a wiki: pages or rejects, and every byte counted once."""
    tally = Tally()
    for item in mediawiki(io.BytesIO(data), Part("made.xml", len(data)), Reading("made"), tally):
        assert not isinstance(item, Reject) or item.reason in REASONS, item
    assert tally.counts["bytes"] == len(data)


def _seeds() -> dict[str, Target]:
    html = PAGE % (b"A page. " + WORDS * 3)
    pages = [page(number) for number in range(4)]
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(html[at : at + 90]), html[at : at + 90]) for at in range(0, 400, 90))
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    coded = {
        "": html,
        "gzip": gzip.compress(html, mtime=0) + gzip.compress(WORDS, mtime=0),
        "deflate": stream.compress(html) + stream.flush(),
        "br": brotli.compress(html),
        "zstd": zstandard.compress(html) + zstandard.compress(WORDS),
        "gzip, br": brotli.compress(gzip.compress(html, mtime=0)),
    }
    responses = [http(data, f"Content-Encoding: {coding}") for coding, data in coded.items()]
    responses.append(http(chunked + b"0\r\n\r\n", "Transfer-Encoding: chunked"))
    arcs = [
        arc(block, f"http://example.org/{number}", version=1 + number % 2) for number, block in enumerate(responses)
    ]
    archive = b"".join([*pages, *map(warc, responses)])
    dictionary = zstandard.train_dictionary(1500, [page(number) for number in range(200)])
    stored = dictionary.as_bytes()
    with_dictionary = b"\x5d\x2a\x4d\x18" + len(stored).to_bytes(4, "little") + stored
    with_dictionary += b"".join(zstandard.ZstdCompressor(dict_data=dictionary).compress(record) for record in pages)
    forms = tuple(pack(b"".join(pages[:2])) + pack(pages[2]) for pack in FORMS.values())
    firsts = [
        bytes([number % len(TRANSFERS) + CODINGS.index(coding) * len(TRANSFERS)]) + data
        for coding, data in coded.items()
        for number in ([1] if coding == "" else [0])
    ]
    return {
        "warc": Target(lambda data: read(data, "made"), (archive, members(*pages), with_dictionary, *forms)),
        "packed": Target(packed, tuple(bytes([how]) + archive for how in (0, 1, 2, 3, 4, 64, 65))),
        "arc": Target(lambda data: read(data, "made.arc"), (b"".join(arcs), members(*arcs))),
        "response": Target(response, tuple(responses)),
        "body": Target(body, (*firsts, b"\1" + chunked)),
        "html": Target(markup, tuple(bytes([how]) + PAGE % CODE for how in range(12))),
        "wiki": Target(wiki, (DUMP,)),
        "content": Target(content, (*forms, with_dictionary, lzma.compress(archive, lzma.FORMAT_ALONE, preset=0))),
    }


CODE = WORDS * 9 + b"<pre>\n  a\n\n  b</pre>"
DUMP = dump(
    *(
        article(number, "It's '''bold''' <ref name=a>b</ref> [[File:x.png|thumb|c]] {{convert|5|km}}")
        for number in range(2)
    )
)
TARGETS = _seeds()


@st.composite
def mutated(draw: Any, seeds: tuple[bytes, ...]) -> bytes:
    """A seed after one to six changes: bytes flipped, spans cut out, doubled, zeroed, brought from another, tokens."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        span = draw(st.integers(1, 8) | st.integers(1, max(1, len(data))))
        match draw(st.sampled_from(["flip", "cut", "double", "zero", "bring", "token", "end", "number"])):
            case "flip":
                for place in range(at, min(at + span % 9, len(data))):
                    data[place] = draw(st.integers(0, 255))
            case "cut":
                del data[at : at + span]
            case "double":
                data[at:at] = data[at : at + span]
            case "zero":
                data[at : at + span] = bytes(len(data[at : at + span]))
            case "bring":
                other = draw(st.sampled_from(seeds))
                start = draw(st.integers(0, len(other)))
                data[at:at] = other[start : start + span]
            case "token":
                data[at:at] = draw(st.sampled_from(TOKENS))
            case "end":
                del data[at:]
            case "number":  # the next decimal number becomes another one
                digits = next((place for place in range(at, len(data)) if 48 <= data[place] < 58), None)
                if digits is not None:
                    data[digits : digits + draw(st.integers(1, 4))] = str(draw(st.integers(0, 99999))).encode()
    return bytes(data)


@contextmanager
def no_hang() -> Any:
    """Raises TimeoutError inside a block that takes longer than any of these should, on any machine."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"an example takes longer than {HANG} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, HANG)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fuzz(name: str, examples: int, seeds: tuple[bytes, ...] = (), fixed: bool = True) -> None:
    """Run a target on mutations of its seeds; raises what the target raises, with the smallest bytes that do it.

    Args:
        seeds: more of them. fixed: the same examples every time.
    """
    target = TARGETS[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=fixed,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(mutated((*target.seeds, *seeds)))
    def run(data: bytes) -> None:
        try:
            with no_hang():
                target.run(data)
        except TimeoutError as error:  # which may come from anywhere, and hypothesis wants it from one place
            raise AssertionError(str(error)) from None

    run()
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert taken < MEMORY, f"{name} took {taken >> 10} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--target", choices=[*TARGETS, "all"], default="all")
    arguments = parser.parse_args()
    names = list(TARGETS) if arguments.target == "all" else [arguments.target]
    real = [path.read_bytes() for path in sorted(REAL.glob("*")) if path.stat().st_size <= LARGEST]
    end, rounds = time.monotonic() + arguments.seconds, 0
    while time.monotonic() < end:
        for name in names:
            more = tuple(real) if name in ("warc", "arc", "content") else ()
            fuzz(name, 200, more, fixed=False)
            if time.monotonic() > end:
                break
        rounds += 1
    print(f"{rounds} rounds of 200 examples of {', '.join(names)}: nothing found", file=sys.stderr)


if __name__ == "__main__":
    main()
