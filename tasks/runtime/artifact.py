"""Artifacts: <stage>/<name>-<fingerprint>/ in a store, with data files, files.parquet and, last, manifest.json.

An artifact without a manifest is unfinished work. The manifest holds what went into the fingerprint, the statistics,
the checksum of files.parquet, those of the inputs as they were consumed, and its own; files.parquet holds every file's.
So what is read is checked against what was written, as it is read. Files named run.* (timings, logs) stand outside of
the checksums, because they differ from one run to the next.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.errors import Failure
from tasks.runtime.fingerprint import digest
from tasks.runtime.statistics import from_json
from tasks.runtime.store import Damaged, Store, write

S = TypeVar("S")

MANIFEST = "manifest.json"
FILES = "files.parquet"
RUN = "run.json"
RECIPE = ("stage", "name", "parameters", "inputs", "libraries", "code", "format")  # what the fingerprint is a hash of
REMEDY = "`millrace verify` tells how far it reaches, `millrace repair` makes it anew"
FILES_SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("rows", pa.int64()),  # null where the file is not Parquet
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        # Of a Parquet file: a checksum a column, so that a reader of some columns checks these alone (parts.py).
        ("columns", pa.map_(pa.string(), pa.string())),
    ]
)


@dataclass(frozen=True)
class File:
    """A row of files.parquet."""

    file: str
    rows: int | None
    bytes: int
    sha256: str
    columns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Shard:
    """The main file of one shard of an artifact. A worker reads it through shards.py."""

    store: Store
    label: str
    key: str
    file: File

    @property
    def name(self) -> str:
        """In the store."""
        return f"{self.label}/{self.file.file}"

    @property
    def rows(self) -> int:
        assert self.file.rows is not None
        return self.file.rows

    @property
    def bytes(self) -> int:
        return self.file.bytes

    @property
    def sha256(self) -> str:
        return self.file.sha256


@dataclass(frozen=True)
class Artifact:
    """An inert handle, built or not; making one runs nothing.

    A worker gets it without its recipe, which may list thousands of files.
    """

    stage: str
    name: str
    fingerprint: str
    store: Store
    recipe: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return Artifact, (self.stage, self.name, self.fingerprint, self.store)

    @property
    def label(self) -> str:
        """Its folder in the store."""
        return f"{self.stage}/{self.name}-{self.fingerprint}"

    def name_of(self, file: str) -> str:
        """A file of it, in the store."""
        return f"{self.label}/{file}"

    def where(self, file: str = "") -> str:
        """The artifact, or a file of it, as messages say it."""
        return self.store.where(self.name_of(file) if file else self.label)

    @property
    def folder(self) -> Path:
        """Its folder in a local store, for people and tests; stages use `local`."""
        return Path(self.where())

    @property
    def built(self) -> bool:
        return self.store.exists(self.name_of(MANIFEST))

    @property
    def manifest(self) -> dict[str, Any]:
        """Checked: it is the one that was written, and of this fingerprint.

        Raises:
            Failure: the artifact is not built. Damaged: the manifest is not as it was written.
        """
        name = self.name_of(MANIFEST)
        try:
            return _manifest(self.store, name, self.store.stamp(name))
        except FileNotFoundError:
            raise Failure(
                f"{self.label} is not built: {self.where(MANIFEST)} is absent; `millrace run` builds it"
            ) from None

    def counts(self, kind: type[S]) -> S:
        """Its statistics, which are of this class.

        Raises:
            Failure: not built, or built by another version of the stage.
        """
        return from_json(kind, self.manifest["statistics"], self.where(MANIFEST))

    @property
    def content(self) -> str:
        """Checksum of all its files' checksums: what a reader consumes."""
        return str(self.manifest["files"])

    def files(self) -> dict[str, File]:
        """Rows of files.parquet by name, in the order of names.

        Raises:
            Failure: not built. Damaged: files.parquet is not as the manifest says.
        """
        name, content = self.name_of(FILES), self.content
        try:
            return _files(self.store, name, content, self.store.stamp(name))
        except FileNotFoundError:
            raise Damaged(f"{self.where(FILES)} is missing; {REMEDY}") from None

    def file(self, name: str) -> File:
        try:
            return self.files()[name]
        except KeyError:
            raise Damaged(f"{self.where(name)} is not among its artifact's files; {REMEDY}") from None

    def local(self, file: str) -> Path:
        """A local path of one of its files, its bytes checked against files.parquet.

        Raises:
            Failure: not built. Damaged: the file is missing or not as it was written.
        """
        expected = self.file(file)
        try:
            return self.store.local(self.name_of(file), expected.sha256)
        except FileNotFoundError:
            raise Damaged(f"{self.where(file)} is missing; {REMEDY}") from None
        except Damaged as damaged:
            raise Damaged(f"{damaged}; {REMEDY}") from None

    def read(self, file: str) -> bytes:
        """The bytes of a file, checked; see `local`."""
        return self.local(file).read_bytes()

    def trace(self) -> dict[str, Any]:
        """run.json: when, where and how fast it was built; empty where there is none."""
        try:
            return dict(json.loads(self.store.read(self.name_of(RUN))))
        except (
            FileNotFoundError,
            ValueError,
            TypeError,
        ):  # TypeError: JSON of another shape, which `verify` passes over
            return {}

    def shards(self) -> list[Shard]:
        """Its shards, in key order (a shard's main file is `<key>.parquet`, without another dot)."""
        return [
            Shard(self.store, self.label, name.removesuffix(".parquet"), file)
            for name, file in self.files().items()
            if is_main(name)
        ]


