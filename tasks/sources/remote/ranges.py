"""Ranges of a file that is not brought here whole: one request a range, all of one version of the file."""

import io
from pathlib import Path

from tasks.runtime.errors import Failure, Mistake
from tasks.sources.input.files import REMEDY
from tasks.sources.remote.bring import Remote, asking, host_of, is_remote, objects
from tasks.sources.remote.manners import Manners
from tasks.sources.remote.outages import Outage, again

SHAPES_NO_BYTES = True


def local_version(path: str) -> Remote:
    """A local file's size; it has no ETag.

    Raises:
        Mistake: it is not there, or cannot be read.
    """
    try:
        return Remote(path, Path(path).stat().st_size, "")
    except OSError as error:
        raise Mistake(f"{path} cannot be read ({error.strerror}); check `base`") from None


def fetch_range(there: Remote, start: int, end: int, manners: Manners) -> bytes:
    """The bytes start..end of a file, remote or local, of the version that was looked at.

    Raises:
        Mistake, Failure: there is no such file, its server refuses, or does not answer as it should; it changed.
    """
    if not is_remote(there.url):
        return _of_local(there, start, end)
    ask = _of_object if there.url.startswith("s3://") else _of_page
    return again(there.url, host_of(there.url), manners, lambda: ask(there, start, end, manners))


def _of_local(there: Remote, start: int, end: int) -> bytes:
    try:
        with Path(there.url).open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            if size != there.size:
                raise Failure(f"{there.url} has {size} bytes, and had {there.size} when it was looked at; {REMEDY}")
            file.seek(start)
            return file.read(end - start)
    except OSError as error:
        raise Failure(f"{there.url} cannot be read now ({error.strerror}); {REMEDY}") from None


def _of_object(there: Remote, start: int, end: int, manners: Manners) -> bytes:
    with objects.opened(there.url, start, there.etag, manners, end) as (size, etag, pieces):
        if size != there.size or etag != (there.etag or etag):
            raise Outage("changed", f"it has {size} bytes and the ETag {etag!r}")
        return _whole(b"".join(pieces), end - start)


def _of_page(there: Remote, start: int, end: int, manners: Manners) -> bytes:
    headers = {"Range": f"bytes={start}-{end - 1}", **asking.of_version(there.etag)}
    with asking.asked("GET", there.url, manners, headers) as answer:
        if answer.status_code != 206:  # the whole file: of a WARC that is a gigabyte
            raise Outage("range", f"HTTP {answer.status_code} to a request for a range")
        low, high, size = asking.span_of(answer)
        etag = asking.tag_of(answer)
        if (size or there.size) != there.size or (there.etag and etag and etag != there.etag):
            raise Outage("changed", f"it has {size} bytes and the ETag {etag!r}")
        if (low, high) != (start, end):
            raise Outage("range", f"bytes {low} to {high} came, not {start} to {end}")
        return _whole(b"".join(answer.iter_raw()), end - start)


def _whole(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise Outage("short", f"{len(data)} of {size} bytes came")
    return data


class Ranged(io.RawIOBase):
    """A file that is read by ranges, as pyarrow reads Parquet. `asked` counts bytes, `requests` the ranges."""

    def __init__(self, there: Remote, manners: Manners):
        self.there, self.manners = there, manners
        self.at = self.asked = self.requests = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.there.size}[whence]
        return self.at

    def read(self, size: int | None = -1) -> bytes:
        end = self.there.size if size is None or size < 0 else min(self.there.size, self.at + size)
        if end <= self.at:
            return b""
        data = fetch_range(self.there, self.at, end, self.manners)
        self.at, self.asked, self.requests = end, self.asked + len(data), self.requests + 1
        return data
