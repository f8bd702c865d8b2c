"""Stages that a pipeline places on a work pool of Prefect (`on: gpu`): run there as a deployment, and waited for.

The run here and the one there share the store and nothing else. The pipeline's text travels as a parameter; the worker
over there needs Millrace installed and sees the store under the same name. Which process starts where is Prefect's
business: `prefect work-pool create gpu --type process`, and `prefect worker start --pool gpu` on that machine.
"""

import threading
from pathlib import Path
from typing import Any

from prefect import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.deployments.runner import EntrypointType
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelling

from conf.load import find
from conf.pipeline import Pipeline
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure, Mistake

POLL = 2.0  # seconds between two looks at a run elsewhere
Places = dict[tuple[str, str], str]  # work pool by stage and name


def places_of(pipeline: Pipeline) -> Places:
    """Where the pipeline wants stages to run, of those that it places."""
    places = {("pretrain", name): model.on for name, (model, _) in pipeline.trained().items() if model.on}
    if pipeline.evaluate.on:
        from flows.dag.evaluation import placed

        places |= dict.fromkeys(placed(pipeline), pipeline.evaluate.on)
    return places


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
    judges: dict[str, Any],
    pool: str,
    conf: str,
    settings: dict[str, Any] | None,
    stop: threading.Event | None,
) -> None:
    """Have one artifact built by a worker of a pool; its inputs are in the store.

    `judges` are the parameters that its fingerprint does not hold, `settings` keys beside the pipeline's file.

    Raises:
        Failure: the run there failed, was cancelled, or built into a store that is not ours.
    """
    from flows.run_stage import run_stage

    deployment = run_stage.to_deployment(pool, work_pool_name=pool, entrypoint_type=EntrypointType.MODULE_PATH)
    started = run_deployment(
        deployment.apply(),
        parameters={
            "conf": Path(conf).name,
            "text": find(conf).read_text(encoding="utf-8"),
            "store": artifact.store.url,
            "stage": artifact.stage,
            "name": artifact.name,
            "fingerprint": artifact.fingerprint,
            "inputs": artifact.recipe["inputs"],
            "parameters": {**artifact.recipe["parameters"], **judges},
            "settings": settings,
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
