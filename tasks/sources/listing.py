"""Which files a source has. A source's list is frozen when first read: what appears later is another source's.

The list (path, size, checksum or ETag) is kept in store/files/<source>-<hash of what conf says>.json, and is part of
the fingerprint of what is read from it. `plan` and `status` list files without freezing or reading them.
"""

import json
from pathlib import Path
from typing import Any

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.fingerprint import digest
from tasks.runtime.run import Run
from tasks.runtime.store import write
from tasks.sources.files import expand

SAMPLE = "{sample}/"


def listed(
    run: Run,
    name: str,
    files: str | list[str] | int,
    sample: Artifact | None = None,
    crawl: dict[str, Any] | None = None,
    frozen: bool = True,
) -> dict[str, Any]:
    """Arguments `files` and `inside` of the stages that read files.

    Patterns that begin with {sample}/ are resolved by the stage itself, within the sample's artifact, since that may
    not be built yet. `crawl` holds the keys of a crawl of Common Crawl. Not `frozen`: listed and checksummed at every
    run. Where nothing is built, a list not yet frozen goes by names and sizes alone, and what is missing is only told.

    Raises:
        Mistake: a pattern matches no file, and the run builds.
    """
    patterns = [files] if isinstance(files, str) else files
    if isinstance(patterns, list) and all(pattern.startswith(SAMPLE) for pattern in patterns):
        return {"files": [{"path": pattern.removeprefix(SAMPLE)} for pattern in patterns], "inside": sample}
    spec = {"name": name, "files": patterns, **(crawl or {})}
    place = f"files/{name}-{digest(spec)}.json"
    if frozen and run.store.exists(place):
        listing = json.loads(run.store.read(place))
        _tell_changes(run, name, listing)
    else:
        listing = _expand(run, spec, run.builds, checksums=run.builds or not frozen)
        if frozen and run.builds and not write(run.store, place, json.dumps(listing, indent=1).encode()):
            listing = json.loads(run.store.read(place))  # another run froze it first
    return {"files": listing, "inside": None}


def _expand(run: Run, spec: dict[str, Any], building: bool, checksums: bool) -> list[dict[str, Any]]:
    try:
        memo = run.store if building else None  # `plan` and `status` write nothing, not even what they remember
        return [file.as_dict() for file in expand(spec, Path.cwd(), memo=memo, checksums=checksums)]
    except (Mistake, Failure) as error:
        if building:
            raise
        run.reporter.log(str(error))
        return [{"missing": spec["files"], "size": 0}]


def _tell_changes(run: Run, name: str, files: list[dict[str, Any]]) -> None:
    """Say which local files are no longer what was frozen; ingest itself refuses them where it still has to read."""
    changed = [
        file["path"]
        for file in files
        if "://" not in file["path"]
        and Path(file["path"]).exists()
        and Path(file["path"]).stat().st_size != file["size"]
    ]
    if changed:
        run.reporter.log(
            f"source {name}: {changed[0]}{f' and {len(changed) - 1} more' if changed[1:] else ''} changed since its "
            f"list was frozen; what was read stays as it was. Give the new file a source of its own"
        )
