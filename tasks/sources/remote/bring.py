"""Files over https and s3: looked at, and brought to a local file in one streaming read, hashed on the way.

Where the stream breaks, the next request asks for the rest, of the same version (If-Match with the ETag of the frozen
list), into the same local file, which is one attempt's own. How servers are asked: manners.py, budget.py; how faults
are told and tried again: outages.py.
"""

import gzip
import hashlib
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, NamedTuple

from tasks.runtime.errors import Failure
from tasks.sources.remote import asking, objects
from tasks.sources.remote.manners import Manners
from tasks.sources.remote.outages import CHANGED, KINDS, Outage, again

SHAPES_NO_BYTES = True

REMOTE = ("http://", "https://", "s3://")
GRACE = 2.0  # seconds that requests on their way are waited for when another one has failed
NO_HEAD = ("forbidden", "status")  # what servers say that answer GET alone


class Remote(NamedTuple):
    """A remote file's size in bytes and its ETag (empty where the server names none)."""

    url: str
    size: int
    etag: str


def is_remote(path: str) -> bool:
    return path.startswith(REMOTE)


def look(url: str, manners: Manners) -> Remote:
    """Size and ETag of a remote file.

    Raises:
        Mistake: there is no such file, or access is refused. Failure: the server does not answer as it should.
    """
    if url.startswith("s3://"):
        return Remote(url, *again(url, host_of(url), manners, lambda: objects.head(url, manners)))
    return again(url, host_of(url), manners, lambda: _look(url, manners))


def look_all(urls: list[str], manners: Manners, known: dict[str, Remote]) -> None:
    """Size and ETag of remote files, side by side within the budget of their servers, into `known`.

    Raises:
        as `look`, the first fault that is met; what is known by then is in `known`.
    """
    todo: SimpleQueue[str] = SimpleQueue()
    done: SimpleQueue[tuple[str, Remote | Exception]] = SimpleQueue()
    given_up = threading.Event()
    for url in urls:
        todo.put(url)

    def work() -> None:
        while not given_up.is_set():
            try:
                url = todo.get_nowait()
            except Empty:
                return
            try:
                done.put((url, look(url, manners)))
            except Exception as error:  # noqa: BLE001 - raised below
                done.put((url, error))

    # Daemons: one that waits for a crowded server holds up neither a fault's telling nor the end of the process.
    connections = max((manners.budget(host_of(url))[1] for url in urls), default=0)
    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(len(urls), connections))]
    for thread in threads:
        thread.start()
    fault: Exception | None = None
    try:
        for _ in urls:
            url, found = done.get()
            if not isinstance(found, Remote):
                fault = found
                break
            known[url] = found
    finally:
        given_up.set()
    if fault is not None:
        end = time.monotonic() + GRACE
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        while not done.empty():
            url, found = done.get()
            if isinstance(found, Remote):
                known[url] = found
        raise fault


