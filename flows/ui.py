"""`millrace ui`: Prefect's server, a process pool, the deployments of prefect.yaml and a worker, all on loopback.

Server and worker are children that are started again when they end (supervise.py); runs survive the server's death, and
end with their worker (orphan.py, lost.py). Beside a server that is there already (`--server`) it is the worker and the
deployments alone.

Runs that the worker starts work in the folder where `millrace ui` was started, as `millrace run` there would: the path
of a pipeline means the same in both, and so do the paths in one that Millrace brings along.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from flows import auth, database, found, lost, server
from flows.home import answers, home, make_home, settings, state_file, ui_server
from flows.logs import Log
from flows.pool import POOL, make_automation, make_pool
from flows.supervise import Kept
from tasks.runtime.errors import Failure, Mistake

DEPLOY_SECONDS = 600  # 3 s; a minute or two where kernels are compiled first, with other work beside
CANCEL_SECONDS = 20  # a worker takes about 6 s to cancel a run
QUIET = 60.0  # seconds after a restart of the server in which a worker's complaints of its absence arrive


def serve(port: int, password: bool, console: Console) -> None:
    """Start all, say where, wait for Ctrl-C or SIGTERM, and end all.

    `password`: the server asks for the user and password of auth.py.

    Raises:
        Mistake: the port is taken, or a UI of this user is up already; the database's URL or the password is none.
        Failure: the server or the worker does not start, or ends again and again.
    """
    server.check_port(port)
    _require_alone()
    url = server.api(port)
    _tell_of_another(console, url)
    environment = server.environment()
    secret = None
    if password:
        secret, made = auth.pair()
        environment["PREFECT_SERVER_API_AUTH_STRING"] = os.environ[found.AUTH] = secret
        _tell_of_password(console, secret, made)
    # A worker's flow runs inherit this environment; nothing of a recording that is going on elsewhere may stay in it.
    os.environ.update({**settings(), "PREFECT_API_URL": url})
    make_home()
    tell = _teller(console)
    log = Log(server.server_log(), lambda error: tell(f"an error in {server.server_log()}:\n{error}"), _secrets(secret))
    kept = Kept("Prefect's server", server.command(port), environment, log, tell)
    try:
        with console.status("starting Prefect's server (the first time takes half a minute)"):
            import prefect  # noqa: F401  while the server comes up

            server.wait_until_up(url, kept.process)
            _prepare()
            _settled(tell)
        _work(url, secret, kept, console, tell)
    finally:
        kept.stop()
        _tell_repeated(log, tell)


def serve_beside(url: str, console: Console) -> None:
    """A worker and the deployments for a server that is there already; else as `serve`.

    Raises:
        Mistake: no server answers there, or it wants a password; a UI of this user is up already.
        Failure: the worker does not start, or ends again and again.
    """
    url = url.rstrip("/")
    if not url.endswith("/api") and answers(f"{url}/api"):
        url += "/api"
    if not answers(url, 5):
        raise Mistake(f"no Prefect server answers at {found.public(url)}; its API's address ends in /api")
    _require_alone()
    found.require_entry(url)
    os.environ["PREFECT_API_URL"] = url
    os.environ.setdefault(found.HEARTBEAT, settings()[found.HEARTBEAT])
    make_home()
    with console.status("making the deployments"):
        _prepare()
    _work(url, os.environ.get(found.AUTH), None, console, _teller(console))


def _work(url: str, secret: str | None, kept: Kept | None, console: Console, tell: Callable[[str], None]) -> None:
    """A worker beside a server, `kept` or another's, until Ctrl-C, SIGTERM or a Failure."""
    from httpx import HTTPError

    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]

    def heard(error: str) -> None:
        if kept is None or not kept.shaken(QUIET):  # else it says at length what we have told: the server is not there
            tell(f"an error in {_worker_log()}:\n{error}")

    log = Log(_worker_log(), heard, _secrets(secret), runs=True)
    worker = Kept("the worker", command, {"PREFECT_LOGGING_COLORS": "false"}, log, tell)

    def may_start() -> bool:
        """A worker's successor: not before the server answers, and what its predecessor left is ended and noted."""
        return answers(url) and (kept is None or _settled(tell))

    with _announced(url, secret, kept is not None):
        try:
            shown = found.public(url)
            console.print(f"Prefect: {shown.removesuffix('/api')}", highlight=False, soft_wrap=True)
            console.print("Start a flow there, or: prefect deployment run crawl-to-model/demo", highlight=False)
            console.print(f"(in another shell: export PREFECT_API_URL={shown}). Ctrl-C ends all.", highlight=False)
            starting = False  # the server again, which does not answer yet
            while True:
                if kept is not None:
                    starting = kept.look() == "started" or starting
                    if starting and kept.alive and answers(url):
                        starting = False
                        tell(f"{kept.name} is up again (process {kept.process.pid})")
                if worker.look(may_start) == "started":
                    tell(f"the worker is started again (process {worker.process.pid})")
                time.sleep(0.5)
        finally:
            try:
                if worker.alive and (kept is None or kept.alive):
                    _cancel_runs(console, worker.process.pid, alone=kept is not None)
            except HTTPError as error:
                tell(f"runs could not be cancelled ({type(error).__name__}: {error}); they end with the worker")
            finally:
                worker.stop(CANCEL_SECONDS)
                _tell_repeated(log, tell)


