"""Reader of `kind: text`: a document a file, plain or compressed, up to `limits.file` bytes of content.

A document is one string, so that memory grows with the file: its content twice over, or once and its characters (1, 2
or 4 bytes each, as the widest needs), and as much again for each step that rewrites it. What has more than a worker's
memory can take is better cut into files, or into lines of JSONL.
"""

from collections.abc import Iterator
from pathlib import Path

from tasks.sources.input.binary import HEAD, binary_kind
from tasks.sources.input.content import Content
from tasks.sources.input.forms import WINDOW
from tasks.sources.input.raw import Raw, Source, size_of
from tasks.sources.page.charset import plain_text
from tasks.sources.parts import Part
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import Bad, Reject
from tasks.sources.tally import Tally


def text_file(path: Source, part: Part, reading: Reading, tally: Tally) -> Iterator[Candidate | Reject]:
    """The text of a file, or why there is none."""
    yield _read(path, part.path, reading, tally)  # which keeps none of the bytes that the text was made of


def _read(path: Source, name: str, reading: Reading, tally: Tally) -> Candidate | Reject:
    data, size = whole(path, name, reading.limits["file"], reading.limits["window"]), size_of(path)
    try:
        if isinstance(data, Reject):
            found: Candidate | Reject = data
        else:
            found = Candidate(None, plain_text(data, None), "", None, {"file": Path(name).name}, 0, size)
    except Bad as bad:
        found = Reject(name, 0, size, bad.reason, bad.detail)
    damaged = size if isinstance(found, Reject) else 0
    tally.bytes(size - damaged, damaged)
    return found


def whole(path: Source, name: str, limit: int = 64 << 20, window: int = WINDOW) -> bytes | Reject:
    """A text (or HTML) file's bytes, decompressed; or why there are none."""
    raw = Raw(path)
    try:
        content = Content(raw, scan=1 << 62, window=window)
        if raw.size == 0:
            return Reject(name, 0, 0, "empty-file", "the file has 0 bytes")
        if foreign := binary_kind(content.first(HEAD)):
            return Reject(name, 0, raw.size, "format", f"the file is no text but {foreign}")
        if content.fill(limit + 1):
            detail = f"the content has more than {limit} bytes; raise `limits: {{file: …}}` of the source"
            return Reject(name, 0, raw.size, "too-large", detail)
        if content.broken:
            return Reject(name, 0, raw.size, content.broken.reason, content.broken.detail)
        return bytes(content.window)
    finally:
        raw.close()
