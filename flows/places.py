"""Which stages a pipeline places on a work pool of Prefect (`on: gpu`). Imports no Prefect, and so is asked early."""

from conf.models import Model
from conf.pipeline import Pipeline
from tasks.runtime.part import Part

Places = dict[tuple[str, str], str]  # work pool by stage and name


def places_of(pipeline: Pipeline, part: Part | None = None) -> Places:
    """Where the pipeline wants stages to run, of those that it places, and of a part of its DAG if that is built."""
    models = {name: model for name, (model, _) in pipeline.trained().items() if model.on}
    places = {(_trainer_of(model), name): str(model.on) for name, model in models.items()}
    if pipeline.evaluate.on:
        from flows.dag.evaluation import placed

        places |= dict.fromkeys(placed(pipeline), pipeline.evaluate.on)
    return {place: pool for place, pool in places.items() if part is None or place in part.wanted}


def _trainer_of(model: Model) -> str:
    """The stage that trains it."""
    if model.reinforced:
        return "ppo"
    return "train" if model.tuned else "pretrain"
