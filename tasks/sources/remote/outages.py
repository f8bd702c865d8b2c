"""What can go wrong at a server, each kind by its name, how often it is worth another try, and what to do about it.

An `Outage` is one request that failed. `again` asks until there is an answer, as often as the kind allows: a name that
no server has, or a file that is not there, will not appear by asking, while a crowded server asks for patience.
"""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple, TypeVar

from tasks.runtime.errors import Failure, Mistake
from tasks.sources.remote import budget
from tasks.sources.remote.manners import Manners, is_common_crawl

SHAPES_NO_BYTES = True

LOG = logging.getLogger(__name__)  # what a worker says while it waits
T = TypeVar("T")
PAUSE = 1.0  # seconds before the second attempt, also the least that Common Crawl asks for; each next one is doubled
LONGEST = 60.0  # seconds of a pause of ours
PATIENCE = 900.0  # seconds that a server's Retry-After may ask for
PROGRESS = 1 << 20  # bytes that arrived since the last fault, after which attempts are counted anew


class Kind(NamedTuple):
    """How a fault is told and retried. `attempts` in a row; `mistake`: what was asked for cannot be had as asked."""

    attempts: int
    says: str
    remedy: str
    mistake: bool = False


NETWORK = "see to the network, and run again"
LATER = "run again later"
CHANGED = "add a source for the new file, or put the old one back"
RESTS = "fewer requests a second, or fewer workers, will help (`requests`, `connections`)"
KINDS = {
    "name": Kind(3, "no server of that name is known", "check the address, and this machine's name service"),
    "refused": Kind(7, "the server refuses connections", "check the address and the port, or run again later"),
    "unreachable": Kind(7, "the server cannot be reached", NETWORK),
    "certificate": Kind(1, "its TLS certificate is not trusted", "check the address, the clock, SSL_CERT_FILE"),
    "tls": Kind(3, "no TLS connection comes about", "check the address, and what stands between"),
    "proxy": Kind(3, "the proxy fails", "check HTTPS_PROXY and NO_PROXY"),
    "timeout": Kind(7, "the server does not answer", NETWORK),
    "reset": Kind(7, "the connection was lost", NETWORK),
    "short": Kind(7, "the file broke off before its end", NETWORK),
    "range": Kind(3, "the server sends other bytes than it was asked for", "download the file, and name the local one"),
    "length": Kind(1, "the server does not say how long the file is", "download it, and name the local file"),
    "server": Kind(7, "the server has an error of its own", LATER),
    "limited": Kind(30, "the server limits requests", f"{LATER}; {RESTS}"),  # 25 minutes
    "blocked": Kind(10, "the server limits or blocks requests", f"{LATER}; {RESTS}"),  # 4 minutes
    "missing": Kind(1, "there is no such file", "check the crawl's name or the path", True),
    "forbidden": Kind(1, "access is refused", "check the address and your rights", True),
    "status": Kind(1, "the server refuses the request", "check the address", True),
    "address": Kind(1, "the address cannot be asked for", "check it", True),
    "changed": Kind(1, "the file changed since the source's list was frozen", CHANGED),
}
# In our words, what https://status.commoncrawl.org advises (2026-11).
ADVICE = (
    "Common Crawl's servers answer 403, 429 and 503 to all when some ask too much, and to those who ask too much: ask "
    "for less at a time, wait, and try again no more than once a second; see https://status.commoncrawl.org"
)


class Outage(Exception):
    """A request that failed: its kind (of KINDS), what was seen, and the seconds that the server asks to wait."""

    def __init__(self, kind: str, seen: str, after: float | None = None):
        super().__init__(seen)
        self.kind, self.seen, self.after = kind, seen, after


def again(url: str, host: str, manners: Manners, ask: Callable[[], T], arrived: Callable[[], int] = lambda: 0) -> T:
    """What `ask` gives, asked again after each Outage as often as its kind allows, with growing pauses.

    After what a server says of its own load, all of this machine's processes pause.

    Args:
        arrived: bytes that are here; where they grow between faults, the attempts are counted anew.

    Raises:
        Mistake, Failure: a sentence with the kind of the last fault, what was seen, and the remedy.
    """
    tried: Counter[str] = Counter()
    since = arrived()
    while True:
        try:
            return ask()
        except Outage as outage:
            if arrived() >= since + PROGRESS:
                tried.clear()
                since = arrived()
            tried[outage.kind] += 1
            kind = KINDS[outage.kind]
            # However faults take turns, there is an end: 29 others, and one more.
            ended = tried[outage.kind] >= kind.attempts or tried.total() >= KINDS["limited"].attempts
            if ended or manners.hurried:
                raise _told(url, host, manners, outage, tried) from None
            if tried.total() == 3:  # a hiccup is not worth a line, and one line is enough
                advice = _advice(outage, host, manners)
                LOG.warning(f"{url}: {kind.says} ({outage.seen}); trying again. {advice}".removesuffix(" "))
            pause = min(LONGEST, PAUSE * 2 ** min(30, tried.total() - 1))
            if outage.kind in ("limited", "blocked", "server"):
                budget.rest(host, max(pause, min(PATIENCE, outage.after or 0.0)))
            else:
                budget.sleep(pause)


def _told(url: str, host: str, manners: Manners, outage: Outage, tried: Counter[str]) -> Exception:
    kind = KINDS[outage.kind]
    count = f", after {tried.total()} attempts" if tried.total() > 1 else ""
    sentence = f"{url}: {kind.says} ({outage.seen}){count}; {kind.remedy}. {_advice(outage, host, manners)}"
    return (Mistake if kind.mistake else Failure)(sentence.removesuffix(". "))


def _advice(outage: Outage, host: str, manners: Manners) -> str:
    """What Common Crawl says about its limits, where it is met with one."""
    if outage.kind not in ("limited", "blocked") or not is_common_crawl(host):
        return ""
    return ADVICE if manners.contact else f"{ADVICE}. Give `contact`, an address at which they can reach you"


def seconds_after(header: str | None) -> float | None:
    """What a Retry-After header asks for: seconds, or an HTTP date."""
    text = (header or "").strip()
    if text.isdecimal() and text.isascii():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
