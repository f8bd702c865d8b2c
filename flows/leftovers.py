"""Runs that Prefect shows as Running though their process is gone: they are ended as Crashed.

A killed process tells nobody. Prefect notices that a flow run's heartbeat stopped, where an automation asks for it
(flows/ui.py); nobody ends the run's tasks and sub-flow runs, nor a run whose server was not there to notice. So each
flow run is labelled with its process; at the next run, and when `millrace ui` starts, those are ended whose process on
this machine is no more, and whatever still runs within a flow run that has ended.
"""

import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowRunFilter, TaskRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.states import Crashed

from flows.lost import status_of

LABEL = "millrace.process"
ALIVE = ["RUNNING", "PENDING", "CANCELLING"]
ENDED = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]
WAIT = timedelta(seconds=60)  # what a task's end takes to the server's books, where it still does
PAGE = 200  # runs asked for at a time; the server's limit
# Our flows, and the kinds of groups (flows/dag): a server that is there already records other people's flows too.
FLOWS = ["build-corpus", "train-tokenizer", "pretrain", "evaluate", "crawl-to-model", "run-stage"]
KINDS = ["sample", "benchmarks", "corpus", "quality", "decontamination", "tokens", "training", "ladder", "evaluation"]
KINDS += ["report", "examples"]


def mark(client: SyncPrefectClient, flow_run: UUID) -> None:
    """Say of a flow run which process it is of: this one."""
    client.update_flow_run_labels(flow_run, {LABEL: _process(os.getpid())})


def settle(client: SyncPrefectClient) -> int:
    """End as Crashed what is shown as Running and is not. Returns how many runs of flows and tasks that were."""
    crashed: list[UUID] = []
    for run in list(_runs(client, FLOWS, ALIVE)):
        label = str(run.labels.get(LABEL, ""))
        if label.startswith(f"{_machine()} ") and label != _process(_pid(label)):
            _crash(client, run.id, "Its process is gone: it was killed.")
            crashed.append(run.id)
    ended: dict[UUID, bool] = {}
    for run in list(_runs(client, KINDS, ALIVE)):
        if _parent_ended(client, run, ended):
            _crash(client, run.id, "The run that it is part of has ended.")
            crashed.append(run.id)
    ended_long = {"end_time": {"before_": datetime.now(UTC) - WAIT}, "state": {"type": {"any_": ENDED}}}
    within = [ended_long, *({"id": {"any_": crashed[n : n + PAGE]}} for n in range(0, len(crashed), PAGE))]
    return len(crashed) + sum(_settle_tasks(client, FlowRunFilter.model_validate(runs)) for runs in within)


def _settle_tasks(client: SyncPrefectClient, runs: FlowRunFilter) -> int:
    """End the tasks that still run within flow runs."""
    settled = 0
    while True:
        left = client.read_task_runs(
            flow_filter=_named([*FLOWS, *KINDS]),
            flow_run_filter=runs,
            task_run_filter=TaskRunFilter.model_validate({"state": {"type": {"any_": ALIVE}}}),
            limit=PAGE,
        )
        for task in left:
            client.set_task_run_state(task.id, Crashed(message="The run that it is part of has ended."), force=True)
        settled += len(left)
        if len(left) < PAGE:
            return settled


def _runs(client: SyncPrefectClient, flows: list[str], states: list[str]) -> Iterator[FlowRun]:
    wanted = FlowRunFilter.model_validate({"state": {"type": {"any_": states}}})
    offset = 0
    while page := client.read_flow_runs(flow_filter=_named(flows), flow_run_filter=wanted, limit=PAGE, offset=offset):
        yield from page
        offset += PAGE


def _named(flows: list[str]) -> FlowFilter:
    return FlowFilter.model_validate({"name": {"any_": flows}})


def _parent_ended(client: SyncPrefectClient, run: FlowRun, known: dict[UUID, bool]) -> bool:
    """Whether the run that a sub-flow run is part of has ended."""
    if run.parent_task_run_id is None:
        return False  # somebody else's flow of the same name
    parent = client.read_task_run(run.parent_task_run_id).flow_run_id
    if parent is None:
        return False
    if parent not in known:
        state = client.read_flow_run(parent).state
        known[parent] = state is not None and state.is_final()
    return known[parent]


def _crash(client: SyncPrefectClient, run: UUID, message: str) -> None:
    client.set_flow_run_state(run, Crashed(message=message), force=True)


def _machine() -> str:
    """This machine since it was started: after that no process of before is alive."""
    return f"{platform.node()}/{Path('/proc/sys/kernel/random/boot_id').read_text(encoding='ascii').strip()}"


def _pid(label: str) -> int:
    return int(label.split()[1])


def _process(pid: int) -> str:
    """Machine, number and beginning of a process: numbers are given again. `gone` for one that is not there."""
    fields = status_of(pid)
    if fields is None or fields[0] == "Z":
        return "gone"
    return f"{_machine()} {pid} {fields[19]}"  # proc(5): field 22, clock ticks
