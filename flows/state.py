"""What is built of an artifact, and why the rest is not: the newest artifact of the same stage and name, compared."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.runtime.store import FILES, MANIFEST, Artifact


@dataclass(frozen=True)
class State:
    """An artifact as it lies on disk."""

    word: str  # done, partial, to do
    why: str  # "" where done
    done: int  # finished shards, where the stage works by shards
    total: int | None  # None: not known, or not by shards
    bytes: int  # of its files, unfinished ones included

    @property
    def built(self) -> bool:
        return self.word == "done"


def state(artifact: Artifact, root: Path) -> State:
    if artifact.built:
        size = sum(row["bytes"] for row in artifact.files())
        return State("done", "", 0, None, size)
    why = reason(artifact, root)
    if not artifact.folder.is_dir():
        return State("to do", why, 0, None, 0)
    done = len([path for path in artifact.folder.glob("*.parquet") if path.name.count(".") == 1 and path.name != FILES])
    size = sum(path.stat().st_size for path in artifact.folder.rglob("*") if path.is_file())
    return State("partial", why, done, _shards(artifact.folder), size)


def _shards(folder: Path) -> int | None:
    try:
        return json.loads((folder / "run.parts.json").read_bytes())["shards"]
    except (OSError, ValueError, KeyError):
        return None  # the stage has not counted its shards, or does not work by shards


def earlier(artifact: Artifact, root: Path, any_name: bool = False) -> dict[str, Any] | None:
    """The manifest of the newest other artifact of this stage and name that is built, with its `folder`."""
    name = r".+" if any_name else re.escape(artifact.name)
    pattern = re.compile(rf"{name}-[0-9a-f]{{16}}")
    found = [
        path
        for path in (root / artifact.stage).glob(f"*/{MANIFEST}")
        if pattern.fullmatch(path.parent.name) and path.parent != artifact.folder
    ]
    for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            return {**json.loads(path.read_bytes()), "folder": path.parent}
        except ValueError:
            continue  # damaged; `verify` is who tells of it
    return None


def reason(artifact: Artifact, root: Path) -> str:
    """Why an artifact is not there though another of its stage and name may be."""
    before = earlier(artifact, root)
    if before is None:
        return "never built"
    return "; ".join(differences(before, artifact.recipe)) or "deleted"


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What two recipes differ in, a phrase each: parameters, inputs, libraries, code, format."""
    found = []
    before, after = flat(old.get("parameters", {})), flat(new.get("parameters", {}))
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            found.append(f"parameter {key} {_short(before, key)} -> {_short(after, key)}")
    if len(found) > 4:
        found = [*found[:3], f"{len(found) - 3} more parameters"]
    before, after = old.get("inputs", {}), new.get("inputs", {})
    if changed := [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]:
        found.append(f"input{'s' * (len(changed) > 1)} {', '.join(changed)} changed")
    before, after = old.get("libraries", {}), new.get("libraries", {})
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            found.append(f"library {key} {before.get(key, 'none')} -> {after.get(key, 'none')}")
    if old.get("code") != new.get("code"):
        found.append("code changed")
    if old.get("format") != new.get("format"):
        found.append(f"format {old.get('format')} -> {new.get('format')}")
    return found


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, keys joined by dots; lists stay whole."""
    if not isinstance(value, dict) or not value:
        return {prefix: value} if prefix else {}
    rows: dict[str, Any] = {}
    for key, item in value.items():
        rows.update(flat(item, f"{prefix}.{key}" if prefix else str(key)))
    return rows


def _short(values: dict[str, Any], key: str) -> str:
    if key not in values:
        return "none"
    value = values[key]
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= 40:
        return text.strip('"')
    return f"[{len(value)} items]" if isinstance(value, list) else text[:37] + "..."
