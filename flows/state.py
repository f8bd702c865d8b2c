"""What is built of an artifact, and why the rest is not: the newest artifact of the same stage and name, compared."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tasks.runtime.artifact import MANIFEST, Artifact, is_main
from tasks.runtime.job import PARTS
from tasks.runtime.store import Store


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


def state(artifact: Artifact, past: "Past") -> State:
    """How far an artifact is, and why it is not there."""
    if artifact.built:
        return State("done", "", 0, None, sum(row.bytes for row in artifact.files().values()))
    why = reason(artifact, past)
    entries = list(artifact.store.list(artifact.label))
    if not entries:
        return State("to do", why, 0, None, 0)
    names = [entry.name.removeprefix(f"{artifact.label}/") for entry in entries]
    done = sum(is_main(name) for name in names)
    return State("partial", why, done, _shards(artifact), sum(entry.bytes for entry in entries))


def _shards(artifact: Artifact) -> int | None:
    try:
        return int(json.loads(artifact.store.read(artifact.name_of(PARTS)))["shards"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the stage has not counted its shards, or does not work by shards


class Past:
    """The artifacts that are built in a store, found once: the newest of a stage and name is what one compares with."""

    def __init__(self, store: Store):
        self.store = store
        self._stages: dict[str, list[tuple[float, str]]] = {}  # (when built, label), newest first
        self._manifests: dict[str, dict[str, Any] | None] = {}

    def earlier(self, artifact: Artifact) -> dict[str, Any] | None:
        """The manifest of the newest other artifact of this stage and name that is built, with its `label`."""
        return next(self.named(artifact), None)

    def named(self, artifact: Artifact) -> Iterator[dict[str, Any]]:
        """Manifests, with `label`, of the other artifacts of this stage and name, the newest first."""
        yield from self._others(artifact, lambda name: name == artifact.name)

    def all_of(self, artifact: Artifact) -> Iterator[dict[str, Any]]:
        """Manifests, with `label`, of the other artifacts of this stage: of its name first, and the newest first."""
        yield from self.named(artifact)
        yield from self._others(artifact, lambda name: name != artifact.name)

    def _others(self, artifact: Artifact, wanted: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
        if artifact.stage not in self._stages:
            labels = [
                (entry.modified, entry.name.removesuffix(f"/{MANIFEST}"))
                for entry in self.store.list(artifact.stage)
                if entry.name.endswith(f"/{MANIFEST}")
            ]
            self._stages[artifact.stage] = sorted(labels, reverse=True)
        for _, label in self._stages[artifact.stage]:
            name = label.rpartition("-")[0].removeprefix(f"{artifact.stage}/")
            if label != artifact.label and wanted(name) and (manifest := self._manifest(label)):
                yield {**manifest, "label": label}

    def _manifest(self, label: str) -> dict[str, Any] | None:
        if label not in self._manifests:
            try:
                manifest = json.loads(self.store.read(f"{label}/{MANIFEST}"))
                self._manifests[label] = manifest if isinstance(manifest, dict) and "fingerprint" in manifest else None
            except (OSError, ValueError):
                self._manifests[label] = None  # damaged; `verify` is who tells of it
        return self._manifests[label]


def reason(artifact: Artifact, past: Past) -> str:
    """Why an artifact is not there though another of its stage and name may be."""
    before = past.earlier(artifact)
    if before is None:
        return "never built"
    return "; ".join(differences(before, artifact.recipe)) or "deleted"


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What two recipes differ in, a phrase each: parameters, inputs, libraries, code, format."""
    phrases = []
    before, after = flat(old.get("parameters", {})), flat(new.get("parameters", {}))
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            phrases.append(f"parameter {key} {_short(before, key)} -> {_short(after, key)}")
    if len(phrases) > 4:
        phrases = [*phrases[:3], f"{len(phrases) - 3} more parameters"]
    before, after = old.get("inputs", {}), new.get("inputs", {})
    if changed := [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]:
        phrases.append(f"input{'s' * (len(changed) > 1)} {', '.join(changed)} changed")
    before, after = old.get("libraries", {}), new.get("libraries", {})
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            phrases.append(f"library {key} {before.get(key, 'none')} -> {after.get(key, 'none')}")
    before, after = old.get("code", {}), new.get("code", {})
    if before != after:
        comparable = isinstance(before, dict) and isinstance(after, dict)
        names = sorted({*before, *after}) if comparable else []
        changed = [name for name in names if before.get(name) != after.get(name)]
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        phrases.append(f"code of {', '.join(changed[:3])}{more} changed" if changed else "code changed")
    if old.get("format") != new.get("format"):
        phrases.append(f"format {old.get('format')} -> {new.get('format')}")
    return phrases


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
