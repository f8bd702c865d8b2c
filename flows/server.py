"""A Prefect server of our own, on loopback, as a child process that does not outlive its parent.

Prefect's own temporary server is left orphaned by a kill, and can only be started after Prefect has been imported;
this one starts while we import it.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows import database
from flows.home import SECRETS, answers, home, make_home, settings
from flows.logs import LIMIT
from tasks.runtime.errors import Failure, Mistake

PR_SET_PDEATHSIG = 1
START_SECONDS = 90  # an empty home takes 10 to 30 s on two cores: the database is made
# The parts of a server that a temporary one does not need: nothing is scheduled, nobody looks at it.
TEMPORARY = {
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_SERVER_API_BLOCKS_REGISTER_ON_START": "false",
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
}


def last_lines(log: Path, count: int = 15) -> list[str]:
    """Of a file that may not be there."""
    try:
        return log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check_port(port: int) -> None:
    """Raises Mistake where another program listens already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise Mistake(
                f"port {port} cannot be used ({getattr(error, 'strerror', None) or error}); give another with --port"
            ) from None


def child(command: list[str], environment: dict[str, str], log: Path | None) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own (Ctrl-C is ours to pass on) that does not outlive us.

    What it says goes to the end of the file `log`, else into a pipe of ours: then it gets SIGKILL when we die, in place
    of SIGTERM, since a worker of Prefect hangs for ever as it shuts down with nobody at the other end. Call it from the
    main thread: the kernel watches the thread that made the child, not the process.
    """

    def prepare() -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL if log is None else signal.SIGTERM)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def start(out: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env={key: value for key, value in os.environ.items() if key not in SECRETS} | environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=prepare,
        )

    if log is None:
        return start(subprocess.PIPE)
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LIMIT:
        log.replace(log.with_name(log.name + ".1"))
    with log.open("ab") as file:
        return start(file)


def stop(process: subprocess.Popen[bytes], seconds: float = 10) -> None:
    """SIGTERM, and SIGKILL for one that does not heed it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def command(port: int) -> list[str]:
    """Of a server on 127.0.0.1."""
    made = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
    made += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error", "--lifespan", "on"]
    # A wait of the server for its clients' open sockets would delay our own end.
    return [*made, "--timeout-graceful-shutdown", "2"]


def environment() -> dict[str, str]:
    """Of a server: Prefect's settings, and the database if it is not the file in Prefect's home."""
    return {**settings(), "PREFECT__SERVER_FINAL": "1", **database.settings()}


@contextmanager
def server(port: int, extra: dict[str, str] | None = None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server for the length of a run, perhaps not ready yet (`wait_until_up`): its API's address and its process."""
    make_home()
    process = child(command(port), environment() | (extra or {}), server_log())
    try:
        yield api(port), process
    finally:
        stop(process)


def api(port: int) -> str:
    return f"http://127.0.0.1:{port}/api"


def server_log() -> Path:
    return home() / "server.log"


def wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    """Raises Failure when the server ends or does not answer in time, with the last lines of its log."""
    limit = time.monotonic() + START_SECONDS
    while not answers(url):
        if process.poll() is not None:
            time.sleep(0.2)  # its last lines may be on their way into the log
            raise Failure(
                f"Prefect's server ended with status {process.returncode} as it started; {server_log()} ends with\n"
                + "\n".join(f"    {line}" for line in last_lines(server_log()))
            )
        if time.monotonic() > limit:
            raise Failure(f"Prefect's server did not answer within {START_SECONDS} s; see {server_log()}")
        time.sleep(0.05)
