"""The flow `evaluate`. The models, and what they score on held-out text and on the benchmarks."""

from typing import Any

from prefect import get_run_logger

from flows import dag
from flows.latest import take
from flows.recorded import begin, recorded


@recorded("evaluate")
def evaluate(
    conf: str = "conf/demo.yaml",
    workers: int | None = None,
    settings: dict[str, Any] | None = None,
    until: str | None = None,
    only: str | None = None,
    latest: bool = False,
) -> Any:
    """The models, and what they score on held-out text and on the benchmarks."""
    if latest:
        take(conf, get_run_logger().info, settings)
    with begin(conf, workers, settings, dag.evaluate, until, only) as (run, pipeline):
        return dag.evaluate(run, pipeline)
