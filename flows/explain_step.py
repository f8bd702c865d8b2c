"""`millrace explain --step`: the windows of a step of a model's training, and the documents of each."""

from rich.console import Console

from conf.spelling import did_you_mean
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.runtime.visible import visible


def show_step(console: Console, run: Run, step: int, name: str | None) -> None:
    """Print the windows of a model's step, and the documents of each with their records.

    Raises:
        Mistake: there is no such model (or several and no name), its mixture is not built, or it has no such step.
    """
    from tasks.models.steps import begins_with, mixture_of, passed_over, steps_of, windows_read

    model = _model(run, name)
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


def _model(run: Run, name: str | None) -> Artifact:
    models = {artifact.name: artifact for artifact in run.artifacts if artifact.stage == "pretrain"}
    if not models:
        raise Mistake("the pipeline has no models: no step reads anything")
    if name is None and len(models) == 1:
        return next(iter(models.values()))
    if name is None:
        raise Mistake(f"whose step? --model is one of {', '.join(models)}")
    if name not in models:
        raise Mistake(f"there is no model {name}: there are {', '.join(models)}{did_you_mean(name, models)}")
    return models[name]
