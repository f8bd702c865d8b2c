"""Processes to be killed: `python nursery.py MODULE` imports a module once and forks a child for each line it is given.

line in:   SECONDS ARGUMENT       the child calls MODULE.build(ARGUMENT) and is killed after so many seconds
line out:  killed | done | failed: ...
"""

import importlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


class Nursery:
    """A context: `kill_after(seconds, argument)` says how the child ended."""

    def __init__(self, module: str):
        path = os.pathsep.join(map(str, (HERE, HERE.parent / "flows", HERE.parents[1])))
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "nursery.py"), module],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()

    def kill_after(self, seconds: float, argument: str) -> str:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{seconds} {argument}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


def serve(module: str) -> None:
    build = importlib.import_module(module).build
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the child prints is no answer
    for line in sys.stdin:
        seconds, _, argument = line.strip().partition(" ")
        child = os.fork()
        if child == 0:
            try:
                build(argument)
                os._exit(0)
            except BaseException as error:  # noqa: BLE001 - told by the status
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
                os._exit(1)
        end = os.pidfd_open(child)
        select.select([end], [], [], float(seconds))
        os.close(end)
        os.kill(child, signal.SIGKILL)  # no error if it ended by itself: nobody has waited for it yet
        _, status = os.waitpid(child, 0)
        word = "killed" if os.WIFSIGNALED(status) else "done" if os.WEXITSTATUS(status) == 0 else "failed"
        print(word, file=out, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
