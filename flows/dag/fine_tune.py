"""Models that learn from examples, each behind its start; and what their heads say of those that are held out."""

from conf.pipeline import Pipeline
from flows.dag.built import Built
from flows.dag.examples import needed
from flows.dag.incoming import incoming
from flows.dag.preferences import demonstrations_of, judge_reward
from flows.dag.reinforced import reinforce
from model.config import Architecture, stated
from tasks.evaluation.head_answers import OBJECTIVES, head_answers
from tasks.evaluation.scores import scores
from tasks.models.imported import architecture as architecture_of
from tasks.models.imported import imported
from tasks.models.train import train
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

WAY = {"shots": 0, "template": "default", "draw": 0, "step": None}  # a head is asked in one way


def fine_tune(run: Run, p: Pipeline, built: Built) -> None:
    """Behind all models that learn from the mixture."""
    came: dict[str, Architecture] = {}  # of folders' models, by the name of the model that begins with one
    for name in p.learning():
        if p.models[name].reinforced:
            reinforce(run, p, built, name)
            continue
        tune(run, p, built, name, came)
        if p.models[name].objective == "reward":
            judge_reward(run, p, built, name)


def tune(run: Run, p: Pipeline, built: Built, name: str, came: dict[str, Architecture]) -> None:
    """A model of an objective over examples, and its score on those that are held out."""
    model = p.models[name]
    assert model.data is not None
    start = None
    if model.from_ is not None:
        start = incoming(run, p, name, built) if model.start is None else built.models[model.start]
    if start is not None and start.stage == imported.name:
        came[start.name] = architecture_of(start, str(p.models[start.name].from_))
    try:
        architecture, _ = p.filled(name, came)
    except ValueError as error:
        raise Mistake(f"models.{name}: {error}") from error
    training, epochs = model.tuning(p.seed)
    shown = demonstrations_of(p, built, name) if model.objective == "reward" else None
    examples = needed(run, p, built, model.data)
    with run.group("fine-tuning", name):
        built.models[name] = run(
            train,
            name,
            start=start,
            examples=examples,
            objective=model.objective,
            objective_keys=model.objective_keys(),
            architecture=stated(architecture),
            training=training,
            epochs=epochs,
            layers_transferred=model.layers_transferred,
            torchrun=model.torchrun,
            **({} if shown is None else {"demonstrations": shown}),
        )
        if model.objective in OBJECTIVES:
            built.scores.setdefault(name, {})[model.data] = score_head(run, p, built, name, examples)


def score_head(run: Run, p: Pipeline, built: Built, name: str, examples: Artifact) -> Artifact:
    """Accuracy on the held-out examples, with its interval and calibration."""
    asked = f"{name}.{examples.name}"
    answers = run(head_answers, asked, model=built.models[name], examples=examples, step=None)
    return run(
        scores,
        asked,
        model=name,
        task=examples.name,
        answers={"0": answers},
        development={},
        ways={"0": WAY},
        overlap=None,  # what is held out has no text of a benchmark; its own records are of one draw
        benchmark=examples.name,
        form="choice",
        metric="accuracy",
        reading="sum",
        best=None,
        extract=None,
        ranked=False,
        programs=False,
        seed=p.seed,
    )
