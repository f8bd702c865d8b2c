"""The flow `build-corpus`. Crawl and other sources to a clean, deduplicated, decontaminated corpus."""

from typing import Any

from prefect import get_run_logger

from flows import dag
from flows.latest import take
from flows.recorded import begin, recorded


@recorded("build-corpus")
def build_corpus(
    conf: str = "conf/demo.yaml",
    workers: int | None = None,
    settings: dict[str, Any] | None = None,
    until: str | None = None,
    only: str | None = None,
    latest: bool = False,
) -> Any:
    """Crawl and other sources to a clean, deduplicated, decontaminated corpus."""
    if latest:
        take(conf, get_run_logger().info, settings)
    with begin(conf, workers, settings, dag.build_corpus, until, only) as (run, pipeline):
        return dag.build_corpus(run, pipeline)
