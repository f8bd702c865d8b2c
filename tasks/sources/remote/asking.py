"""One request to a server over http or https: its answer as it streams, or the Outage that it is.

Answers are taken as they are on the wire: bytes are stored in the file as the server stores them, never decoded.
"""

import os
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tasks.runtime.errors import Mistake
from tasks.sources.remote import budget
from tasks.sources.remote.manners import Manners, is_common_crawl
from tasks.sources.remote.outages import Outage, seconds_after

if TYPE_CHECKING:
    import httpx

SHAPES_NO_BYTES = True

SILENCE = 60.0  # seconds without an answer, or without a byte of it; a slow server that goes on sending is not given up
MAKING = threading.Lock()  # a client reads the trusted certificates: once is enough
TOLD = 160  # characters of an error's text that a sentence repeats
RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
STATUS = {401: "forbidden", 403: "forbidden", 404: "missing", 410: "missing", 408: "timeout", 429: "limited",
          503: "limited", 412: "changed", 416: "changed"}  # fmt: skip


def host_of(url: str) -> str:
    """What the budget of a server goes by: its name and port.

    Raises:
        Mistake: the URL has none.
    """
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError as error:
        raise Mistake(f"{url} is no address ({error})") from None


@contextmanager
def asked(method: str, url: str, manners: Manners, headers: dict[str, str]) -> Iterator["httpx.Response"]:
    """A good answer (2xx), within the budget of its host; its body is read inside of the block.

    Raises:
        Outage: anything else, also where the body breaks off.
    """
    import httpx

    host = host_of(url)
    sent = {"User-Agent": manners.user_agent(), "Accept-Encoding": "identity", **headers}
    with budget.request(host, *manners.budget(host)):
        try:
            with _client().stream(method, url, headers=sent) as response:
                if not response.is_success:
                    raise _refusal(response, host)
                yield response
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _lost(error) from None


def span_of(response: "httpx.Response") -> tuple[int, int, int | None]:
    """First byte, end, and the whole file's size (None where it is not told) of what a partial answer holds.

    Raises:
        Outage: the answer does not say.
    """
    told = response.headers.get("Content-Range", "")
    match = RANGE.fullmatch(told.strip())
    if match is None:
        raise Outage("range", f"HTTP 206 with Content-Range {told!r}")
    return int(match[1]), int(match[2]) + 1, None if match[3] == "*" else int(match[3])


def tag_of(response: "httpx.Response") -> str:
    """The ETag as lists hold it: without its quotes; a weak one as it is; empty where there is none."""
    told = str(response.headers.get("ETag") or "").strip()
    return told if told.startswith("W/") else told.strip('"')


def of_version(etag: str) -> dict[str, str]:
    """What asks for one version of a file; none for a weak ETag, which matches none (RFC 9110, 13.1.1)."""
    return {"If-Match": f'"{etag}"'} if etag and etag.isascii() and not etag.startswith("W/") else {}


def _client() -> "httpx.Client":
    """This process's.

    Raises:
        Mistake: the environment names a proxy, or a file of certificates, that cannot be used.
    """
    try:
        with MAKING:
            return _client_of(os.getpid(), SILENCE)
    except (ValueError, ImportError, OSError) as error:
        told = re.sub(r"//[^/@\s]*@", "//", str(error))  # a proxy's address may hold its password
        raise Mistake(f"the environment's HTTPS_PROXY, HTTP_PROXY or SSL_CERT_FILE cannot be used ({told})") from None


@lru_cache(maxsize=1)
def _client_of(process: int, silence: float) -> "httpx.Client":
    """One a process (a forked one must not share its parent's connections): what is open is used again."""
    import httpx

    limits = httpx.Limits(max_keepalive_connections=16, max_connections=None, keepalive_expiry=15)
    return httpx.Client(timeout=httpx.Timeout(silence), limits=limits, follow_redirects=True)


def _refusal(response: Any, host: str) -> Outage:
    code = response.status_code
    kind = STATUS.get(code, "server" if code >= 500 else "status")
    if code == 403 and is_common_crawl(host):
        kind = "blocked"
    return Outage(kind, _seen(response), seconds_after(response.headers.get("Retry-After")))


def _seen(response: Any) -> str:
    """The status, and the beginning of what the server says about it: it may tell whom to write to."""
    import httpx

    said = b""
    try:
        for data in response.iter_raw():
            said += data
            if len(said) > 4096:
                break
    except httpx.HTTPError:
        pass
    text = " ".join(re.sub(r"<[^>]*>", " ", said[:4096].decode("utf-8", "replace")).split())
    text = "".join(character for character in text if character.isprintable())[:TOLD]
    return f"HTTP {response.status_code} {response.reason_phrase}".strip() + (f": {text}" if text else "")


def _lost(error: Exception) -> Outage:
    """What kind of fault an error of httpx is, by the errors that it came from."""
    import httpx

    causes = list(_causes(error))
    seen = f"{type(error).__name__}: {str(error)[:TOLD]}".removesuffix(": ")
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.TooManyRedirects):
        return Outage("address", seen)
    if isinstance(error, httpx.ProxyError):
        return Outage("proxy", seen)
    if isinstance(error, httpx.TimeoutException):
        return Outage("timeout", f"nothing came for {SILENCE:g} s" if isinstance(error, httpx.ReadTimeout) else seen)
    for kind, classes in (
        ("name", socket.gaierror),
        ("certificate", ssl.SSLCertVerificationError),
        ("tls", ssl.SSLError),
        ("refused", ConnectionRefusedError),
    ):
        if any(isinstance(cause, classes) for cause in causes):
            return Outage(kind, seen)
    if isinstance(error, httpx.ConnectError):
        lost = any(isinstance(cause, ConnectionResetError | BrokenPipeError) for cause in causes)
        return Outage("reset" if lost else "unreachable", seen)
    if isinstance(error, httpx.RemoteProtocolError) and "complete message body" in str(error):
        return Outage("short", seen)
    return Outage("reset", seen)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
