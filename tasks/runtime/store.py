"""Artifacts on disk: store/<stage>/<name>-<fingerprint>/ with data files, files.parquet and, last, manifest.json.

A folder without a manifest is unfinished work. `publish` is the only way a file appears: a temporary file beside it,
fsync, rename, fsync of the folder. Files named run.* (timings, logs, progress) stand outside the checksums, because
they differ from one run to the next; so do names that begin with a dot (scratch).
"""

import fcntl
import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.errors import Failure, Mistake

MANIFEST = "manifest.json"
FILES = "files.parquet"
RUN = "run.json"


@dataclass(frozen=True)
class Shard:
    """One Parquet file of an artifact, as files.parquet lists it."""

    path: Path
    key: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Artifact:
    """An inert handle on store/<stage>/<name>-<fingerprint>/, built or not; making one runs nothing."""

    stage: str
    name: str
    fingerprint: str
    folder: Path
    # What went into the fingerprint; not part of equality or of the string.
    recipe: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def label(self) -> str:
        return f"{self.stage}/{self.name}-{self.fingerprint}"

    @property
    def built(self) -> bool:
        return (self.folder / MANIFEST).is_file()

    @cached_property
    def manifest(self) -> dict[str, Any]:
        path = self.folder / MANIFEST
        try:
            return json.loads(path.read_bytes())
        except FileNotFoundError:
            raise Failure(f"{self.label} is not built: {path} is absent; `millrace run` builds it") from None
        except ValueError as error:
            raise Failure(f"{path} is no JSON ({error}); delete the folder and run again") from None

    @property
    def statistics(self) -> dict[str, Any]:
        return self.manifest["statistics"]

    def files(self) -> list[dict[str, Any]]:
        """Rows of files.parquet: file, rows (null where it is no Parquet), bytes, sha256."""
        return pq.read_table(self.folder / FILES).to_pylist()

    def shards(self) -> list[Shard]:
        """Main files of the artifact's shards, in key order (a main file is `<key>.parquet`, without another dot)."""
        return [
            Shard(
                self.folder / row["file"],
                row["file"].removesuffix(".parquet"),
                row["rows"],
                row["bytes"],
                row["sha256"],
            )
            for row in self.files()
            if row["file"].count(".") == 1 and row["file"].endswith(".parquet") and "/" not in row["file"]
        ]


def open_store(root: Path) -> Path:
    """Make the store's folder and see that it can be written.

    Raises:
        Mistake: it cannot be made or written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe = root / f".probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise Mistake(
            f"the store {root} cannot be written ({error.strerror}); give `store:` a folder that can"
        ) from None
    return root


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def publish(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears whole or not at all: temporary beside it, fsync, rename, fsync of the folder."""
    # On a cluster a lost worker may still be writing, under the same process number on another host.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def lease(folder: Path, log: Callable[[str], None]) -> Iterator[int]:
    """The writer's right to a folder: `flock`, which the kernel gives back when its last holder dies.

    Yields the descriptor: a process that is handed it holds the lease as well.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lease").open("w") as file:
        told = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    log(f"another run is writing {folder}; waiting for it")
                    told = True
                time.sleep(0.2)
        yield file.fileno()


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(path: Path, folder: Path) -> dict[str, Any]:
    """A file's row in files.parquet."""
    rows = pq.read_metadata(path).num_rows if path.suffix == ".parquet" else None
    return {
        "file": path.relative_to(folder).as_posix(),
        "rows": rows,
        "bytes": path.stat().st_size,
        "sha256": checksum(path),
    }


def counted(path: Path, folder: Path) -> bool:
    """Whether a file belongs to the artifact's bytes (not to a run's traces or scratch)."""
    parts = path.relative_to(folder).parts
    return not any(part.startswith((".", "run.")) for part in parts) and path.name not in (MANIFEST, FILES)


def seal(artifact: Artifact, known: list[dict[str, Any]], statistics: dict[str, Any]) -> None:
    """Write files.parquet and then the manifest: from here on the artifact is finished.

    `known` are the rows already described by workers; other files of the folder are described here.
    """
    folder = artifact.folder
    rows = {row["file"]: row for row in known}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and counted(path, folder) and name not in rows:
            rows[name] = describe(path, folder)
    schema = pa.schema([("file", pa.string()), ("rows", pa.int64()), ("bytes", pa.int64()), ("sha256", pa.string())])
    table = pa.Table.from_pylist([rows[name] for name in sorted(rows)], schema=schema)
    with publish(folder / FILES) as file:
        pq.write_table(table, file)
    manifest = {**artifact.recipe, "fingerprint": artifact.fingerprint, "statistics": statistics}
    with publish(folder / MANIFEST) as file:
        file.write(json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False).encode())


def damage(artifact: Artifact) -> list[str]:
    """What differs between an artifact's files and its manifest, a sentence each; empty when all is well."""
    found = []
    listed = set()
    try:
        rows = artifact.files()
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        return [f"{artifact.folder / FILES} cannot be read ({error})"]
    for row in rows:
        listed.add(row["file"])
        path = artifact.folder / row["file"]
        if not path.is_file():
            found.append(f"{path} is missing")
        elif path.stat().st_size != row["bytes"]:
            found.append(f"{path} has {path.stat().st_size} bytes, its manifest says {row['bytes']}")
        elif checksum(path) != row["sha256"]:
            found.append(f"{path} has another checksum than its manifest says")
    for path in sorted(artifact.folder.rglob("*")):
        if (
            path.is_file()
            and counted(path, artifact.folder)
            and path.relative_to(artifact.folder).as_posix() not in listed
        ):
            found.append(f"{path} is not in its manifest")
    return found
