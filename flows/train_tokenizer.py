"""The flow `train-tokenizer`. The corpus, the tokenizer made from it, and its tokens."""

from typing import Any

from flows import dag
from flows.recorded import begin, recorded


@recorded("train-tokenizer")
def train_tokenizer(
    conf: str = "conf/demo.yaml",
    workers: int | None = None,
    settings: dict[str, Any] | None = None,
    until: str | None = None,
    only: str | None = None,
    latest: bool = False,
) -> Any:
    """The corpus, the tokenizer made from it, and its tokens."""
    with begin(conf, workers, settings, dag.train_tokenizer, until, only, latest) as (run, pipeline):
        return dag.train_tokenizer(run, pipeline)
