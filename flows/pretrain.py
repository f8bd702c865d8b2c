"""The flow `pretrain`. The corpus as tokens, mixed by weight, and the models trained on them."""

from typing import Any

from flows import dag
from flows.recorded import begin, recorded


@recorded("pretrain")
def pretrain(
    conf: str = "conf/demo.yaml",
    workers: int | None = None,
    settings: dict[str, Any] | None = None,
    until: str | None = None,
    only: str | None = None,
    latest: bool = False,
) -> Any:
    """The corpus as tokens, mixed by weight, and the models trained on them."""
    with begin(conf, workers, settings, dag.pretrain, until, only, latest) as (run, pipeline):
        return dag.pretrain(run, pipeline)
