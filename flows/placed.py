"""Stages that a pipeline places on a work pool of Prefect (`on: gpu`): run there as a deployment, and waited for.

The run here and the one there share the store and nothing else. The pipeline travels as a parameter, its paths and
variables resolved here; the worker over there needs Millrace installed and sees the store under the same name. Which
process starts where is Prefect's business: `prefect work-pool create gpu --type process`, and `prefect worker start
--pool gpu` on that machine.
"""

import threading
from pathlib import Path
from typing import Any

import yaml
from prefect import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.deployments.runner import EntrypointType
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelling

from conf.pipeline import Pipeline
from flows.places import Places
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure, Mistake

POLL = 2.0  # seconds between two looks at a run elsewhere


def require_pools(places: Places) -> None:
    """See that the work pools are there, before anything runs.

    Raises:
        Mistake: one is not.
    """
    with get_client(sync_client=True) as client:
        for (stage, name), pool in places.items():
            try:
                client.read_work_pool(pool)
            except ObjectNotFound:
                raise Mistake(
                    f"{stage} of {name} is to run on the work pool {pool}, and this Prefect server has none of that "
                    f"name: prefect work-pool create {pool} --type process, and start a worker on its machine"
                ) from None


def build_there(
    artifact: Artifact,
    arguments: dict[str, Any],
    pool: str,
    conf: str,
    pipeline: Pipeline,
    stop: threading.Event | None,
) -> None:
    """Have one artifact built by a worker of a pool, of these arguments; its inputs are in the store.

    Raises:
        Failure: the run there failed, was cancelled, or built into a store that is not ours.
    """
    from flows.run_stage import run_stage

    deployment = run_stage.to_deployment(pool, work_pool_name=pool, entrypoint_type=EntrypointType.MODULE_PATH)
    started = run_deployment(
        deployment.apply(),
        parameters={
            "conf": Path(conf).name,
            "text": told(pipeline),
            "store": artifact.store.url,
            "stage": artifact.stage,
            "name": artifact.name,
            "fingerprint": artifact.fingerprint,
            "inputs": artifact.recipe["inputs"],
            "parameters": {key: value for key, value in arguments.items() if key not in artifact.recipe["inputs"]},
        },
        flow_run_name=f"{artifact.stage} {artifact.name} on {pool}",
        timeout=0,
    )
    assert isinstance(started, FlowRun)  # a coroutine in async code, which this is not
    state = _ended(started, stop)
    what = f"stage {artifact.stage} of {artifact.name} on the work pool {pool}"
    if not state.is_completed():
        raise Failure(f"{what} ended as {state.name}: {state.message or 'its log in the UI says why'}")
    if not artifact.built:
        raise Failure(
            f"{what} is done, and {artifact.where()} is not there: the worker sees another store under this name; give "
            f"`store:` a folder that both machines mount, or a URL"
        )


def told(pipeline: Pipeline) -> str:
    """A pipeline as YAML that means the same on another machine: paths from the root on, variables replaced."""
    said = pipeline.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return yaml.safe_dump(said | {"store": pipeline.store}, sort_keys=False, allow_unicode=True)


def _ended(started: FlowRun, stop: threading.Event | None) -> Any:
    """The last state of a run elsewhere; it is cancelled when we are to stop."""
    stop = stop or threading.Event()
    with get_client(sync_client=True) as client:
        while True:
            state = client.read_flow_run(started.id).state
            if state is not None and state.is_final():
                return state
            if stop.wait(POLL):
                client.set_flow_run_state(started.id, Cancelling())
                raise Failure(f"{started.name} was asked to stop; it goes on from where it was")
