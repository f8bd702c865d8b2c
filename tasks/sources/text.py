"""Reader of `kind: text`: a document a file, plain or compressed."""

from collections.abc import Iterator
from pathlib import Path

from tasks.sources.binary import HEAD, binary_kind
from tasks.sources.charset import decode
from tasks.sources.content import Content, Raw, kind_of
from tasks.sources.forms import WINDOW
from tasks.sources.hashed import Source
from tasks.sources.parts import Part
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import Bad, Reject
from tasks.sources.tally import Tally


def text_file(path: Source, part: Part, reading: Reading, tally: Tally) -> Iterator[Candidate | Reject]:
    """The text of a file, or why there is none."""
    name = part.path
    for item in whole(path, name, reading.limits["file"], reading.limits["window"]):
        if isinstance(item, Reject):
            tally.bytes(0, item.length or 0)
            yield item
            continue
        data, size = item
        tally.bytes(size, 0)
        try:
            yield Candidate(None, decode(data, None, html=False), "", None, {"file": Path(name).name}, 0, size)
        except Bad as bad:
            yield Reject(name, 0, size, bad.reason, bad.detail)


def whole(path: Source, name: str, limit: int = 64 << 20, window: int = WINDOW) -> Iterator[tuple[bytes, int] | Reject]:
    """A text (or HTML) file's bytes, decompressed, with the number of its bytes in the file; or why there are none."""
    raw = Raw(path)
    try:
        content = Content(raw, kind_of(raw), scan=1 << 62, window=window)
        if raw.size == 0:
            yield Reject(name, 0, 0, "empty-file", "the file has 0 bytes")
        elif foreign := binary_kind(content.first(HEAD)):
            yield Reject(name, 0, raw.size, "format", f"the file is no text but {foreign}")
        elif content.fill(limit + 1):
            yield Reject(name, 0, raw.size, "too-large", f"the file's content has more than {limit} bytes")
        elif content.broken:
            yield Reject(name, 0, raw.size, content.broken.reason, content.broken.detail)
        else:
            yield bytes(content.window), raw.size
    finally:
        raw.close()
