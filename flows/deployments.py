"""Deployments on a Prefect server: made where they are absent, renewed where they are there.

Of one that is there only what the code says is renewed: entrypoint, form, description, and the folder in which its runs
work. What a person may have set in the UI stays: schedules, pause, parameters, tags, concurrency, variables of the job.
`prefect deploy` would take all of it back, at each start of `millrace ui`.

`python -m flows.deployments` is what `millrace ui` runs: the deployments that Millrace brings along (prefect.yaml), in
a process of its own: what the flows import stays out of the one that watches over server and worker.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import yaml

from flows.pool import POOL, make_pool
from tasks.runtime.errors import Failure, Mistake

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.responses import DeploymentResponse

BROUGHT = Path(__file__).with_name("prefect.yaml")
KEYS = {
    "name",
    "entrypoint",
    "description",
    "parameters",
    "schedules",
    "concurrency_limit",
    "work_pool",
}  # of a brought one
MADE, RENEWED, KEPT = "made", "renewed", "as it was"


@dataclass(frozen=True)
class Wanted:
    """A deployment as it is to be; of one that is there already, what `asked` names is set, and else only what the
    code says."""

    entrypoint: str  # flows.build_corpus.build_corpus
    name: str
    description: str
    directory: Path  # in which its runs work
    parameters: dict[str, Any]
    schedules: "list[DeploymentScheduleCreate]" = field(default_factory=list)
    tags: list[str] = field(default_factory=list)  # added to those that are there
    paused: bool | None = None  # None: not, or as it is
    asked: tuple[str, ...] = ()  # parameters that are set on one that is there, too

    @property
    def flow(self) -> Any:
        module, _, function = self.entrypoint.rpartition(".")
        return getattr(import_module(module), function)


def settle(client: "SyncPrefectClient", wanted: Wanted) -> tuple[UUID, str]:
    """Make a deployment, or renew the one of its flow and name; its id, and which of the two was done, if any.

    Raises:
        Failure: the server refuses it.
    """
    from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

    make_pool(client)
    try:
        try:
            there = client.read_deployment_by_name(f"{wanted.flow.name}/{wanted.name}")
        except ObjectNotFound:
            return _make(client, wanted), MADE
        changed = [_renew(client, there, wanted), _reschedule(client, there, wanted)]
        return there.id, RENEWED if any(changed) else KEPT
    except PrefectHTTPStatusError as error:
        said = error.response.text[:300]
        raise Failure(f"Prefect's server refuses {wanted.flow.name}/{wanted.name}: {said}") from None


def _make(client: "SyncPrefectClient", wanted: Wanted) -> UUID:
    from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions

    return client.create_deployment(
        flow_id=client.create_flow_from_name(wanted.flow.name),
        name=wanted.name,
        work_pool_name=POOL,
        parameters=wanted.parameters,
        schedules=wanted.schedules,
        tags=wanted.tags,
        paused=bool(wanted.paused),
        concurrency_limit=1,  # a second run waits for the first: both would build the same artifacts
        concurrency_options=ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
        enforce_parameter_schema=True,
        **_code(wanted),
    )


def _code(wanted: Wanted) -> dict[str, Any]:
    """What the code says of a deployment, and where it was deployed from."""
    from prefect.utilities.callables import parameter_schema

    return {
        "entrypoint": wanted.entrypoint,
        "description": wanted.description,
        "parameter_openapi_schema": parameter_schema(wanted.flow).model_dump_for_openapi(),
        "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": str(wanted.directory)}}],
    }


def _renew(client: "SyncPrefectClient", there: "DeploymentResponse", wanted: Wanted) -> bool:
    """Send what differs, and nothing where nothing does: the server drops and plans anew the runs of what is sent."""
    from prefect.client.schemas.actions import DeploymentUpdate

    new = _code(wanted)
    new["parameters"] = {
        **wanted.parameters,
        **there.parameters,
        **{key: wanted.parameters[key] for key in wanted.asked},
    }
    new["tags"] = list(dict.fromkeys([*there.tags, *wanted.tags]))
    if wanted.paused is not None:
        new["paused"] = wanted.paused
    old = there.model_dump(mode="json", include=set(new))
    changed = {key: value for key, value in new.items() if old[key] != value}
    if changed:
        client.update_deployment(there.id, DeploymentUpdate(**changed))
    return bool(changed)


def _reschedule(client: "SyncPrefectClient", there: "DeploymentResponse", wanted: Wanted) -> bool:
    """Set the schedule of our own slug to what was asked for now; those of others are left alone, and its pause."""
    changed = False
    for schedule in wanted.schedules:
        if schedule.slug is None:  # a brought one's: it was made with the deployment
            continue
        ours = next((other for other in there.schedules if other.slug == schedule.slug), None)
        if ours is None:
            client.create_deployment_schedules(there.id, [schedule])
        elif ours.schedule != schedule.schedule:
            client.update_deployment_schedule(there.id, ours.id, schedule=schedule.schedule)
        else:
            continue
        changed = True
    return changed


def brought(folder: Path) -> Iterator[Wanted]:
    """The deployments of prefect.yaml, whose runs work in a folder.

    Raises:
        Mistake: it says something that is not understood here.
    """
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.schedules import CronSchedule

    for one in yaml.safe_load(BROUGHT.read_text(encoding="utf-8"))["deployments"]:
        if strangers := sorted(set(one) - KEYS):
            raise Mistake(f"{BROUGHT}: {one.get('name')}: {', '.join(strangers)} is not understood by `millrace ui`")
        yield Wanted(
            entrypoint=one["entrypoint"],
            name=one["name"],
            description=one["description"],
            directory=folder,
            parameters=one["parameters"],
            schedules=[
                DeploymentScheduleCreate(
                    schedule=CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]),
                    active=schedule["active"],
                )
                for schedule in one.get("schedules", [])
            ],
        )


def main() -> None:
    """Settle the brought deployments, for runs that work in this folder, and say what was done with each."""
    from prefect import get_client

    with get_client(sync_client=True) as client:
        for wanted in brought(Path.cwd()):
            _, how = settle(client, wanted)
            print(f"{wanted.flow.name}/{wanted.name}: {how}")


if __name__ == "__main__":
    try:
        main()
    except (Mistake, Failure) as error:
        sys.exit(str(error))