def read_gzip_lines(url: str, manners: Manners) -> list[str]:
    """Lines of a small gzip file such as a crawl's warc.paths.gz.

    Raises:
        as `look`, and Failure where the file is something else.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.gz"
        download(look(url, manners), path, manners)
        try:
            return gzip.decompress(path.read_bytes()).decode().split()
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise Failure(f"{url} is not a gzip file of lines ({error}); try again later") from None


def read_whole(url: str, manners: Manners, most: int) -> bytes:
    """A small file over http or https in one request, whose length the server need not say.

    Raises:
        as `look`, and Failure where it has more than `most` bytes.
    """

    def ask() -> bytes:
        with asking.asked("GET", url, manners, {}) as answer:
            body = b""
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > most:
                    raise Failure(f"{url} has more than {most:,} bytes; check the address")
            return body

    return again(url, host_of(url), manners, ask)


def download(there: Remote, to: Path, manners: Manners) -> str:
    """Bring a remote file to `to`, which nobody else writes; the sha256 of what arrived, hex.

    Raises:
        Mistake, Failure: as `look`; Failure: the file is no longer what was listed.
    """
    with to.open("wb") as file:
        arriving = _Arriving(there, manners, file)
        again(there.url, host_of(there.url), manners, arriving.go_on, lambda: arriving.arrived)
    return arriving.hashed.hexdigest()


class _Arriving:
    """A file on its way: how much of it is here, its checksum so far, and which version it is."""

    def __init__(self, there: Remote, manners: Manners, file: IO[bytes]):
        self.there, self.manners, self.file = there, manners, file
        self.version = ""  # of a file without ETag, what else the first answer says
        self._begin()

    def _begin(self) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.arrived = 0
        self.hashed = hashlib.sha256()

    def go_on(self) -> None:
        """Ask for what is missing, and take what comes. Raises Outage."""
        if self.arrived == self.there.size > 0:
            return
        open_ = self._object if self.there.url.startswith("s3://") else self._page
        with open_() as (start, pieces):
            if start < self.arrived:  # a server that knows no ranges sends everything anew
                self._begin()
            for piece in pieces:
                self.arrived += len(piece)
                if self.arrived > self.there.size:
                    raise self._changed(f"more than {self.there.size} bytes came")
                self.hashed.update(piece)
                self.file.write(piece)
        if self.arrived < self.there.size:
            raise Outage("short", f"{self.arrived} of {self.there.size} bytes came")

    @contextmanager
    def _object(self) -> Iterator[tuple[int, Iterator[bytes]]]:
        with objects.opened(self.there.url, self.arrived, self.there.etag, self.manners) as (size, etag, pieces):
            if size != self.there.size or etag != (self.there.etag or etag):
                raise self._changed(f"it has {size} bytes and the ETag {etag!r}")
            yield self.arrived, pieces

    @contextmanager
    def _page(self) -> Iterator[tuple[int, Iterator[bytes]]]:
        headers = asking.of_version(self.there.etag)
        if self.arrived:
            headers["Range"] = f"bytes={self.arrived}-"
        with asking.asked("GET", self.there.url, self.manners, headers) as answer:
            start, size = 0, answer.headers.get("Content-Length")
            if answer.status_code == 206:
                start, end, whole = asking.span_of(answer)
                if start != self.arrived or end != (whole or self.there.size):
                    seen = f"bytes {start} to {end} of {whole} came, not {self.arrived} to {self.there.size}"
                    raise Outage("range", seen)
                size = self.there.size if whole is None else whole
            self._compare(answer.headers.get("Last-Modified", ""), asking.tag_of(answer), size)
            yield start, answer.iter_raw()

    def _compare(self, modified: str, etag: str, size: str | int | None) -> None:
        """See that an answer is of the version that was listed, or that the first answer was of."""
        if size is not None and int(size) != self.there.size:
            raise self._changed(f"it has {size} bytes")
        if self.there.etag and etag and etag != self.there.etag:
            raise self._changed(f"its ETag is {etag!r}")
        version = f"{etag} {modified}"
        if not self.there.etag and self.arrived and version != self.version:
            raise self._changed("it was written anew while it arrived")
        self.version = version

    def _changed(self, seen: str) -> Failure:
        there = self.there
        listed = f"{there.size} bytes and the ETag {there.etag!r}" if there.etag else f"{there.size} bytes"
        says = KINDS["changed"].says
        return Failure(f"{there.url}: {says}: {seen}, the list says {listed}; {CHANGED}")


def host_of(url: str) -> str:
    """What the budget of a file's server goes by."""
    return objects.host_of(url) if url.startswith("s3://") else asking.host_of(url)


def _look(url: str, manners: Manners) -> Remote:
    try:
        with asking.asked("HEAD", url, manners, {}) as answer:
            size, etag = answer.headers.get("Content-Length"), asking.tag_of(answer)
    except Outage as outage:
        if outage.kind not in NO_HEAD:
            raise
        size = etag = None
    if size is None:  # no answer to HEAD, or none that says how long the file is: a GET of its first byte does
        with asking.asked("GET", url, manners, {"Range": "bytes=0-0"}) as answer:
            etag = asking.tag_of(answer)
            size = answer.headers.get("Content-Length") if answer.status_code == 200 else asking.span_of(answer)[2]
    if size is None:
        raise Outage("length", "neither Content-Length nor Content-Range says")
    return Remote(url, int(size), etag or "")
