"""The flow `crawl-to-model`. The whole DAG: from the sources to the report."""

from typing import Any

from flows import page
from flows.live import Live
from flows.recorded import begin, recorded, watcher
from tasks.runtime.job import Silent


@recorded("crawl-to-model")
def crawl_to_model(conf: str = "conf/demo.yaml", workers: int | None = None) -> Any:
    """The whole DAG: from the sources to the report."""
    live = Live(watcher.get() or Silent())
    token = watcher.set(live)  # the run's stages are told to it, and by it to whoever else watches
    try:
        with begin(conf, workers) as (run, pipeline):
            return page.crawl_to_model(run, pipeline, live)
    finally:
        watcher.reset(token)
