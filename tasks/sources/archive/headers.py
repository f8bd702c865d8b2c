"""Header fields of WARC records and HTTP messages, read as leniently as browsers read them.

Names in any case; lines that end in CR LF, LF or CR CR LF, in one header also mixed; folded lines; lines without a
colon passed over; UTF-8, or Latin-1 where it is not that. FastWARC (2.0.1), which read them before, finds no body
behind an HTTP header of bare LF, and no field at all behind `content-length:`.
"""

import re
from functools import lru_cache

END = re.compile(rb"\n\r{0,2}\n")  # of a header: its last line's end, and an empty line
STATUS = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{1,3})(?!\d)")
# A media type; behind it stand parameters, after the `;` of the standard, or after what servers send instead.
MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")
CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_:.\-]+)", re.IGNORECASE)
FOLDED = (" ", "\t")  # first characters of a line that goes on with the one before
SHORT_VALUE = 200  # characters; longer ones are not remembered
SHORT = {"html": "text/html", "htm": "text/html", "text": "text/plain", "plain": "text/plain"}


def fields(head: bytes, joined: bool = False) -> dict[str, str]:
    """Fields by name in lower case, of which the first counts; with `joined` (RFC 9110, 5.2) all, comma between."""
    try:
        lines = head.decode().split("\n")
    except UnicodeDecodeError:
        lines = [_text(line) for line in head.split(b"\n")]
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        if line[:1] in FOLDED:
            if name:
                found[name] = f"{found[name]} {line.strip()}".strip()
            continue
        label, colon, value = line.partition(":")
        if not colon:
            name = ""
            continue
        name = label.strip().lower()
        if name not in found:
            found[name] = value.strip()
        elif joined:
            found[name] += f", {value.strip()}"
        else:
            name = ""
    return found


def split_type(value: str | None) -> tuple[str, str | None]:
    """A Content-Type's media type (lower case) and charset; of several types the last, as browsers have it."""
    return _split(value or "") if len(value or "") <= SHORT_VALUE else _split.__wrapped__(value or "")


@lru_cache(1024)
def _split(value: str) -> tuple[str, str | None]:
    mime = ""
    for part in value.split(","):
        essence = part.partition(";")[0].strip()
        match = MEDIA_TYPE.match(essence)
        if match is not None:
            mime = match[0].lower()
        elif not mime:
            mime = SHORT.get(essence.lower(), essence.lower())
    charset = CHARSET.search(value)
    return mime, charset[1] if charset else None


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
