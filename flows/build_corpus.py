"""The flow `build-corpus`. Crawl and other sources to a clean, deduplicated, decontaminated corpus."""

from typing import Any

from flows import dag
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
    with begin(conf, workers, settings, dag.build_corpus, until, only, latest) as (run, pipeline):
        return dag.build_corpus(run, pipeline)
