"""Models that were trained elsewhere."""

from conf.pipeline import Pipeline
from flows.dag.built import Built
from tasks.models.imported import imported, patterns
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.sources.input.listing import listed


def incoming(run: Run, p: Pipeline, name: str, built: Built) -> Artifact:
    """A model that was trained elsewhere."""
    model = p.models[name]
    assert model.from_ is not None
    files = listed(run, f"model-{name}", patterns(model.from_), built.sample)
    with run.group("training", name):
        return run(imported, name, **files, end_of_text=model.end_of_text)
