"""`millrace ui`: Prefect's server, a process pool, the deployments of prefect.yaml and a worker, all on loopback.

Runs that the worker starts work in the folder where `millrace ui` was started, as `millrace run` there would: relative
paths of a pipeline (its store, its files) mean the same in both.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from flows import server
from flows.home import home, settings, state_file, ui_server
from flows.pool import POOL, make_automation, make_pool
from tasks.runtime.errors import Failure, Mistake

DEPLOY_SECONDS = 600  # 3 s; a minute or two where kernels are compiled first, with other work beside
CANCEL_SECONDS = 20  # a worker takes about 6 s to cancel a run


def serve(port: int, console: Console) -> None:
    """Start all, say where, wait for Ctrl-C or SIGTERM, and end all.

    Raises:
        Mistake: the port is taken, or a UI of this user is up already.
        Failure: the server or the worker does not start, or ends by itself.
    """
    server.check_port(port)
    if url := ui_server():
        raise Mistake(f"your `millrace ui` is up already, at {url.removesuffix('/api')}; use that one, or end it first")
    # A worker's flow runs inherit this environment; nothing of a recording that is going on elsewhere may stay in it.
    os.environ.update({**settings(), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"})
    with server.server(port) as (url, process):
        with console.status("starting Prefect's server (the first time takes half a minute)"):
            import prefect  # noqa: F401  while the server comes up

            server.wait_until_up(url, process)
            _prepare()
        with _worker() as worker, _announced(url):
            console.print(f"Prefect: {url.removesuffix('/api')}", highlight=False, soft_wrap=True)
            console.print("Start a flow there, or: prefect deployment run crawl-to-model/demo", highlight=False)
            console.print(f"(in another shell: export PREFECT_API_URL={url}). Ctrl-C ends all.", highlight=False)
            try:
                while process.poll() is None and worker.poll() is None:
                    time.sleep(0.5)
            finally:
                _cancel_runs(console, lost=process.poll() is not None or worker.poll() is not None)
        raise Failure(f"Prefect's server or worker ended by itself; see {server.server_log()} and {_worker_log()}")


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


@contextmanager
def _worker() -> Iterator[Any]:
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    process = server.child(command, {"PREFECT_LOGGING_COLORS": "false"}, _worker_log())
    try:
        yield process
    finally:
        server.stop(process, CANCEL_SECONDS)


def _worker_log() -> Path:
    return home() / "worker.log"


@contextmanager
def _announced(url: str) -> Iterator[None]:
    """ui.json, by which `millrace run` finds the server."""
    state_file().write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
    try:
        yield
    finally:
        state_file().unlink(missing_ok=True)


def _cancel_runs(console: Console, lost: bool) -> None:
    """Cancel what the worker runs, and wait: a worker that is stopped leaves its runs Running for ever."""
    from prefect import get_client
    from prefect.client.schemas.filters import FlowRunFilter, WorkPoolFilter
    from prefect.states import Cancelling

    if lost:
        return
    with get_client(sync_client=True) as client:
        pool = WorkPoolFilter.model_validate({"name": {"any_": [POOL]}})

        def alive(*states: str) -> list[Any]:
            wanted = FlowRunFilter.model_validate({"state": {"type": {"any_": list(states)}}})
            return client.read_flow_runs(flow_run_filter=wanted, work_pool_filter=pool)

        for run in alive("RUNNING", "PENDING"):
            console.print(f"cancelling {run.name}", highlight=False)
            client.set_flow_run_state(run.id, Cancelling())
        limit = time.monotonic() + CANCEL_SECONDS
        while alive("RUNNING", "PENDING", "CANCELLING") and time.monotonic() < limit:
            time.sleep(0.3)
