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

from flows.home import answers, home, make_home, settings
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


def child(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen:
    """Start a process in a session of its own (Ctrl-C is ours to pass on) that gets SIGTERM when we die.

    Call it from the main thread: the kernel watches the thread that made the child, not the process.
    """

    def prepare() -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            preexec_fn=prepare,
        )


def stop(process: subprocess.Popen, seconds: float = 10) -> None:
    """SIGTERM, and SIGKILL for one that does not heed it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


@contextmanager
def server(port: int, extra: dict[str, str] | None = None) -> Iterator[tuple[str, subprocess.Popen]]:
    """A server on 127.0.0.1, perhaps not ready yet (`wait_until_up`): its API's address and its process."""
    make_home()
    command = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error", "--lifespan", "on"]
    # A wait of the server for its clients' open sockets would delay our own end.
    command += ["--timeout-graceful-shutdown", "2"]
    environment = {**settings(), "PREFECT__SERVER_FINAL": "1", **(extra or {})}
    process = child(command, environment, server_log())
    try:
        yield f"http://127.0.0.1:{port}/api", process
    finally:
        stop(process)


def server_log() -> Path:
    return home() / "server.log"


def wait_until_up(url: str, process: subprocess.Popen) -> None:
    """Raises Failure when the server ends or does not answer in time; its log says why."""
    limit = time.monotonic() + START_SECONDS
    while not answers(url):
        if process.poll() is not None:
            raise Failure(f"Prefect's server ended with status {process.returncode} as it started; see {server_log()}")
        if time.monotonic() > limit:
            raise Failure(f"Prefect's server did not answer within {START_SECONDS} s; see {server_log()}")
        time.sleep(0.05)
