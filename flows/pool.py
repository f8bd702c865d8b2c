"""The work pool that Millrace's deployments run on, and the automation that tells killed runs: made where absent.

`millrace ui` and `millrace deploy` make them, and so does `prefect deploy` by hand.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

POOL = "millrace"
ZOMBIES = "millrace: crashed runs"
SILENCE = timedelta(seconds=90)  # three heartbeats


def make_pool(client: "SyncPrefectClient") -> None:
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        with suppress(ObjectAlreadyExists):  # somebody else was faster
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))


def make_pool_for_deploy(words: Sequence[str]) -> None:
    """Make the pool where these words of a command line are `prefect deploy`'s.

    Prefect asks for the pool before any step of prefect.yaml, and refuses to go on without; what it imports before that
    is the flow's module, which calls this.
    """
    program = Path(words[0])
    if "prefect" in (program.name, program.parent.name) and "deploy" in words[1:]:
        from prefect import get_client

        with get_client(sync_client=True) as client:
            make_pool(client)


def make_automation() -> None:
    """A run whose heartbeat stops is Crashed: a killed process cannot say so itself (Prefect's documentation)."""
    from prefect.automations import Automation
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    with suppress(ValueError):  # there is none of that name
        _ = Automation.read(name=ZOMBIES)
        return
    ends = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
    automation: Any = Automation(
        name=ZOMBIES,
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *ends},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="No heartbeat for 90 s: its process is gone.")],
    )
    _ = automation.create()


def tell_of_crashes() -> dict[str, str]:
    """A build step of prefect.yaml: `prefect deploy` by hand makes the automation, too."""
    make_automation()
    return {}
