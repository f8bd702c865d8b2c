"""A source's files: patterns and crawl names to a frozen list of (path, name, size, checksum or ETag).

{files: "books/*.txt"}                              a path or pattern; also a list
{files: "https://host/path/file.warc.gz"}           http, https and s3, one file per name
{crawl: CC-MAIN-2019-35, files: 40, seed: 1}        N files of a crawl, drawn by hash of seed and path
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.fingerprint import digest
from tasks.runtime.local_store import file_sha256
from tasks.runtime.store import Store, write
from tasks.sources.input.matches import match, once
from tasks.sources.remote import bring as remote
from tasks.sources.remote.manners import Manners

SHAPES_NO_BYTES = True

MEMO = "files/checksums.json"  # below the store
LISTS = {"warc": "warc.paths.gz", "wet": "wet.paths.gz", "index": "cc-index-table.paths.gz"}
CAPTURED = "/subset=warc/"  # of the index: pages, not redirects, errors and robots.txt
LOOKED = 1000  # remote files after which what is known of them is kept
REMEDY = "put the file back as it was, or add a source for the new one"


class InputFile(NamedTuple):
    """One input file: a local path or a URL, its size in bytes, and sha256 (local) or ETag (remote).

    `name` is what the ids of its documents are made of: the path below the folder that the source's files share, with
    slashes, so that the folder may lie anywhere; of a remote file the URL. The size of a remote file that was not asked
    for is None.
    """

    path: str
    size: int | None
    sha256: str | None = None
    etag: str | None = None
    name: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As a JSON value, for a stage's parameters."""
        return {key: item for key, item in self._asdict().items() if item is not None}


def expand(
    source: dict[str, Any],
    base: Path,
    memo: Store | None = None,
    checksums: bool = True,
    manners: Manners | None = None,
) -> list[InputFile]:
    """The files of a source, in the order of its patterns and, within one, of their names; each real file once.

    Args:
        source: keys `name` (for messages), `files` (a pattern, a list of them, or with `crawl` a number), `crawl`,
            `seed`, `form` (warc, wet, or index: all of it) and `base` (the URL that a crawl's paths begin at).
        base: the folder that relative patterns begin at.
        memo: the store. Checksums of local files are remembered there by path, size and time of change; sizes and ETags
            of remote ones until all are known, so that a list that failed goes on where it was.
        checksums: False lists files without reading local ones, or asking for remote ones.
        manners: how remote files are asked for.

    Raises:
        Mistake: a pattern that matches nothing, a file that is missing or cannot be read, a crawl that is not there.
        Failure: a server does not answer as it should.
    """
    name = source.get("name", "")
    manners = manners or Manners()
    if source.get("crawl"):
        urls = crawl_files(source, manners)
        return _remote(urls, source, memo, manners) if checksums else [_unasked(url) for url in urls]
    patterns = source.get("files", [])
    patterns = [patterns] if isinstance(patterns, str) else patterns
    urls = list(dict.fromkeys(pattern for pattern in patterns if remote.is_remote(pattern)))
    asked = {file.path: file for file in _remote(urls, source, memo, manners)} if urls and checksums else {}
    files: dict[str, InputFile] = {}
    remembered = _Checksums(memo)
    seen: set[tuple[int, int]] = set()
    for pattern in patterns:
        if remote.is_remote(pattern):
            files.setdefault(pattern, asked.get(pattern) or _unasked(pattern))
            continue
        paths = match(pattern, base)
        if not paths:
            below = "" if Path(pattern).is_absolute() else f" below {base}"
            raise Mistake(f"source {name}: {pattern!r} matches no file{below}; check `files`")
        for path in map(Path, once(map(str, paths), seen)):
            try:
                sha256 = remembered.of(path) if checksums else None
                file = InputFile(str(path), path.stat().st_size, sha256)
            except OSError as error:
                raise Mistake(f"source {name}: {path} cannot be read ({error.strerror})") from None
            files.setdefault(str(path), file)
    if not files:
        raise Mistake(f"source {name}: `files` names no file")
    remembered.keep()
    return list(_named(list(files.values())))


def _named(files: list[InputFile]) -> Iterator[InputFile]:
    """The files with their names; see `InputFile`."""
    local = [Path(file.path).parent for file in files if not remote.is_remote(file.path)]
    shared = os.path.commonpath(local) if local else ""
    for file in files:
        yield file if file.name else file._replace(name=Path(file.path).relative_to(shared).as_posix())


def _unasked(url: str) -> InputFile:
    return InputFile(url, None, name=url)


