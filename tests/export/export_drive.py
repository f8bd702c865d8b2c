"""`export_drive.py CONF FOLDER N...`: exports that are killed, each in a process of its own, before their n-th write.

Each goes on in another process, which is not. A line of JSON for each N: how the first ended (`status`), the finished
files that it left (`there`, by inode) and those in the end (`after`).
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

import exported  # noqa: E402

from tasks.runtime.local_store import LocalStore  # noqa: E402

HOW: dict[str, Any] = {"size": "12kB", "sources": ["web"]}


def killed_before(number: int, publish: Callable[..., bool]) -> Callable[..., bool]:
    count = 0

    def counted(self: LocalStore, name: str, path: Path, replace: bool = False) -> bool:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return publish(self, name, path, replace)

    return counted


def ended(work: Callable[[], None]) -> int:
    """How a child that does this ended, as subprocess says it."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def inodes(out: Path) -> dict[str, int]:
    """Of the files of rows that have notes, or a manifest that names them: those are finished."""
    noted = {path.name.removesuffix(".json") for path in out.glob(".export/data.*.json")}
    files = out.glob("data/*/*")
    whole = (out / "millrace.json").exists()
    return {
        path.name: path.stat().st_ino
        for path in files
        if whole or path.relative_to(out).as_posix().replace("/", ".") in noted
    }


def main(conf: Path, folder: Path, numbers: list[int]) -> None:
    for number in numbers:
        out = folder / str(number)

        def first(number: int = number, out: Path = out) -> None:
            LocalStore.publish = killed_before(number, LocalStore.publish)  # type: ignore[method-assign]
            exported.leave(conf, out, **HOW)

        def then(out: Path = out) -> None:
            exported.leave(conf, out, **HOW)

        status = ended(first)
        there = inodes(out)
        assert ended(then) == 0
        print(json.dumps({"number": number, "status": status, "there": there, "after": inodes(out)}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), list(map(int, sys.argv[3:])))
