"""A training's checkpoints, copied below the store, so that another machine can go on where this one was lost. Each
training has a mirror of its own.

    MIRROR/step-00000500/   the checkpoint's files, metrics.jsonl up to that step, and last state.json:
                            its presence says that the copy is whole
    MIRROR/snapshots/       the snapshots so far, each once

A copy is removed in the other order: state.json first.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from model import checkpoint
from model.files import objects, told
from model.metrics import ROWS, MetricsDamaged, rows

if TYPE_CHECKING:
    from obstore.store import ObjectStore


class Mirror:
    """`store`: a folder or URL; `prefix`: below it; `keep`: checkpoints held there."""

    def __init__(self, store: str, prefix: str, keep: int) -> None:
        self.place, self.prefix, self.keep = f"{store.rstrip('/')}/{prefix}", prefix, keep
        self._objects: ObjectStore = objects(store)

    def push(self, folder: Path, metrics: Path) -> None:
        """Copy a checkpoint just written, and metrics.jsonl, which must end at its step.

        A copy that is whole stays as it is. Then all but the newest `keep` go, and what was left of copies that never
        became whole. Unreachable.
        """
        with told(self.place):
            listed = self._listed()
            for path in sorted((folder.parent.parent / checkpoint.SNAPSHOTS).glob("step-*")):
                if path.name not in listed.get(checkpoint.SNAPSHOTS, []):
                    self._objects.put(f"{self.prefix}/{checkpoint.SNAPSHOTS}/{path.name}", path)
            if checkpoint.STATE not in listed.get(folder.name, []):
                files = sorted(path for path in folder.iterdir() if path.name != checkpoint.STATE)
                for path in (*files, metrics, folder / checkpoint.STATE):
                    self._objects.put(f"{self.prefix}/{folder.name}/{path.name}", path)
            listed = self._listed()
            newest = self._whole(listed)[-self.keep :]
            for step in listed.keys() - {*newest, checkpoint.SNAPSHOTS}:
                self._remove(step, listed[step])

    def forget(self, step: int) -> None:
        """Remove the copies of checkpoints, and of snapshots, that had made this step. Unreachable."""
        with told(self.place):
            listed = self._listed()
            for folder in listed.keys() - {checkpoint.SNAPSHOTS}:
                if folder >= checkpoint.name_of(step):
                    self._remove(folder, listed[folder])
            late = [name for name in listed.get(checkpoint.SNAPSHOTS, []) if name >= checkpoint.name_of(step)]
            self._remove(checkpoint.SNAPSHOTS, late)

    def _remove(self, folder: str, names: list[str]) -> None:
        for name in sorted(names, key=lambda name: name != checkpoint.STATE):
            self._objects.delete(f"{self.prefix}/{folder}/{name}")

    def bring(self, out: Path, after: str, say: Callable[[str], None]) -> bool:
        """Put the newest copy that is whole, and newer than the checkpoint of this name, with its metrics.jsonl and
        snapshots into `out`; False where there is none.

        A damaged copy is told, and the one before it taken; it is removed once it is known that another checkpoint is
        whole. ValueError where there are only damaged ones; Unreachable.
        """
        with told(self.place):
            listed = self._listed()
        newer = [name for name in self._whole(listed) if name > after]
        damaged: list[str] = []
        found = False
        for name in reversed(newer):
            folder = out / "checkpoints" / name
            aside = checkpoint.aside_of(folder)
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
            try:
                with told(self.place):
                    self._copy(name, listed, out, aside)
                state = checkpoint.state_of(aside)
                rows(aside / ROWS, state["step"], state["metrics_sha256"])
            except (checkpoint.Damaged, MetricsDamaged) as error:
                say(f"the copy {self.place}/{name} is not whole: {error}; looking at the one before it")
                shutil.rmtree(aside)
                damaged.append(name)
            else:
                (aside / ROWS).rename(out / ROWS)
                checkpoint.appear(aside, folder)
                found = True
                break
        if damaged and not found and not after:
            raise ValueError(f"no copy in {self.place} is whole: remove them to train from the beginning")
        with told(self.place):
            for name in damaged:
                self._remove(name, listed[name])
        return found

    def _copy(self, name: str, listed: dict[str, list[str]], out: Path, aside: Path) -> None:
        """A copy's files into `aside`, and its snapshots into `out`."""
        for file in listed[name]:
            self._get(f"{name}/{file}", aside / file)
        snapshots = out / checkpoint.SNAPSHOTS
        snapshots.mkdir(exist_ok=True)
        for file in listed.get(checkpoint.SNAPSHOTS, []):
            if file <= f"{name}.safetensors":
                self._get(f"{checkpoint.SNAPSHOTS}/{file}", snapshots / file)

    def _get(self, name: str, path: Path) -> None:
        answer = self._objects.get(f"{self.prefix}/{name}")
        with path.open("wb") as file:
            for chunk in answer.stream(min_chunk_size=8 * 2**20):
                file.write(chunk)

    def _listed(self) -> dict[str, list[str]]:
        """The files of each copy, by its name."""
        files: dict[str, list[str]] = {}
        for batch in self._objects.list(self.prefix):
            for entry in batch:
                step, _, name = str(entry["path"]).removeprefix(f"{self.prefix}/").partition("/")
                if step.startswith("step-") or step == checkpoint.SNAPSHOTS:
                    files.setdefault(step, []).append(name)
        return files

    @staticmethod
    def _whole(listed: dict[str, list[str]]) -> list[str]:
        """Names of the copies that are whole, oldest first."""
        return sorted(step for step, files in listed.items() if checkpoint.STATE in files)
