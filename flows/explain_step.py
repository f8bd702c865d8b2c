"""`millrace explain --step`: what a step of a model's training reads: windows and their documents, or examples."""

from rich.console import Console

from conf.spelling import did_you_mean
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.runtime.visible import visible

TUNED = "train"  # the stage of models that learn from examples


def show_step(console: Console, run: Run, step: int, name: str | None) -> None:
    """Print the windows of a model's step, and the documents of each with their records; or its labelled records.

    Raises:
        Mistake: there is no such model (or several and no name), what it reads is not built, or it has no such step.
    """
    from tasks.models.steps import begins_with, mixture_of, passed_over, steps_of, windows_read

    model = _model(run, name)
    if model.stage == TUNED:
        _show_tuned(console, model, step)
        return
    if not (mixture := mixture_of(model)).built:
        raise Mistake(f"{mixture.label}, which {model.name} reads, is not built: `millrace run` builds it")
    with steps_of(model) as steps:
        updates = steps.updates
        if not 1 <= step <= updates.count:
            raise Mistake(f"{model.name} has no step {step}: it has steps 1 to {updates.count}")
        numbers = updates.of(step)
        said = (
            f"{model.name}, step {step:,} of {updates.count:,}: windows {numbers[0]:,} to {numbers[-1]:,} of "
            f"{steps.windows.context + 1:,} tokens, by {mixture.label} and seed {steps.windows.seed}"
        )
        console.print(
            said + ("" if model.built else "; not trained yet"), markup=False, highlight=False, soft_wrap=True
        )
        if begins := begins_with(model):
            console.print(begins, markup=False, highlight=False, soft_wrap=True)
        for spike in passed_over(model):
            if spike["first"] <= step <= spike["last"]:
                why = f"Passed over ({spike['reason']}): nothing of what stands here was learned from in this step."
                console.print(why, markup=False, highlight=False, soft_wrap=True)
        for window in windows_read(steps, step, model):
            about = f"window {window.i:,}: {window.group}, epoch {window.epoch}, window {window.place:,} of the group's"
            console.print(f"\n{about}", markup=False, highlight=False, soft_wrap=True)
            for each in window.passages:
                last = each.start + each.tokens - 1
                line = f"  {each.at:>6,}  {each.id}  tokens {each.start:,} to {last:,} of {each.of:,}"
                line += f"  {each.record.url or 'no URL'}  {each.record.where}"
                console.print(visible(line, kept=""), markup=False, highlight=False, soft_wrap=True)


def _show_tuned(console: Console, model: Artifact, step: int) -> None:
    """The examples of a step of a model that learns from them."""
    from tasks.models.tuned_steps import examples_of, places_of, tuned_steps_of

    if not (examples := examples_of(model)).built:
        raise Mistake(f"{examples.label}, which {model.name} reads, is not built: `millrace run` builds it")
    with tuned_steps_of(model) as steps:
        updates = steps.updates
        if not 1 <= step <= updates.count:
            raise Mistake(f"{model.name} has no step {step}: it has steps 1 to {updates.count}")
        found = steps.of(step)
        seed = steps.examples.seed
    said = (
        f"{model.name}, step {step:,} of {updates.count:,}: examples {found[0].i:,} to {found[-1].i:,} of the "
        f"training, by {examples.label} and seed {seed}" + ("" if model.built else "; not trained yet")
    )
    console.print(said, markup=False, highlight=False, soft_wrap=True)
    places = places_of(examples, [each.id for each in found])
    for each in found:
        line = f"  {each.i:>8,}  {each.id}  epoch {each.epoch}, example {each.number:,} of train  {places[each.id]}"
        console.print(visible(line, kept=""), markup=False, highlight=False, soft_wrap=True)


def _model(run: Run, name: str | None) -> Artifact:
    models = {artifact.name: artifact for artifact in run.artifacts if artifact.stage in ("pretrain", TUNED)}
    if not models:
        raise Mistake("the pipeline has no models: no step reads anything")
    if name is None and len(models) == 1:
        return next(iter(models.values()))
    if name is None:
        raise Mistake(f"whose step? --model is one of {', '.join(models)}")
    if name not in models:
        raise Mistake(f"there is no model {name}: there are {', '.join(models)}{did_you_mean(name, models)}")
    return models[name]
