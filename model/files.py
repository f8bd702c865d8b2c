"""Where run.yaml's files lie: a folder of this machine (`Folder`), or a bucket behind a URL (`Bucket`), read through a
cache on this machine. Both have the same four verbs: `place`, `read`, `sizes`, `open`.

URLs are s3://bucket/prefix, gs://, az:// and file://, through the `obstore` package, which is imported only when a URL
is given. Credentials come from the environment or the usual files, never from run.yaml, and are printed nowhere.

The cache: a file that is opened is brought whole, once a machine, however many ranks ask for it; it appears by rename.
Where the cache would exceed its bytes, the least recently opened file goes first. The newest one always stays, so that
one file larger than the cache can be read. What several processes bring at once may exceed it until it is there.
"""

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3", "gs", "az", "azure", "abfs", "abfss", "file")
CACHE_BYTES = 32 * 2**30  # 16G tokens of 16 bits
REMEDY = "make the tokens again: millrace repair"
PARTIAL = ".partial"  # a name's end, while it is being written

Identity = tuple[int, int, int]  # of a file's content, as far as the file system tells: inode, time of change, size


class Unreachable(RuntimeError):
    """The bucket did not answer as it should: the network, or the rights."""


class Folder:
    """Files below a folder of this machine, opened where they lie."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self._checked: dict[str, Identity] = {}

    def place(self, name: str) -> str:
        """Where `name` lies, for a sentence."""
        return str(self.root / name)

    def read(self, name: str) -> bytes:
        """The whole of a small file. FileNotFoundError where there is none."""
        return (self.root / name).read_bytes()

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of each file directly below `folder`, by name; empty where there is no such folder."""
        with suppress(FileNotFoundError):
            return {entry.name: entry.stat().st_size for entry in os.scandir(self.root / folder) if entry.is_file()}
        return {}

    def open(self, name: str, sha256: str | None = None) -> FileIO:
        """`name`, open and unbuffered. Where `sha256` (hex) is given its content is hashed when first opened by this
        process, and again when the file has changed. ValueError where it differs; FileNotFoundError."""
        file = (self.root / name).open("rb", buffering=0)
        if sha256 is not None and _identity(file) != self._checked.get(name):
            if not _holds(file, sha256):
                file.close()
                raise _damaged(self.place(name))
            self._checked[name] = _identity(file)
        return file


class Bucket:
    """Objects below a URL's prefix; those opened are kept in `cache`, a folder that other processes may share."""

    def __init__(self, url: str, cache: Path, cache_bytes: int) -> None:
        self.url, self.objects = url.rstrip("/"), objects(url)
        self.cache, self.cache_bytes = cache / "millrace-files", cache_bytes  # a folder that holds nothing else
        self.root = self.cache / hashlib.sha256(self.url.encode()).hexdigest()[:16]
        self._checked: dict[str, Identity] = {}

    def place(self, name: str) -> str:
        """Where `name` lies, for a sentence."""
        return f"{self.url}/{name}"

    def read(self, name: str) -> bytes:
        """The whole of a small object, from the bucket itself. FileNotFoundError where there is none; Unreachable."""
        with told(self.place(name)):
            return bytes(self.objects.get(name).bytes())

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of each object directly below `folder`, by name; empty where there are none. Unreachable."""
        with told(self.place(folder)):
            listed = self.objects.list_with_delimiter(folder)["objects"]
        return {str(entry["path"]).rpartition("/")[2]: int(entry["size"]) for entry in listed}

    def open(self, name: str, sha256: str | None = None) -> FileIO:
        """As Folder.open, in the cache. A cached copy that is damaged is brought anew before it is called damage."""
        path, brought = self.root / name, False
        while True:
            try:
                file = path.open("rb", buffering=0)
            except FileNotFoundError:
                self._bring(name)
                brought = True
                continue
            if sha256 is not None and _identity(file) != self._checked.get(name):
                if not _holds(file, sha256):
                    file.close()
                    path.unlink(missing_ok=True)
                    if brought:
                        raise _damaged(self.place(name))
                    continue
                self._checked[name] = _identity(file)
            # The time of access says when it was last opened, whatever the mount's options; that of change stays.
            os.utime(file.fileno(), ns=(time.time_ns(), os.fstat(file.fileno()).st_mtime_ns))
            return file

    def _bring(self, name: str) -> None:
        """Download into the cache, unless another process has done so meanwhile: one at a time holds the partial file's
        lock. A holder that was killed leaves its lock open and its bytes to be overwritten."""
        path = self.root / name
        aside = path.with_name(f".{path.name}{PARTIAL}")
        path.parent.mkdir(parents=True, exist_ok=True)
        while not path.exists():
            with aside.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if not _same(file, aside):  # renamed or removed while we waited for it
                    continue
                try:  # while we hold the lock, the partial file is ours alone
                    if path.exists():
                        aside.unlink()
                    else:
                        self._download(name, file)
                        aside.rename(path)
                        self._make_room(0, path)  # each of several at once found room before the others' bytes came
                        return
                except BaseException:
                    aside.unlink(missing_ok=True)
                    raise

    def _download(self, name: str, file: Any) -> None:
        file.truncate(0)
        with told(self.place(name)):
            answer = self.objects.get(name)
            self._make_room(int(answer.meta["size"]))
            for chunk in answer.stream(min_chunk_size=8 * 2**20):
                file.write(chunk)
        file.flush()
        os.fsync(file.fileno())

    def _make_room(self, size: int, kept: Path | None = None) -> None:
        """Remove what was opened longest ago, but not `kept`, until `size` bytes more fit; one process a machine at a
        time."""
        with (self.cache / ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            files: list[tuple[int, int, Path]] = []
            for path in self.cache.rglob("*"):
                with suppress(FileNotFoundError):  # renamed meanwhile
                    if path.is_file() and path.name != ".lock":
                        stat = path.stat()
                        files.append((max(stat.st_atime_ns, stat.st_mtime_ns), stat.st_size, path))
            total = sum(held for _, held, _ in files) + size
            for _, held, path in sorted(files):
                if total <= self.cache_bytes:
                    return
                if path != kept and not _in_the_making(path):
                    path.unlink(missing_ok=True)
                    total -= held


def store_at(where: str | Path, cache: Path | None = None, cache_bytes: int = CACHE_BYTES) -> Folder | Bucket:
    """The store at a folder or URL. ValueError for a URL that no store has."""
    if not is_url(where):
        return Folder(where)
    return Bucket(str(where), cache if cache is not None else default_cache(), cache_bytes)


def default_cache() -> Path:
    """The user's cache folder (XDG): ~/.cache/millrace."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "millrace"


