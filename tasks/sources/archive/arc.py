"""ARC files, the Internet Archive's form before WARC (1996 to about 2012), as WARC records.

A record is a line `URL IP date type length` (version 2 has more fields between type and length), that many bytes, and a
line end (https://archive.org/web/researcher/ArcFileFormat.php). The first, `filedesc:`, describes the file; its length
is often wrong by a line. A record of http(s) holds what the server sent, so it becomes a WARC response.
"""

import re
from datetime import UTC, datetime

from tasks.sources.archive.framing import Damage, Framing, Head, Limits
from tasks.sources.input.content import Content
from tasks.sources.input.raw import Raw

URL, FIELDS = 8192, 2048  # bytes of a URL, and of what stands behind the date, at most
LINE = 12 << 10  # bytes of a header line at most
# Whatever its length field says: `-1` and `abc` are damage by themselves. Atomic, or a hostile line takes minutes.
HEADER = re.compile(
    rb"(?>(?P<url>(?:https?|ftp|dns|filedesc|whois|warcinfo|metadata|screenshot|gopher|nntp|news|urn|about):[^\r\n]{1,%d}?)"
    rb" (?P<ip>\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]{2,39}|-) (?P<date>\d{8,18}) )(?P<fields>[^\r\n]{1,%d}+)\r?\n"
    % (URL, FIELDS)
)
SEARCH = re.compile(rb"(?m)^" + HEADER.pattern)


def is_arc(raw: Raw, kind: str, name: str, limits: Limits) -> bool:
    """Whether a file is an ARC file: by its first record, or, where that is damaged, by its name."""
    start = Content(raw, kind, window=limits.window).first(LINE)
    if start.startswith(b"filedesc:"):
        return True
    if start.lstrip(b"\r\n").startswith(b"WARC/"):
        return False
    return HEADER.match(start) is not None or re.search(r"\.arc(\.\w+)?$", name.lower()) is not None


class Arc(Framing):
    """Reads one ARC file."""

    HEADER = HEADER
    SEARCH = SEARCH
    BEGIN = HEADER
    PEEK = LINE
    LINES = 1

    def head(self, content: Content, start: int) -> Head:
        begin = self.blank_lines(content, start)
        content.fill(begin + LINE)
        match = HEADER.match(content.window, begin - content.base)
        if match is None:
            seen = bytes(content.window[begin - content.base :][:60])
            raise Damage("header", f"no ARC header but {seen!r}", begin + 1)
        url, rest = match["url"].decode("utf-8", "replace"), match["fields"].decode("latin-1").split()
        length = rest.pop() if rest else ""
        if not re.fullmatch(r"[0-9]{1,18}", length):
            raise Damage("header", f"the length is {length[:20]!r}", content.base + match.end())
        web = url.lower().startswith(("http:", "https:"))
        found = {
            "warc-target-uri": url,
            "warc-ip-address": match["ip"].decode(),
            "warc-date": _date(match["date"].decode()),
            "content-type": "application/http; msgtype=response" if web else next(iter(rest), ""),
        }
        kind = "warcinfo" if url.startswith("filedesc:") else "response"
        return Head(content.base + match.end(), kind, int(length), found)


def _date(stamp: str) -> str:
    """`20080509190241` as WARC writes it; nothing where it is no date."""
    try:
        date = datetime.strptime(stamp[:14].ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return ""
    return date.strftime("%Y-%m-%dT%H:%M:%SZ")
