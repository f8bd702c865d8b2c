"""Files over https and s3 (fsspec): looked at, and brought to a local file in ranges that are tried again.

A range that fails (5xx, a reset, a short body) is asked for again after a growing pause; what has arrived stays in the
local file, also when the process dies, and the next attempt goes on behind it. The length is checked at the end.
"""

import gzip
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tasks.runtime.errors import Failure, Mistake

SHAPES_NO_BYTES = True
RANGE = 8 << 20  # bytes asked for at once
ATTEMPTS = 7
PAUSE = 1.0  # seconds before the second attempt; each next pause is twice as long: 63 s in all
SILENCE = 60.0  # seconds without an answer, or without a byte of it
REMOTE = ("http://", "https://", "s3://")


class Remote(NamedTuple):
    """A remote file's size in bytes and its ETag (empty where the server names none)."""

    url: str
    size: int
    etag: str


def is_remote(path: str) -> bool:
    return path.startswith(REMOTE)


def look(url: str) -> Remote:
    """Size and ETag of a remote file.

    Raises:
        Mistake: there is no such file, or it needs credentials. Failure: the server does not answer.
    """
    info = _again(url, lambda: _system(url).info(url))
    if info.get("size") is None:
        raise Failure(f"{url}: the server does not say how long the file is; download it and name the local file")
    return Remote(url, int(info["size"]), str(info.get("ETag") or info.get("etag") or "").strip('"'))


def read_gzip_lines(url: str) -> list[str]:
    """Lines of a small gzip file such as a crawl's warc.paths.gz."""
    remote = look(url)
    data = b"".join(_range(remote, start) for start in range(0, remote.size, RANGE))
    try:
        return gzip.decompress(data).decode().split()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise Failure(f"{url} is not a gzip file of lines ({error}); try again later") from None


def download(remote: Remote, to: Path) -> Path:
    """Bring a remote file to `to`, which is returned, going on behind what is there already.

    Raises:
        Failure: after 7 attempts at one range (what has arrived is kept), or if the file is not what was listed.
    """
    now = look(remote.url)
    if (now.size, now.etag or remote.etag) != (remote.size, remote.etag or now.etag):
        raise Failure(f"{remote.url} changed since the source's list was frozen; give the new file a new source")
    arrived = to.stat().st_size if to.exists() else 0
    if arrived > remote.size:
        to.unlink()
        arrived = 0
    with to.open("ab") as file:
        while arrived < remote.size:
            data = _range(remote, arrived)
            file.write(data)
            file.flush()
            arrived += len(data)
    if (size := to.stat().st_size) != remote.size:
        raise Failure(f"{remote.url} has {remote.size} bytes, {size} arrived in {to}; delete that file and run again")
    return to


def _range(remote: Remote, start: int) -> bytes:
    end = min(start + RANGE, remote.size)

    def ask() -> bytes:
        data = _system(remote.url).cat_file(remote.url, start=start, end=end)
        if len(data) == remote.size and end - start < remote.size:
            return data[start:end]  # a server that does not know ranges sends everything
        if len(data) != end - start:
            raise ConnectionError(f"{len(data)} of {end - start} bytes came")
        return data

    return _again(f"{remote.url}, bytes {start} to {end}", ask)


def _again(request: str, ask: Callable[[], Any]) -> Any:
    """Ask until there is an answer, at most ATTEMPTS times."""
    from aiohttp import ClientError

    last: Exception | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            return ask()
        except FileNotFoundError:
            raise Mistake(f"{request}: there is no such file (404); check the crawl's name or the path") from None
        except PermissionError as error:
            raise Mistake(f"{request}: access is refused ({error}); s3 needs credentials, https does not") from None
        except (OSError, ClientError) as error:
            status = getattr(error, "status", None)
            if status in (400, 401, 403, 405, 410):
                raise Mistake(f"{request}: the server refuses ({status}); check the address and your access") from None
            last = error
    fault = f"{type(last).__name__}: {str(last)[:160]}"
    raise Failure(f"{request}: {ATTEMPTS} attempts failed, the last with {fault}; what has arrived is kept, run again")


def _system(url: str) -> Any:
    import fsspec

    if url.startswith("s3://"):
        try:
            return fsspec.filesystem("s3", anon=_anonymous(url))
        except ImportError:
            raise Mistake(f"{url}: reading s3 needs s3fs: pip install 'millrace[s3]'") from None
    from aiohttp import ClientTimeout

    # A server that hangs is given up for this attempt; a slow one that goes on sending is not.
    waits = ClientTimeout(total=None, sock_connect=SILENCE, sock_read=SILENCE)
    return fsspec.filesystem("https", use_listings_cache=False, client_kwargs={"timeout": waits})


def _anonymous(url: str) -> bool:
    """Common Crawl's bucket asks for signed requests; other public ones are read unsigned where there is no key."""
    import os

    return not url.startswith("s3://commoncrawl/") and "AWS_ACCESS_KEY_ID" not in os.environ
