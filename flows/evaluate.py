"""The flow `evaluate`. The models, and what they score on held-out text and on the benchmarks."""

from typing import Any

from flows import dag
from flows.recorded import begin, recorded


@recorded("evaluate")
def evaluate(conf: str = "conf/demo.yaml", workers: int | None = None) -> Any:
    """The models, and what they score on held-out text and on the benchmarks."""
    with begin(conf, workers) as (run, pipeline):
        return dag.evaluate(run, pipeline)
