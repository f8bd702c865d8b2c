"""How Millrace behaves towards the servers it reads from: who it says it is, and how much it asks at once.

Common Crawl answers everybody from one bucket, holds out "a few thousand requests a second" for all its readers
together, and asks those who read it to slow down at any 4xx or 5xx and to be reachable (https://status.commoncrawl.org,
read 2026-11). Its own downloader holds at most 10 files open at once; past that its servers answer 403.
"""

import os
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from tasks.runtime.errors import Mistake

SHAPES_NO_BYTES = True

COMMON_CRAWL = ("commoncrawl.org", "s3.commoncrawl")  # its hosts end so; the second is its bucket (objects.py)
CONTACT = "MILLRACE_CONTACT"  # environment: who is not named in conf


@dataclass(frozen=True)
class Manners:
    """How servers are asked. The budget holds for one server, over all of this user's processes on this machine.

    Args:
        contact: an address (mail or web) at which whoever runs a server can reach you; the environment's if empty.
        requests: a second; None, what suits the server.
        connections: open at once; None, what suits the server.
        hurried: every request is made once: of somebody who only looks, such as `plan`.

    Raises:
        Mistake: a contact that a header cannot hold, a budget that is not above 0.
    """

    contact: str = ""
    requests: float | None = None
    connections: int | None = None
    hurried: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "contact", self.contact or os.environ.get(CONTACT, ""))
        if not (self.contact.isascii() and self.contact.isprintable()):
            raise Mistake(f"contact: {self.contact!r} has characters that no HTTP header holds; give a plain address")
        if min(self.requests or 1, self.connections or 1) <= 0:
            raise Mistake("requests and connections are above 0; leave them out for what suits the server")

    def budget(self, host: str) -> tuple[float, int]:
        """Requests a second of, and connections at once to, a host."""
        # A whole crawl's 56,000 files are looked at in three hours so, and take days to arrive.
        requests, connections = (5.0, 8) if is_common_crawl(host) else (20.0, 16)
        return self.requests or requests, self.connections or connections

    def user_agent(self) -> str:
        return f"Millrace/{_version()} ({f'+{self.contact}' if self.contact else 'no contact given'})"


def is_common_crawl(host: str) -> bool:
    """Whether a host (with or without a port) is one of Common Crawl's."""
    return any(f".{host.partition(':')[0]}".endswith(f".{known}") for known in COMMON_CRAWL)


@cache
def _version() -> str:
    try:
        return version("millrace")
    except PackageNotFoundError:  # sent to an executor as a zip
        return "0"
