"""A source's files: patterns and crawl names to a frozen list of (path, size, checksum or ETag).

{files: "books/*.txt"}                              relative to the folder of the configuration; also a list
{files: "https://host/path/file.warc.gz"}           http, https and s3, one file per name
{crawl: CC-MAIN-2019-35, files: 40, seed: 1}        N files of a crawl, drawn by hash of seed and path
"""

import glob
import hashlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.local_store import file_sha256
from tasks.runtime.store import Store, write
from tasks.sources import remote

SHAPES_NO_BYTES = True

MEMO = "files/checksums.json"  # below the store
LISTS = {"warc": "warc.paths.gz", "wet": "wet.paths.gz"}


class InputFile(NamedTuple):
    """One input file: a local path or a URL, its size in bytes, and sha256 (local) or ETag (remote)."""

    path: str
    size: int
    sha256: str | None = None
    etag: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As a JSON value, for a stage's parameters."""
        return {key: item for key, item in self._asdict().items() if item is not None}


def expand(source: dict[str, Any], base: Path, memo: Store | None = None, checksums: bool = True) -> list[InputFile]:
    """The files of a source, in the order of its patterns and, within one, of their names.

    Args:
        source: keys `name` (for messages), `files` (a pattern, a list of them, or with `crawl` a number), `crawl`,
            `seed`, `form` (warc or wet) and `base` (the URL that a crawl's paths begin at).
        base: the folder that relative patterns begin at.
        memo: the store; checksums of local files are remembered there by path, size and time of change.
        checksums: False lists files without reading them.

    Raises:
        Mistake: a pattern that matches nothing, a file that is missing or cannot be read, a crawl that is not there.
    """
    name = source.get("name", "")
    if source.get("crawl"):
        return _crawl(source, name)
    patterns = source.get("files", [])
    files: dict[str, InputFile] = {}
    remembered = _Checksums(memo)
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        if remote.is_remote(pattern):
            remote_file = remote.look(pattern)
            files.setdefault(pattern, InputFile(pattern, remote_file.size, etag=remote_file.etag))
            continue
        paths = match(pattern, base)
        if not paths:
            raise Mistake(f"source {name}: {pattern!r} matches no file below {base}; check `files`")
        for path in paths:
            try:
                sha256 = remembered.of(path) if checksums else None
                files.setdefault(str(path), InputFile(str(path), path.stat().st_size, sha256))
            except OSError as error:
                raise Mistake(f"source {name}: {path} cannot be read ({error.strerror})") from None
    if not files:
        raise Mistake(f"source {name}: `files` names no file")
    remembered.keep()
    return list(files.values())


def match(pattern: str, base: Path) -> list[Path]:
    """Files of a pattern, sorted; a folder stands for the files in it."""
    full_pattern = os.path.join(base, os.path.expanduser(pattern))  # noqa: PTH118, PTH111 (Path would lose `**/`)
    exact = Path(full_pattern)
    if exact.is_file():  # a name may hold what looks like a pattern
        return [exact.absolute()]
    if exact.is_dir():
        full_pattern = os.path.join(glob.escape(full_pattern), "**", "*")  # noqa: PTH118
    matches = sorted(glob.glob(full_pattern, recursive=True))  # noqa: PTH207
    return [Path(match).absolute() for match in matches if os.path.isfile(match)]  # noqa: PTH113


def _crawl(source: dict[str, Any], name: str) -> list[InputFile]:
    crawl, count, seed = source["crawl"], source.get("files", 1), source.get("seed", 1)
    base = source["base"].rstrip("/") + "/"
    if not isinstance(count, int) or count < 1:
        raise Mistake(f"source {name}: `files` beside `crawl` is how many files to draw, not {count!r}")
    listing = LISTS.get(source.get("form", "warc"), LISTS["warc"])
    paths = remote.read_gzip_lines(f"{base}crawl-data/{crawl}/{listing}")
    if count > len(paths):
        raise Mistake(f"source {name}: crawl {crawl} has {len(paths)} files, not {count}")
    files = []
    for path in sorted(draw(paths, count, seed)):
        remote_file = remote.look(base + path)
        files.append(InputFile(remote_file.url, remote_file.size, etag=remote_file.etag))
    return files


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
        raise Failure(f"{path} was listed and cannot be read now ({error.strerror})") from None
    if changed:
        raise Failure(
            f"{path} is not the file that was listed: its content differs; put it back, or give the new file a source "
            f"of its own"
        )


class _Checksums:
    """sha256 of local files, remembered in the store as long as path, size and time of change stay the same."""

    def __init__(self, store: Store | None):
        self.store = store
        self.changed = False
        self.known: dict[str, str] = {}
        if store is not None and store.exists(MEMO):
            try:
                self.known = json.loads(store.read(MEMO))
            except ValueError:  # a memory that is not JSON is worth nothing; it is written anew
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
