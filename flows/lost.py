"""Runs whose process is gone, on a server of our own: ended for good and noted as Crashed.

A run says itself how it ends, even when its worker is killed (orphan.py). One that was killed with SIGKILL, or lost
with the machine, cannot: it would stay Running, and a deployment that runs once at a time would wait for it. The
heartbeat's automation (pool.py) notes it after 90 s; here it is noted at once, where we know that nobody is at work.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.pool import POOL

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

GRACE = 15.0  # seconds a run has to end itself after its worker's death: a small model's checkpoint takes less
GOES_ON = "The next run goes on from the shards that are done."
UNFINISHED = ("RUNNING", "PENDING", "CANCELLING")


def unfinished(client: "SyncPrefectClient", *states: str) -> list[Any]:
    """Runs of our work pool in these states."""
    from prefect.client.schemas.filters import FlowRunFilter, WorkPoolFilter

    wanted = FlowRunFilter.model_validate({"state": {"type": {"any_": list(states or UNFINISHED)}}})
    pool = WorkPoolFilter.model_validate({"name": {"any_": [POOL]}})
    return client.read_flow_runs(flow_run_filter=wanted, work_pool_filter=pool)


def settle(tell: Callable[[str], None], grace: float = GRACE) -> None:
    """While no worker of ours is up: see each unfinished run of the pool ended, by SIGKILL after `grace`, and noted."""
    from prefect import get_client
    from prefect.states import Cancelled, Crashed

    with get_client(sync_client=True) as client:
        limit = time.monotonic() + grace
        while left := unfinished(client):
            at_work = [(run, pid) for run in left if (pid := process_of(run)) is not None]
            if not at_work:
                break
            if time.monotonic() > limit:
                for _, pid in at_work:
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.3)
        for run in left:
            how = Cancelled if run.state_type == "CANCELLING" else Crashed
            client.set_flow_run_state(run.id, how(message=f"Its process is gone. {GOES_ON}"), force=True)
            tell(f"run {run.name} is noted as {how.__name__}: its process is gone. {GOES_ON}")


def process_of(run: Any) -> int | None:
    """The process on this machine that runs a flow run, if it is alive: not a later one under the same number."""
    try:
        pid = int(str(run.infrastructure_pid).rpartition(":")[2])
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (ValueError, OSError):
        return None
    return pid if f"PREFECT__FLOW_RUN_ID={run.id}".encode() in environment else None


def parent_of(run: Any) -> int | None:
    """The process that started the one which runs a flow run here, its worker."""
    pid = process_of(run)
    told = None if pid is None else status_of(pid)
    return None if told is None else int(told[1])


def status_of(pid: int) -> list[str] | None:
    """Fields of a process behind its name, from its state on (proc(5), /proc/pid/stat, the third); None: not there."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return told.rpartition(")")[2].split()
