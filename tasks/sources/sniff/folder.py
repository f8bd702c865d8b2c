"""What lies in a folder of text: kinds of files by their first bytes, fields of their records, how much text there is.

A file's name does not make its kind, but files beside each other of one ending are taken for the same once SNIFFED of
them were looked at and were alike. What is not understood is told with its reason and remedy, never passed over.
"""

import glob
import re
from dataclasses import dataclass, field
from pathlib import Path

from tasks.sources.input.binary import binary_kind
from tasks.sources.input.content import Content
from tasks.sources.input.matches import match
from tasks.sources.input.raw import Raw
from tasks.sources.rejects import Bad
from tasks.sources.rows.elements import HEAD, stacked
from tasks.sources.sniff.fields import Fields, common, fields_of, records_of_json, records_of_parquet

SHAPES_NO_BYTES = True

SNIFFED = 100  # files of one folder and ending that are looked at
READ = 1 << 18  # bytes of content that are looked at of each
LARGEST = 64 << 20  # bytes of a text file that is read whole, as one document (conf's limits.file)
PACKED = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz", ".lzma", ".lz4")
APART = 8  # subfolders that are sources of their own; of more, all are one
TEXT_OF_WARC = 0.33  # bytes for each of the compressed file: 943 real pages (shared/data/crawl-pages)
TEXT_OF_WIKI = 0.5  # of a dump's XML, roughly: markup, templates and talk go


@dataclass
class Group:
    """Files that one source reads."""

    kind: str  # as a source's `kind`
    top: str  # the subfolder, "" for the folder itself
    fields: Fields | None
    files: list[Path] = field(default_factory=list)
    text_bytes: float = 0.0  # of text in them, about
    patterns: list[str] = field(default_factory=list)  # relative to the folder


@dataclass(frozen=True)
class Strange:
    """A file that no source reads, and why."""

    path: Path
    why: str


@dataclass(frozen=True)
class Sniffed:
    """What one file is; `share`: bytes of text for each byte of the file."""

    kind: str
    share: float
    fields: Fields | None = None


def look(folder: Path, passed_over: set[Path]) -> tuple[list[Group], list[Strange]]:
    """The sources that a folder holds, crawls last and else by size, and what is none; `passed_over` with all below."""
    files = [
        path for path in match("**/*", folder) if not any(one == path or one in path.parents for one in passed_over)
    ]
    folder = folder.absolute()
    tops = {_top(path, folder) for path in files}
    groups: dict[tuple[str, str, str], Group] = {}
    strange: list[Strange] = []
    alike: dict[tuple[Path, str], list[Sniffed]] = {}
    for path in files:
        beside = alike.setdefault((path.parent, ending(path)), [])
        if len(beside) < SNIFFED or len({(one.kind, one.fields and one.fields.text) for one in beside}) > 1:
            found = sniff(path)
            if isinstance(found, Strange):
                strange.append(found)
                continue
            beside.append(found)
        else:
            found = beside[-1]
        top = "" if len(tops) > APART else _top(path, folder)
        key = (top, found.kind, found.fields.text if found.fields else "")
        group = groups.setdefault(key, Group(found.kind, top, found.fields))
        group.fields = common(group.fields, found.fields)
        group.files.append(path)
        group.text_bytes += found.share * path.stat().st_size
    # A crawl comes last: what others hold leaves it.
    found_groups = sorted(groups.values(), key=lambda one: (one.kind == "warc", -one.text_bytes, one.top, one.kind))
    for group in found_groups:
        group.patterns = _patterns(group, folder, set(files), deep=len(tops) > APART)
    return found_groups, strange


