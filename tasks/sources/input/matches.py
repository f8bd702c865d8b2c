"""The files of a pattern, each real file once: links to folders are followed, and lead nowhere twice.

`**` walks: every folder below is visited once, known by device and inode, so that links to a folder above, or to one
beside, multiply nothing; of several names the first in sorted order counts. What stands before, between and behind
`**` is Python's glob. Names that begin with a dot are passed over unless the pattern spells the dot.
"""

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

SHAPES_NO_BYTES = True

WALK = re.compile(r"(?:^|(?<=/))(?:\*\*/)*\*\*(?:/|$)")
Real = tuple[int, int]  # device and inode


def match(pattern: str, base: Path) -> list[Path]:
    """Files of a pattern below `base`, sorted, each real file once; a folder stands for the files in it."""
    full_pattern = os.path.join(base, os.path.expanduser(pattern))  # noqa: PTH118, PTH111 (Path would lose `**/`)
    exact = Path(full_pattern)
    if exact.is_file():  # a name may hold what looks like a pattern
        return [exact.absolute()]
    if exact.is_dir():
        full_pattern = os.path.join(glob.escape(full_pattern), "**", "*")  # noqa: PTH118
    else:
        full_pattern = _spelled(full_pattern)
    return [Path(path).absolute() for path in once(sorted(_found(full_pattern)), set())]


def _spelled(pattern: str) -> str:
    """The pattern with the folders that it begins with, and that are there as they are spelled, meant literally:
    a project may lie in `corpora [2024]`."""
    if not glob.has_magic(pattern):
        return pattern
    folder, rest = "", pattern
    while "/" in rest:
        name, slash, after = rest.partition("/")
        if not Path(folder + name + slash).is_dir():
            break
        folder, rest = folder + name + slash, after
    return glob.escape(folder) + rest


def once(paths: Iterable[str], seen: set[Real]) -> Iterator[str]:
    """The regular files among paths, without those whose real file is in `seen`, to which they are added."""
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError:  # a broken link, or gone meanwhile
            continue
        if stat.S_ISREG(status.st_mode) and _new(status, seen):
            yield path


def _new(status: os.stat_result, seen: set[Real]) -> bool:
    real = (status.st_dev, status.st_ino)
    if real in seen:
        return False
    if status.st_ino:  # some mounted file systems number no inodes: there every name is a file
        seen.add(real)
    return True


def _found(pattern: str) -> set[str]:
    """Names that a pattern matches, folders too."""
    first, *rest = WALK.split(pattern)
    if not rest:
        return set(glob.glob(pattern))  # noqa: PTH207
    found = {folder for start in _globbed("", first) for folder in _folders(start)}
    for number, chunk in enumerate(rest):
        last = number + 1 == len(rest)
        matched = {path for folder in found for path in _globbed(folder, chunk or ("*" if last else ""))}
        found = matched if last else {folder for start in matched for folder in _folders(start)}
    return found


def _globbed(folder: str, chunk: str) -> list[str]:
    """What a pattern without `**` matches in a folder; the folder itself for an empty one."""
    place = os.path.join(glob.escape(folder), chunk)  # noqa: PTH118
    return glob.glob(place.rstrip("/") or "/") if chunk else [folder]  # noqa: PTH207


def _folders(start: str) -> list[str]:
    """A folder and all below it, each real one once, links followed; none where `start` is no folder."""
    seen: set[Real] = set()
    waiting, found = [start or "."], []
    while waiting:
        folder = waiting.pop()
        try:
            if not _new(os.stat(folder), seen):  # noqa: PTH116
                continue
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries if not entry.name.startswith(".") and _is_folder(entry)]
        except OSError:  # no folder, or one that may not be read: as glob has it
            continue
        found.append(folder)
        waiting.extend(os.path.join(folder, name) for name in sorted(names, reverse=True))  # noqa: PTH118
    return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
