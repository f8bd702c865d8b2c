"""The flow `crawl-to-model`. The whole DAG: from the sources to the report."""

from typing import Any

from flows import dag, page
from flows.live import Live
from flows.recorded import begin, recorded, watcher
from tasks.runtime.job import Silent


@recorded("crawl-to-model")
def crawl_to_model(
    conf: str = "conf/demo.yaml",
    workers: int | None = None,
    settings: dict[str, Any] | None = None,
    until: str | None = None,
    only: str | None = None,
    latest: bool = False,
) -> Any:
    """The whole DAG: from the sources to the report."""
    live = Live(watcher.get() or Silent())
    token = watcher.set(live)  # the run's stages are told to it, and by it to whoever else watches
    try:
        with begin(conf, workers, settings, dag.crawl_to_model, until, only, latest) as (run, pipeline):
            return page.crawl_to_model(run, pipeline, live)
    finally:
        watcher.reset(token)