def read_given(store: Folder | Bucket, given: str) -> tuple[bytes, str]:
    """The content of a file that is given as a path of this machine or as a name below the store, and where it lies.

    A path that exists goes first. ValueError where it is neither.
    """
    if Path(given).is_file():
        return Path(given).read_bytes(), given
    try:
        return store.read(given), store.place(given)
    except FileNotFoundError:
        raise ValueError(f"there is no {given}: neither a file here, nor {store.place(given)}") from None


def is_url(where: str | Path) -> bool:
    return isinstance(where, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", where) is not None


def objects(where: str | Path) -> "ObjectStore":
    """obstore's store at a URL, or at a folder. ValueError for an unknown scheme, or one with credentials in it."""
    if is_url(where):
        parts = urlsplit(str(where))
        if "@" in parts.netloc or parts.query:  # not repeated: it may be a password
            raise ValueError("a store's URL holds no credentials: give them in the environment, and the URL without")
        if parts.scheme not in SCHEMES:
            raise ValueError(
                f"{where}: {parts.scheme}:// is not known: give a folder or {', '.join(f'{s}://' for s in SCHEMES)}"
            )
    try:
        from obstore.store import LocalStore, from_url
    except ImportError:
        raise ValueError(f"{where} needs the package obstore: pip install obstore") from None
    if not is_url(where):
        return LocalStore(Path(where).absolute(), mkdir=True)
    if parts.scheme == "file":
        return LocalStore(Path(parts.path), mkdir=True)
    keys: dict[str, Any] = {}
    if parts.scheme == "s3" and (files := _credentials_in_files()) is not None:
        keys["credential_provider"] = files
    with told(str(where)):
        return from_url(str(where).rstrip("/"), **keys)


def _credentials_in_files() -> Any:
    """boto3's (~/.aws and whatever else it knows), where it is installed and the environment holds none."""
    if "AWS_ACCESS_KEY_ID" in os.environ:
        return None
    try:
        from botocore.exceptions import BotoCoreError
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        return None
    try:
        return Boto3CredentialProvider()
    except BotoCoreError as error:  # a profile that is not there
        raise ValueError(f"the AWS settings of this machine: {error}") from None
    except ValueError:  # boto3 finds none: obstore goes on to what else it knows, and says so where there is nothing
        return None


@contextmanager
def told(place: str) -> Iterator[None]:
    """Within, obstore's errors become ours: FileNotFoundError, else Unreachable with what and where."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(place) from None
    except Exception as error:
        kind = type(error)
        if not kind.__module__.startswith("obstore"):
            raise
        if kind.__name__ == "NotFoundError":
            raise FileNotFoundError(place) from None
        reason = " ".join(str(error).partition("Debug source")[0].split())[:300]
        raise Unreachable(f"{place} cannot be reached ({kind.__name__}: {reason})") from None


def sha256_of(path: Path) -> str:
    """Of a file's content, in hex, without holding it in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _holds(file: Any, sha256: str) -> bool:
    holds = hashlib.file_digest(file, "sha256").hexdigest() == sha256
    file.seek(0)
    return holds


def _damaged(place: str) -> ValueError:
    return ValueError(f"{place} is damaged: its content is not what tokens.json recorded (sha256): {REMEDY}")


def _identity(file: Any) -> Identity:
    stat = os.fstat(file.fileno())
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _same(file: Any, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def _in_the_making(path: Path) -> bool:
    """Whether another process holds this partial file's lock."""
    if not path.name.endswith(PARTIAL):
        return False
    with suppress(FileNotFoundError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