def sniff(path: Path) -> Sniffed | Strange:
    """What a file is, by its first bytes."""
    try:
        path.name.encode()
        raw = Raw(path)
    except UnicodeEncodeError:
        return Strange(path, "its name is not UTF-8: rename it")
    except OSError as error:
        return Strange(path, f"it cannot be read ({error.strerror})")
    try:
        content = Content(raw, scan=1 << 62)
        head = content.first(READ)
        consumed = max(1, content.place(content.base + len(head)))
        if not head:
            broken = content.broken
            return Strange(path, f"its compression is damaged ({broken.detail})" if broken else "it is empty")
        return _by_head(path, head, len(head) / consumed, whole=len(head) < READ)
    except OSError as error:
        return Strange(path, f"it cannot be read ({error.strerror})")
    finally:
        raw.close()


def ending(path: Path) -> str:
    """`.txt.gz`, `.jsonl`; "" for a name without one."""
    last = path.suffix
    return Path(path.stem).suffix + last if last.lower() in PACKED else last


def _by_head(path: Path, head: bytes, ratio: float, whole: bool) -> Sniffed | Strange:
    """By the first bytes of the content, of which a byte of the file gives `ratio`."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    lower = start[:4096].lower()
    if head.startswith((b"WARC/", b"filedesc://")):
        of_text = b"WARC-Type: conversion" in head  # WET: text already
        return Sniffed("warc", ratio if of_text else TEXT_OF_WARC)
    if head.startswith(b"PAR1") and binary_kind(head):
        return _of_records(path, "parquet", ratio)
    if (what := binary_kind(head)) is not None:
        return Strange(path, f"{what}: take the text out of it first, into JSON Lines or text files")
    if re.match(rb"(<\?xml[^>]*>\s*)?<mediawiki", start[:4096]):
        return Sniffed("mediawiki", ratio * TEXT_OF_WIKI)
    if lower.startswith((b"<!doctype html", b"<html")):
        return Strange(path, "an HTML page: pages are read from WARC files, as `wget --warc-file` writes them")
    if lower.startswith(b"<?xml"):
        return Strange(path, "XML of a kind that is not read: take the text out of it first, into JSON Lines")
    if start.startswith(b"{") or stacked(head[:HEAD]):
        return _of_records(path, "jsonl", ratio)
    if path.suffix.lower() in (".csv", ".tsv") or ending(path).lower().startswith((".csv", ".tsv")):
        return Strange(path, "a table of comma- or tab-separated values: write it as JSON Lines or Parquet first")
    size = path.stat().st_size * (1 if whole else ratio)
    if size > LARGEST:
        return Strange(
            path,
            f"a text file is one document, and this one has about {size / 1e6:,.0f} MB: cut it, as by `split -C 1M "
            "--additional-suffix=.txt`",
        )
    return Sniffed("text", ratio)


def _of_records(path: Path, kind: str, ratio: float) -> Sniffed | Strange:
    try:
        records = records_of_parquet(path) if kind == "parquet" else records_of_json(path)
    except Bad as error:
        return Strange(path, f"as {kind} it cannot be read ({error.detail})")
    if not records:
        return Strange(path, "it begins as JSON, and no object of it can be read" if kind == "jsonl" else "no rows")
    fields, share = fields_of(records)
    if fields is None:
        return Strange(path, f"its records have no field of text (there are {', '.join(sorted(records[0])[:8])})")
    return Sniffed(kind, ratio * share, fields)


def _top(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder).parts
    return parts[0] if len(parts) > 1 else ""


def _patterns(group: Group, folder: Path, files: set[Path], deep: bool) -> list[str]:
    """Patterns that match a group's files and no others of the folder: one for each ending, else file by file."""
    own = set(group.files)
    found: list[str] = []
    for end in sorted({ending(path) for path in own}):
        wanted = {path for path in own if ending(path) == end}
        walk = f"{plain(group.top)}/**/*" if group.top else "**/*" if deep else "*"
        pattern = f"{walk}{plain(end)}"
        if set(match(pattern, folder)) & files == wanted and len(wanted) > 1:
            found.append(pattern)
        else:
            found += sorted(plain(path.relative_to(folder).as_posix()) for path in wanted)
    return found


def plain(text: str) -> str:
    """A name as a pattern that matches it: what conf takes for a variable, a home or a brace stands as `?`."""
    return re.sub(r"[$~{}:]", "?", glob.escape(text))
