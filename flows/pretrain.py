"""The flow `pretrain`. The corpus as tokens, mixed by weight, and the models trained on them."""

from typing import Any

from flows import dag
from flows.recorded import begin, recorded


@recorded("pretrain")
def pretrain(conf: str = "conf/demo.yaml", workers: int | None = None) -> Any:
    """The corpus as tokens, mixed by weight, and the models trained on them."""
    with begin(conf, workers) as (run, pipeline):
        return dag.pretrain(run, pipeline)
