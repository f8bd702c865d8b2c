"""The flow `build-corpus`. Crawl and other sources to a clean, deduplicated, decontaminated corpus."""

from typing import Any

from flows import dag
from flows.recorded import begin, recorded


@recorded("build-corpus")
def build_corpus(conf: str = "conf/demo.yaml", workers: int | None = None) -> Any:
    """Crawl and other sources to a clean, deduplicated, decontaminated corpus."""
    with begin(conf, workers) as (run, pipeline):
        return dag.build_corpus(run, pipeline)
