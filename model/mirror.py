"""A training's checkpoints, copied below the store, so that another machine can go on where this one was lost. Each
training has a mirror of its own.

    MIRROR/step-00000500/   the checkpoint's files, metrics.jsonl up to that step, and last state.json:
                            its presence says that the copy is whole

A copy is removed in the other order: state.json first.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from model import checkpoint
from model.files import objects, told
from model.metrics import ROWS

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
            if checkpoint.STATE not in self._listed().get(folder.name, []):
                files = sorted(path for path in folder.iterdir() if path.name != checkpoint.STATE)
                for path in (*files, metrics, folder / checkpoint.STATE):
                    self._objects.put(f"{self.prefix}/{folder.name}/{path.name}", path)
            listed = self._listed()
            newest = self._whole(listed)[-self.keep :]
            for step in listed.keys() - set(newest):
                for name in sorted(listed[step], key=lambda name: name != checkpoint.STATE):
                    self._objects.delete(f"{self.prefix}/{step}/{name}")

    def bring(self, out: Path) -> bool:
        """Put the newest whole checkpoint and its metrics.jsonl into `out`; False where there is none.

        ValueError where the copy is damaged; Unreachable.
        """
        with told(self.place):
            listed = self._listed()
            if not (whole := self._whole(listed)):
                return False
            folder = out / "checkpoints" / whole[-1]
            aside = checkpoint.aside_of(folder)
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
            for name in listed[folder.name]:
                answer = self._objects.get(f"{self.prefix}/{folder.name}/{name}")
                with (aside / name).open("wb") as file:
                    for chunk in answer.stream(min_chunk_size=8 * 2**20):
                        file.write(chunk)
        if (damaged := checkpoint.damaged(aside)) is not None:
            place = f"{self.place}/{folder.name}"
            raise ValueError(f"{place}/{damaged} is damaged: remove {place}, to resume from the one before it")
        (aside / ROWS).rename(out / ROWS)
        checkpoint.appear(aside, folder)
        return True

    def _listed(self) -> dict[str, list[str]]:
        """The files of each copy, by its name."""
        files: dict[str, list[str]] = {}
        for batch in self._objects.list(self.prefix):
            for entry in batch:
                step, _, name = str(entry["path"]).removeprefix(f"{self.prefix}/").partition("/")
                if step.startswith("step-"):
                    files.setdefault(step, []).append(name)
        return files

    @staticmethod
    def _whole(listed: dict[str, list[str]]) -> list[str]:
        """Names of the copies that are whole, oldest first."""
        return sorted(step for step, files in listed.items() if checkpoint.STATE in files)
