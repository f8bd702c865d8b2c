"""How far a model's validation loss stands above its training loss, group by group, as it reads them over.

GPT-3 (section 2.2) accepts "a small amount of overfitting" for reading its better sources over: the gap grows with
epochs where a model begins to remember what it reads. `Watch` tells of it while the model is trained.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.runtime.artifact import Artifact
from tasks.tokens.mixture import Mixed

TAIL = 1 << 20  # bytes of a metrics file that are looked at when it is first seen: some thousand rows

Gaps = dict[str, list[list[float]]]  # by group: [epochs, nats a token]


def gaps(rows: list[dict[str, Any]], mixed: Mixed, groups: Mapping[str, str]) -> Gaps:
    """At each update that was validated: epochs of the group so far, and its validation loss less its training loss.

    The training loss is the mean over the updates since the last validation, which read the group's windows once or
    over again; the validation loss weighs the group's sources by the tokens that each holds out. `groups`: of sources.
    """
    found: Gaps = {}
    for group, share in mixed.groups.items():
        members = [source for source in mixed.sources if groups.get(source) == group]
        trained: list[float] = []
        points = []
        for row in rows:
            if row.get(f"loss_{group}") is not None:
                trained.append(row[f"loss_{group}"])
            held_out = {
                source: mixed.sources[source].held_out.tokens
                for source in members
                if row.get(f"validation_{source}") is not None
            }
            if trained and sum(held_out.values()) and share.held:
                validation = sum(row[f"validation_{source}"] * tokens for source, tokens in held_out.items())
                gap = validation / sum(held_out.values()) - sum(trained) / len(trained)
                points.append([round(row["tokens"] * share.weight / share.held, 6), round(gap, 6)])
                trained = []
        if points:
            found[group] = points
    return found


def groups_of(mixture: Artifact) -> dict[str, str]:
    """Each source's group, of a built mixture."""
    return dict(mixture.manifest["parameters"]["groups"])


class Watch:
    """A metrics file that grows, looked at now and then; only what is new in it is read."""

    def __init__(self, path: Path, mixed: Mixed, groups: Mapping[str, str]) -> None:
        self._path, self._mixed, self._groups = path, mixed, groups
        self._read: int | None = None  # bytes; None: not yet looked at
        self._since: list[dict[str, Any]] = []  # rows since the last validation

    def told(self) -> str | None:
        """The sentence on the last validation that was written since the last look; None where there was none."""
        said = None
        for row in self._new():
            self._since.append(row)
            if any(key.startswith("validation_") for key in row):
                found = {group: points[-1] for group, points in gaps(self._since, self._mixed, self._groups).items()}
                self._since = []
                if found:
                    each = (f"{group} {gap:+.3f} (epoch {epochs:.2f})" for group, (epochs, gap) in found.items())
                    said = f"step {row['step']:,}, validation less training loss: {', '.join(each)}"
        return said

    def _new(self) -> Iterator[dict[str, Any]]:
        """The whole lines that are new; all anew where the file was cut, by a training that went back."""
        if not self._path.exists():
            return
        size = self._path.stat().st_size
        if self._read is None:
            self._read = max(0, size - TAIL)
            whole = self._read == 0  # else it begins within a line, which is left out
        else:
            whole = True
            if size < self._read:
                self._read, self._since = 0, []
        with self._path.open("rb") as file:
            file.seek(self._read)
            lines = file.read().split(b"\n")
        self._read += sum(len(line) + 1 for line in lines[:-1])
        yield from map(json.loads, lines[:-1] if whole else lines[1:-1])