def artifact_at(label: str, store: Store) -> Artifact:
    """The handle of an artifact by its label, without a recipe.

    Raises:
        Damaged: the label is none: it leads elsewhere in the file system.
    """
    stage, _, rest = label.partition("/")
    name, _, fingerprint = rest.rpartition("-")
    if not stays_below(label) or not fingerprint:
        raise Damaged(f"{label!r} is no artifact of {store.url}: a label is <stage>/<name>-<fingerprint>; {REMEDY}")
    return Artifact(stage, name, fingerprint, store)


def is_main(file: str) -> bool:
    """Whether a file is the main one of a shard."""
    return file.count(".") == 1 and file.endswith(".parquet") and "/" not in file and file != FILES


def stays_below(name: str) -> bool:
    """Whether a name with slashes is of something below the folder that it is joined to, whatever the system."""
    parts = name.split("/")
    return not any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts)


def counted(file: str) -> bool:
    """Whether a file belongs to the artifact's bytes (not to a run's traces or scratch)."""
    parts = file.split("/")
    return not any(part.startswith((".", "run.")) for part in parts) and file not in (MANIFEST, FILES)


@lru_cache(maxsize=4096)
def _manifest(store: Store, name: str, stamp: tuple[object, ...]) -> dict[str, Any]:
    data = store.read(name)
    try:
        manifest = json.loads(data)
        recipe = {key: manifest[key] for key in RECIPE}
        whole = manifest.pop("checksum") == digest(manifest) and digest(recipe) == manifest["fingerprint"]
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole or not name.endswith(f"-{manifest['fingerprint']}/{MANIFEST}"):
        raise Damaged(f"{store.where(name)} is damaged: it is not as it was written; {REMEDY}")
    return dict(manifest)


@lru_cache(maxsize=4096)
def _files(store: Store, name: str, content: str, stamp: tuple[object, ...]) -> dict[str, File]:
    try:
        table = pq.read_table(store.local(name, content))
    except (Damaged, pa.ArrowInvalid):
        raise Damaged(f"{store.where(name)} is damaged: it is not as the manifest says; {REMEDY}") from None
    rows = list(zip(*(table.column(key).to_pylist() for key in FILES_SCHEMA.names), strict=True))
    if strangers := [str(row[0]) for row in rows if not stays_below(row[0])]:
        raise Damaged(f"{store.where(name)} lists {strangers[0]!r}, which leads out of its artifact's folder; {REMEDY}")
    return {file: File(file, count, size, sha256, tuple(columns)) for file, count, size, sha256, columns in rows}


def seal(artifact: Artifact, files: list[File], statistics: dict[str, Any], consumed: dict[str, str]) -> None:
    """Write files.parquet and then the manifest: from here on the artifact is finished.

    `consumed` is the content of each input, by its label, as it was when the stage began to read.

    Raises:
        Failure: it was finished meanwhile by another run (a lease was lost), which made other bytes.
    """
    with artifact.store.scratch() as scratch:
        listing = scratch / FILES
        pq.write_table(files_table(files), listing)
        content = hashlib.sha256(listing.read_bytes()).hexdigest()
        artifact.store.publish(artifact.name_of(FILES), listing, replace=True)
    manifest = {
        **{key: artifact.recipe[key] for key in RECIPE},
        "fingerprint": artifact.fingerprint,
        "statistics": statistics,
        "files": content,
        "consumed": dict(sorted(consumed.items())),
    }
    text = json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    manifest = json.loads(text)
    text = json.dumps({**manifest, "checksum": digest(manifest)}, sort_keys=True, indent=1, ensure_ascii=False)
    name = artifact.name_of(MANIFEST)
    if not write(artifact.store, name, text.encode()) and artifact.store.read(name) != text.encode():
        raise Failure(f"{artifact.where()} was finished by another run meanwhile, with other bytes; {REMEDY}")


def files_table(files: list[File]) -> pa.Table:
    rows = [
        {"file": row.file, "rows": row.rows, "bytes": row.bytes, "sha256": row.sha256, "columns": list(row.columns)}
        for row in sorted(files, key=lambda row: row.file)
    ]
    return pa.Table.from_pylist(rows, schema=FILES_SCHEMA)
