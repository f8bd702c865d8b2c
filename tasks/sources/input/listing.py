"""Which files a source has. A source's list is frozen when first read: what appears later is another source's.

The list (path, size, checksum or ETag) is kept in store/files/<source>-<hash of what conf says>.json, and is part of
the fingerprint of what is read from it. `plan` and `status` list files without freezing or reading them.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.fingerprint import digest
from tasks.runtime.run import Run
from tasks.runtime.store import write
from tasks.sources.input.files import REMEDY, changes, expand
from tasks.sources.remote.manners import Manners

SHAPES_NO_BYTES = True

SAMPLE = "{sample}/"
TOLD = 3  # files named in a sentence; of more, their number


def listed(
    run: Run,
    name: str,
    files: str | list[str] | int,
    sample: Artifact | None = None,
    crawl: dict[str, Any] | None = None,
    frozen: bool = True,
    manners: Manners | None = None,
) -> dict[str, Any]:
    """Arguments `files` and `inside` of the stages that read files.

    Patterns that begin with {sample}/ are resolved by the stage itself, within the sample's artifact, since that may
    not be built yet. `crawl` holds the keys of a crawl of Common Crawl; `manners` say how servers are asked. Not
    `frozen`: listed and checksummed at every run. Where nothing is built, a list not yet frozen goes by names and sizes
    alone, of remote files by names, and what is missing is only told (so too where a run builds only what reads
    others); a crawl, whose names a server would have to tell, is `missing` until a run has listed it.

    Raises:
        Mistake: a pattern matches no file, and the run builds.
    """
    patterns = [files] if isinstance(files, str) else files
    if isinstance(patterns, list) and all(pattern.startswith(SAMPLE) for pattern in patterns):
        return {"files": [{"path": pattern.removeprefix(SAMPLE)} for pattern in patterns], "inside": sample}
    spec = {"name": name, "files": patterns, **(crawl or {})}
    place = f"files/{name}-{digest(spec)}.json"
    builds = run.wants_list(place)
    if frozen and run.store.exists(place):
        listing = _read(run, place)
        _tell_changes(run, spec, listing)
    else:
        listing = _expand(run, spec, builds, checksums=builds or not frozen, manners=manners)
        if frozen and builds and not write(run.store, place, json.dumps(listing, indent=1).encode()):
            listing = _read(run, place)  # another run froze it first
        if frozen and not builds:
            listing = _moved(run, name, listing)
    run.lists[place] = listing
    return {"files": listing, "inside": None}


def _expand(
    run: Run, spec: dict[str, Any], building: bool, checksums: bool, manners: Manners | None
) -> list[dict[str, Any]]:
    manners = manners or Manners()
    if not building and spec.get("crawl"):
        return [{"missing": spec["files"], "crawl": spec["crawl"], "size": 0}]
    try:
        memo = run.store if building else None  # `plan` and `status` write nothing, not even what they remember
        how = manners if building else replace(manners, hurried=True)
        files = expand(spec, Path.cwd(), memo=memo, checksums=checksums, manners=how)
        return [file.as_dict() for file in files]
    except (Mistake, Failure) as error:
        if building:
            raise
        run.reporter.log(str(error))
        return [{"missing": spec["files"], "size": 0}]


def _moved(run: Run, name: str, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The files, not yet read where they lie now, with the checksums of a list of the same names and sizes: of a folder
    that was moved with its store. `plan` and `status` take them for the same, a run reads them and sees."""
    if any("missing" in file for file in files):  # it has no names to be known by
        return files
    now = _names(files)
    for entry in sorted(run.store.list("files"), key=lambda entry: entry.modified, reverse=True):
        if re.fullmatch(rf"files/{re.escape(name)}-[0-9a-f]{{16}}\.json", entry.name):
            listed = _read(run, entry.name)
            if _names(listed) == now:
                return [
                    {**file, **{key: was[key] for key in ("sha256", "etag") if key in was}}
                    for file, was in zip(files, listed, strict=True)
                ]
    return files


def _names(files: list[dict[str, Any]]) -> list[tuple[Any, Any]]:
    return [(file.get("name"), file.get("size")) for file in files]


def _read(run: Run, place: str) -> list[dict[str, Any]]:
    """A frozen list.

    Raises:
        Failure: it is not as it was written.
    """
    try:
        files = json.loads(run.store.read(place))
        if not isinstance(files, list) or not all(isinstance(file, dict) and "path" in file for file in files):
            raise ValueError
    except ValueError:
        raise Failure(
            f"{run.store.where(place)} is damaged: it is no list of files as it was written; delete it, and the files "
            f"are listed anew (what was read of them is found if they are the same)"
        ) from None
    return files


def _tell_changes(run: Run, spec: dict[str, Any], files: list[dict[str, Any]]) -> None:
    """Say which local files are no longer what was frozen, or are not in the list; ingest reads neither."""
    for what, paths in changes(files, spec, Path.cwd()):
        named = ", ".join(paths[:TOLD]) + (f" and {len(paths) - TOLD} more" if len(paths) > TOLD else "")
        if what == "changed":
            told = f"{named} changed since the list was frozen; what was read stays as it was. {REMEDY.capitalize()}"
        else:
            told = f"new since the list was frozen, and not read: {named}; to read more, add a source"
        run.reporter.log(f"source {spec['name']}: {told}")