def _settled(tell: Callable[[str], None]) -> bool:
    """Whether what was lost is noted; a server that is busy, or just gone again, is asked again later."""
    from httpx import HTTPError
    from prefect import get_client

    from flows import leftovers  # imports Prefect

    try:
        lost.settle(tell)
        with get_client(sync_client=True) as client:
            leftovers.settle(client)
    except HTTPError as error:
        tell(f"what was lost could not be noted in Prefect yet ({type(error).__name__}: {error})")
        return False
    return True


def _require_alone() -> None:
    if up := ui_server():
        raise Mistake(f"your `millrace ui` is up already, at {up.removesuffix('/api')}; use that one, or end it first")


def _tell_of_another(console: Console, ours: str) -> None:
    """A server that the user has already may be the one that was meant."""
    asked = os.environ.get("PREFECT_API_URL")
    url = asked or found.of_profile()
    if url and not found.same(url, ours) and answers(url):
        who = "PREFECT_API_URL names" if asked else "your Prefect profile names"
        shown = found.public(url)
        console.print(
            f"{who} the server {shown}, which is up. This is another one, of its own; a worker and the deployments for "
            f"that one: millrace ui --server {shown}",
            highlight=False,
            soft_wrap=True,
        )


def _tell_of_password(console: Console, secret: str, made: bool) -> None:
    where = "of " + (auth.VARIABLE if os.environ.get(auth.VARIABLE) else str(auth.auth_file()))
    console.print(f"The server asks for the user and password {where}.", highlight=False, soft_wrap=True)
    if made and console.is_terminal:  # once, and never into a file
        console.print(f"They were made now: {secret}", highlight=False, soft_wrap=True, markup=False)


def _teller(console: Console) -> Callable[[str], None]:
    def tell(text: str) -> None:
        console.print(f"{time.strftime('%H:%M:%S')} {text}", highlight=False, soft_wrap=True, markup=False)

    return tell


def _tell_repeated(log: Log, tell: Callable[[str], None]) -> None:
    for kind, times in log.again().items():
        tell(f"{times} more times in {log.path}: {kind}")


def _secrets(password: str | None) -> list[str]:
    """What no log may hold."""
    return [*database.secrets(), *([password, password.partition(":")[2]] if password else [])]


def _prepare() -> None:
    """Pool, automation and deployments; all of them may be there from an earlier time."""
    from prefect import get_client

    with get_client(sync_client=True) as client:
        make_pool(client)
    make_automation()
    log = home() / "deploy.log"
    log.unlink(missing_ok=True)
    deploy = server.child([sys.executable, "-m", "flows.deployments"], {}, log)
    try:
        status = deploy.wait(DEPLOY_SECONDS)
    except subprocess.TimeoutExpired:
        raise Failure(f"the deployments were not made within {DEPLOY_SECONDS} s; see {log}") from None
    finally:
        server.stop(deploy)
    if status:
        raise Failure(f"the deployments were refused; see {log}")


def _worker_log() -> Path:
    return home() / "worker.log"


@contextmanager
def _announced(url: str, secret: str | None, ours: bool) -> Iterator[None]:
    """ui.json, by which `millrace run` finds the server."""
    auth.write_private(state_file(), json.dumps({"url": url, "pid": os.getpid(), "auth": secret, "ours": ours}))
    try:
        yield
    finally:
        state_file().unlink(missing_ok=True)


def _cancel_runs(console: Console, worker: int, alone: bool) -> None:
    """Cancel what our worker runs, and wait: a worker that is stopped leaves its runs Running for ever.

    `alone`: the server is ours, so that the whole pool is; else other workers may have runs there.
    """
    from prefect import get_client
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.states import Cancelling

    def ours(client: SyncPrefectClient, *states: str) -> list[Any]:
        return [run for run in lost.unfinished(client, *states) if alone or lost.parent_of(run) == worker]

    with get_client(sync_client=True) as client:
        for run in ours(client, "RUNNING", "PENDING"):
            console.print(f"cancelling {run.name}", highlight=False, markup=False)
            client.set_flow_run_state(run.id, Cancelling())
        limit = time.monotonic() + CANCEL_SECONDS
        while ours(client, *lost.UNFINISHED) and time.monotonic() < limit:
            time.sleep(0.3)
