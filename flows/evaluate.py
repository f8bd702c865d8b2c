"""The flow `evaluate`. The models, and what they score on held-out text and on the benchmarks."""

from typing import Any

from flows import dag
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
    with begin(conf, workers, settings, dag.evaluate, until, only, latest) as (run, pipeline):
        return dag.evaluate(run, pipeline)
