"""The flow `run-stage`. One stage of a pipeline, where its work pool's worker is; all it reads is in the store."""

import tempfile
from pathlib import Path
from typing import Any

from flows.recorded import begin, recorded
from tasks.evaluation.answers import answers
from tasks.evaluation.file_perplexity import file_perplexity
from tasks.evaluation.news.news import news
from tasks.evaluation.perplexity import perplexity
from tasks.evaluation.probes.probes import probes
from tasks.evaluation.probes.samples import samples
from tasks.judges.completions import completions
from tasks.judges.judged import judged
from tasks.judges.steering import steering
from tasks.models.ppo import ppo
from tasks.models.pretrain import pretrain
from tasks.models.train import train
from tasks.runtime.artifact import artifact_at
from tasks.runtime.errors import Failure
from tasks.runtime.run import handle
from tasks.runtime.store import Store

PLACEABLE = {
    what.name: what
    for what in (
        pretrain, train, ppo, answers, perplexity, file_perplexity, probes, samples, news, completions, judged,
        steering,
    )
}  # fmt: skip


@recorded("run-stage")
def run_stage(
    conf: str,
    text: str,
    store: str,
    stage: str,
    name: str,
    fingerprint: str,
    inputs: dict[str, Any],
    parameters: dict[str, Any],
    workers: int | None = None,
) -> Any:
    """Build one artifact from inputs (labels in the store) and parameters; `text` is the pipeline, called `conf`.

    `store` is an absolute folder or a URL: the text may name one relative to where the run was started.

    Raises:
        Failure: this machine's code or libraries would build another artifact than the one that was asked for.
    """
    what = PLACEABLE[stage]
    with tempfile.TemporaryDirectory(prefix="millrace-conf-") as folder:
        path = Path(folder) / Path(conf).name
        path.write_text(text, encoding="utf-8")
        with begin(str(path), workers, alone=store) as (run, _):
            arguments = {**parameters, **{key: _handles(labels, run.store) for key, labels in inputs.items()}}
            here = handle(run.store, what, name, arguments)
            if here.fingerprint != fingerprint:
                raise Failure(
                    f"stage {stage} of {name} has the fingerprint {here.fingerprint} here and {fingerprint} where the "
                    f"run was started: install the same version of Millrace and of its libraries on both machines"
                )
            return run(what, name, **arguments)


def _handles(labels: Any, store: Store) -> Any:
    if isinstance(labels, dict):
        return {key: _handles(value, store) for key, value in labels.items()}
    if isinstance(labels, list):
        return [_handles(value, store) for value in labels]
    return artifact_at(labels, store)
