"""The flow `crawl-to-model`. The whole DAG: from the sources to the report."""

from typing import Any

from flows import dag, page
from flows.recorded import begin, recorded


@recorded("crawl-to-model")
def crawl_to_model(
    conf: str = "conf/demo.yaml",
    workers: int | None = None,
    settings: dict[str, Any] | None = None,
    until: str | None = None,
    only: str | None = None,
) -> Any:
    """The whole DAG: from the sources to the report."""
    with begin(conf, workers, settings, dag.crawl_to_model, until, only) as (run, pipeline):
        return page.crawl_to_model(run, pipeline)