def _remote(urls: list[str], source: dict[str, Any], memo: Store | None, manners: Manners) -> list[InputFile]:
    """Remote files with size and ETag. What is known is kept in the store until all is, also when one fails."""
    place = f"files/{source.get('name', '')}-{digest(source)}.looked.json"
    known: dict[str, remote.Remote] = {}
    if memo is not None and memo.exists(place):
        with suppress(ValueError, TypeError, AttributeError):  # what is damaged is asked anew
            known = {url: remote.Remote(url, size, etag) for url, (size, etag) in json.loads(memo.read(place)).items()}
    missing = [url for url in urls if url not in known]

    def keep() -> None:
        if memo is not None and known:
            looked = {url: [there.size, there.etag] for url, there in sorted(known.items())}
            write(memo, place, json.dumps(looked).encode(), replace=True)

    for start in range(0, len(missing), LOOKED):
        try:
            remote.look_all(missing[start : start + LOOKED], manners, known)
        except BaseException:
            keep()
            raise
        if start + LOOKED < len(missing):
            keep()
    if memo is not None and memo.exists(place):
        memo.delete(place)
    return [InputFile(url, known[url].size, etag=known[url].etag, name=url) for url in urls]


def crawl_files(source: dict[str, Any], manners: Manners) -> list[str]:
    """URLs of the files of a crawl that a source draws, in the order of their names; one request.

    Raises:
        Mistake: there is no such crawl, or it has fewer files.
    """
    name, crawl = source.get("name", ""), source["crawl"]
    count, seed = source.get("files", 1), source.get("seed", 1)
    base = source["base"].rstrip("/") + "/"
    if not isinstance(count, int) or count < 1:
        raise Mistake(f"source {name}: `files` beside `crawl` is how many files to draw, not {count!r}")
    listing = LISTS.get(source.get("form", "warc"), LISTS["warc"])
    paths = remote.read_gzip_lines(f"{base}crawl-data/{crawl}/{listing}", manners)
    if source.get("form") == "index":  # all of it
        paths = [path for path in paths if CAPTURED in path]
        count = len(paths)
    if count > len(paths):
        raise Mistake(f"source {name}: crawl {crawl} has {len(paths)} files, not {count}")
    return [base + path for path in sorted(draw(paths, count, seed))]


def draw(paths: list[str], count: int, seed: int) -> list[str]:
    """The `count` paths of smallest hash(seed, path): drawing more later keeps those drawn before."""

    def place(path: str) -> bytes:
        return hashlib.sha256(f"crawl\0{seed}\0{path}".encode()).digest()

    return sorted(set(paths), key=place)[:count]


def require_unchanged(path: Path, sha256: str | None) -> None:
    """See that a local file is the one that was listed.

    Raises:
        Failure: it differs, or cannot be read.
    """
    try:
        changed = sha256 is not None and file_sha256(path) != sha256
    except OSError as error:
        raise Failure(f"{path} was listed and cannot be read now ({error.strerror}); {REMEDY}") from None
    if changed:
        raise Failure(f"{path} is not the file that was listed: its content differs; {REMEDY}")


def changes(files: list[dict[str, Any]], source: dict[str, Any], base: Path) -> Iterator[tuple[str, list[str]]]:
    """("changed" or "new", paths) of a frozen list's local files, where there are any; nothing is read or asked for.

    A file counts as changed by its size; as new where a pattern matches it now, and it is not in the list.
    """
    local = {file["path"]: file["size"] for file in files if not remote.is_remote(file["path"])}
    changed = []
    for path, size in local.items():
        try:
            if os.stat(path).st_size != size:  # noqa: PTH116
                changed.append(path)
        except OSError:  # gone: what was read of it stays, and ingest says so where it is still to be read
            continue
    if changed:
        yield "changed", changed
    if source.get("crawl"):
        return
    try:
        now = expand(source, base, checksums=False)
    except Mistake:  # a pattern that matches nothing any more
        return
    if new := [file.path for file in now if file.path not in local and not remote.is_remote(file.path)]:
        yield "new", new


class _Checksums:
    """sha256 of local files, remembered in the store as long as path, size and time of change stay the same."""

    def __init__(self, store: Store | None):
        self.store = store
        self.changed = False
        self.known: dict[str, str] = {}
        if store is not None and store.exists(MEMO):
            try:
                self.known = dict(json.loads(store.read(MEMO)))
            except (ValueError, TypeError):  # a memory that is damaged is worth nothing; it is written anew
                self.known = {}

    def of(self, path: Path) -> str:
        status = path.stat()
        key = f"{path}\0{status.st_size}\0{status.st_ctime_ns}"  # no tool restores the time of an inode
        if key not in self.known:
            self.known[key] = file_sha256(path)
            self.changed = True
        return self.known[key]

    def keep(self) -> None:
        if self.store is not None and self.changed:
            write(self.store, MEMO, json.dumps(self.known, sort_keys=True).encode(), replace=True)
