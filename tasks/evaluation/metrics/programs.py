"""Programs that a model wrote, run apart from the machine (cell.py), with limits; a program passes if it comes to its
end, tests and all.

What is kept from it: the network, other processes, all files but Python's library (read-only), the environment. A
program that wilfully searches its own process for how passing is told could still claim to have passed: as in
HumanEval's own harness the tests run in the program's process. What passes by accident (exit before the tests,
printing "passed", exit status 0) does not.

Linux 5.12 or later, as root or where users may have namespaces of their own; elsewhere nothing is run, and it is said.
"""

import inspect
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import NamedTuple

from tasks.evaluation.metrics import cell
from tasks.runtime.errors import Mistake


@dataclass(frozen=True)
class Limits:
    """Of one program. CPU seconds decide, as a busy machine does not change them; seconds end who sleeps."""

    cpu: int = 3  # seconds a process; HumanEval's harness gives 3 seconds in all
    seconds: int = 15  # by the clock
    memory: int = 512 << 20  # bytes of address space a process: 4 GiB with 8 of them
    processes: int = 8  # and threads
    file: int = 16 << 20  # bytes a file
    disk: int = 32 << 20  # bytes of all files, which are in memory


class Outcome(NamedTuple):
    """`why`: passed; the exception's name; timeout; killed by signal N; or that it ended before its tests did."""

    passed: bool
    why: str


def outcomes(programs: Sequence[str], limits: Limits = Limits()) -> list[Outcome]:
    """What becomes of each program; as many at a time as there are cores.

    Raises:
        Mistake: programs cannot be kept apart from this machine.
    """
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(lambda program: outcome(program, limits), programs))


def outcome(program: str, limits: Limits = Limits()) -> Outcome:
    """What becomes of a program.

    Raises:
        Mistake: as `outcomes` does.
    """
    if not sys.platform.startswith("linux"):
        raise Mistake(f"programs are run on Linux alone, which can keep them apart; this is {sys.platform}")
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="millrace-cell-") as place:
        asked = json.dumps({"program": program, "token": token, "place": place, "limits": asdict(limits)})
        # No site-packages, no user's folder, no current folder on the path; sets in the same order every time.
        command = [sys.executable, "-S", "-s", "-P", "-c", inspect.getsource(cell)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
            env={"PYTHONHASHSEED": "0"}, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                out, err = process.communicate(asked.encode(), limits.seconds)
            except subprocess.TimeoutExpired:
                return Outcome(False, "timeout")
            finally:
                # The cell's process 1 is in this session, and all that the program started ends with it.
                _kill_group(process)
    return _read(out, err)


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _read(out: bytes, err: bytes) -> Outcome:
    try:
        said = json.loads(out)
    except ValueError:
        told = err.decode(errors="replace").strip().rpartition("\n")[2]
        raise Mistake(f"a cell for programs ended without an answer ({told or 'no message'})") from None
    if "refused" in said:
        raise Mistake(
            f"programs of a model are not run here, since they could not be kept apart from this machine "
            f"({said['refused']}): run as root, or let users have namespaces (user.max_user_namespaces, in a "
            f"container --security-opt seccomp=unconfined), or leave tasks out whose metric runs programs"
        )
    if said["passed"]:
        return Outcome(True, "passed")
    if said["spent"]:
        return Outcome(False, "timeout")
    if said["signal"]:
        return Outcome(False, f"killed by signal {said['signal']}")
    return Outcome(False, said["said"] or "ended before its tests did")
