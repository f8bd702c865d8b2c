"""`millrace deploy`: a flow over one's own pipeline as a deployment of the Prefect server that is up.

Everything that can be wrong is found before anything is sent.
"""

import asyncio
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from conf.load import declared, find
from conf.months import standing
from conf.pipeline import Pipeline
from flows.deployments import Wanted, settle
from flows.pool import POOL, make_automation
from tasks.runtime.errors import Mistake

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

SLUG = "millrace"  # of the schedule that this command sets; one that was made in the UI has another or none
NAME = re.compile(r"[^/%&><\s][^/%&><]*")  # what Prefect takes
MONTHLY = "0 3 5 * *"  # the fifth at three: crawls are published about once a month, on no fixed day
FIELDS = 5  # Prefect reads a sixth as seconds: `0 3 5 * * *` would be sixty times in a minute


@dataclass(frozen=True)
class Asked:
    """A deployment as it was asked for; what is None is as it is there, or the default."""

    flow: str = "build-corpus"
    name: str | None = None
    cron: str | None = None
    timezone: str = "UTC"
    paused: bool | None = None
    latest: bool | None = None
    workers: int | None = None
    tags: list[str] = field(default_factory=list)


def deploy(out: Console, conf: Path, asked: Asked, say: Callable[[str], None]) -> None:
    """Make the deployment, or renew the one of its name, and say what was done, when it runs and how to start it.

    Raises:
        Mistake: the pipeline, the name or the schedule cannot be, or no server is up.
        Failure: the server refuses it.
    """
    path = find(conf).resolve()
    pipeline = declared(path)
    latest = sorted(standing(pipeline.sources))
    if asked.latest and not latest:
        raise Mistake(f"{path}: no source has `crawl: latest`: leave --latest out")
    name = asked.name or path.stem
    if not NAME.fullmatch(name):
        raise Mistake(f"{name!r} is no name for a deployment: give one without / % & < > by --name")
    url = _server(say)  # before Prefect is imported, which reads once which server it speaks to
    dates = _dates(asked.cron, asked.timezone) if asked.cron else []
    parameters: dict[str, Any] = {"conf": str(path)}
    if asked.workers is not None:
        parameters["workers"] = asked.workers
    chosen = tuple(parameters)
    if asked.latest is not None:
        chosen += ("latest",)
    if latest or asked.latest is not None:
        parameters["latest"] = bool(latest) if asked.latest is None else asked.latest
    wanted = Wanted(
        entrypoint="flows.{0}.{0}".format(asked.flow.replace("-", "_")),
        name=name,
        description=_description(asked.flow, path, pipeline),
        directory=Path.cwd(),
        parameters=parameters,
        schedules=_schedules(asked),
        tags=asked.tags,
        paused=asked.paused,
        asked=chosen,
    )
    from prefect import get_client

    with get_client(sync_client=True) as client:
        id, how = settle(client, wanted)
        make_automation()
        out.print(f"{asked.flow}/{name}: {how}; it runs in {wanted.directory}", highlight=False, soft_wrap=True)
        _tell_schedules(out, client, f"{asked.flow}/{name}", dates)
        if latest and not asked.cron and not client.read_deployment(id).schedules:
            out.print(
                f"{', '.join(latest)} can grow by the month: --cron '{MONTHLY}' looks for a new crawl on the fifth of "
                f"each month at 3:00",
                highlight=False,
                soft_wrap=True,
            )
        _tell_workers(out, client)
    out.print(f"Start it: PREFECT_API_URL={url} prefect deployment run '{asked.flow}/{name}'", soft_wrap=True)
    out.print(f"or at {url.removesuffix('/api')}/deployments/deployment/{id}", highlight=False, soft_wrap=True)


def _server(say: Callable[[str], None]) -> str:
    from flows.found import found

    if url := found(say):
        os.environ["PREFECT_API_URL"] = url
        return url
    raise Mistake(
        "no Prefect server is up to take the deployment: start `millrace ui` in another shell, or set PREFECT_API_URL "
        "to the API of one that is"
    )


def _dates(cron: str, timezone: str) -> list[datetime]:
    """The next three dates of a schedule.

    Raises:
        Mistake: it is none, or never comes.
    """
    from prefect.server.schemas.schedules import CronSchedule

    words = cron.split()
    if len(words) != FIELDS and not cron.startswith("@"):
        raise Mistake(
            f"--cron {cron!r}: {len(words)} fields, not {FIELDS}: minute, hour, day, month, day of the week; "
            f"'{MONTHLY}' is the fifth of each month at 3:00"
        )
    try:
        schedule = CronSchedule(cron=cron, timezone=timezone)
        return list(asyncio.run(schedule.get_dates(3)))
    except ValueError as error:
        faults = error.errors() if hasattr(error, "errors") else [{"msg": str(error)}]
        said = "; ".join(fault["msg"].removeprefix("Value error, ") for fault in faults)
        raise Mistake(f"--cron {cron!r}, --timezone {timezone}: {said}") from None


def _schedules(asked: Asked) -> list[Any]:
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.schedules import CronSchedule

    if asked.cron is None:
        return []
    schedule = CronSchedule(cron=asked.cron, timezone=asked.timezone)
    return [DeploymentScheduleCreate(schedule=schedule, active=True, slug=SLUG)]


def _description(flow: str, path: Path, pipeline: Pipeline) -> str:
    """What the deployment's page says: the flow, the pipeline's title, what it is made of, and its file."""
    growing = standing(pipeline.sources)
    sources = [
        f"{name} ({source.kind}{', latest crawl' if name in growing else ''})"
        for name, source in pipeline.sources.items()
    ]
    lines = [
        f"`{flow}` over **{pipeline.title}**",
        "",
        f"- sources: {', '.join(sources) or 'none'}",
        f"- models: {', '.join(pipeline.trained()) or 'none'}",
        f"- tasks: {', '.join(asked.task for asked in pipeline.evaluate.tasks) or 'none'}",
        f"- store: `{pipeline.store_url()}`",
        f"- pipeline: `{path}`",
    ]
    return "\n".join(lines)


def _tell_schedules(out: Console, client: "SyncPrefectClient", name: str, dates: list[datetime]) -> None:
    there = client.read_deployment_by_name(name)
    for schedule in there.schedules:
        state = "" if schedule.active else ", switched off"
        ours = dates and schedule.slug == SLUG and schedule.active and not there.paused
        when = f", next {', '.join(f'{date:%Y-%m-%d %H:%M}' for date in dates)}" if ours else ""
        told = getattr(schedule.schedule, "cron", None) or str(schedule.schedule)
        zone = getattr(schedule.schedule, "timezone", None) or "UTC"
        out.print(f"schedule {told} ({zone}){state}{when}", highlight=False, markup=False, soft_wrap=True)
    if there.paused:
        out.print("it is paused: no schedule of it starts a run (--resume)", highlight=False)


def _tell_workers(out: Console, client: "SyncPrefectClient") -> None:
    from prefect.client.schemas.filters import WorkerFilter, WorkerFilterStatus

    online = WorkerFilter(status=WorkerFilterStatus.model_validate({"any_": ["ONLINE"]}))
    if not client.read_workers_for_work_pool(POOL, worker_filter=online):
        out.print(
            f"No worker polls the pool {POOL} yet, so nothing would run: millrace ui has one; beside another server, "
            f"prefect worker start --pool {POOL} --type process, where Millrace is installed",
            highlight=False,
            soft_wrap=True,
        )
