"""`--until STAGE[:NAME]` and `--only STAGE[:NAME]`: which part of the DAG is built, or shown."""

from collections.abc import Callable
from typing import Any

from conf.pipeline import Pipeline
from conf.spelling import did_you_mean
from flows.stores import store_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.part import Part, needs, part
from tasks.runtime.run import Run

SHOWN = 6  # names in a sentence


def asked_of(
    pipeline: Pipeline, dag: Callable[[Run, Pipeline], Any] | None, until: str | None, only: str | None
) -> Part | None:
    """The part of a pipeline's DAG that is to be built now; None: the whole.

    Raises:
        Mistake: there is no such part, or what is to be built alone reads what is not there.
    """
    if dag is None or (until is None and only is None):
        return None
    run = Run(store_of(pipeline), None)
    dag(run, pipeline)
    of = chosen(run, until, only)
    assert of is not None
    require_inputs(run, of)
    return of


def chosen(run: Run, until: str | None, only: str | None) -> Part | None:
    """The part of a followed DAG that is asked for: a stage and all that it needs, or it alone. None: the whole.

    A stage without a name is meant for all of its names.

    Raises:
        Mistake: both are given, or the DAG has no such stage, or the stage no such name.
    """
    if until is not None and only is not None:
        raise Mistake("--until and --only: give one of the two")
    asked = until if until is not None else only
    if asked is None:
        return None
    option = "--until" if until is not None else "--only"
    return part(_named(run, option, asked), run.artifacts, run.lists, with_needs=until is not None)


def require_inputs(run: Run, of: Part) -> None:
    """See, before anything runs, that what a part reads and does not hold is there.

    Raises:
        Mistake: it is not; the sentence names what is missing.
    """
    by_label = {artifact.label: artifact for artifact in run.artifacts}
    for artifact in run.artifacts:
        if not of.holds(artifact) or artifact.built:
            continue
        inputs = [by_label[label] for label in needs(artifact) if label in by_label]
        if missing := _labelled([one for one in inputs if not of.holds(one) and not one.built]):
            raise Mistake(
                f"--only {artifact.stage}:{artifact.name} needs {missing}, not built yet: "
                f"--until {artifact.stage}:{artifact.name} builds what is missing too"
            )


def left(run: Run, of: Part) -> str:
    """What a part leaves to do, in words; "" where all is built."""
    rest = [artifact for artifact in run.artifacts if not of.holds(artifact) and not artifact.built]
    stages = list(dict.fromkeys(artifact.stage for artifact in rest))
    return f"{len(rest)} left to do ({_some(stages)})" if rest else ""


def _named(run: Run, option: str, asked: str) -> list[Artifact]:
    stage, colon, name = asked.partition(":")
    of_stage = [artifact for artifact in run.artifacts if artifact.stage == stage]
    if not of_stage:
        stages = list(dict.fromkeys(artifact.stage for artifact in run.artifacts))
        raise Mistake(f"{option} {asked}: the DAG has no stage {stage}{_meant(stage, stages)}")
    if not colon:
        return of_stage
    if found := [artifact for artifact in of_stage if artifact.name == name]:
        return found
    names = list(dict.fromkeys(artifact.name for artifact in of_stage))
    raise Mistake(f"{option} {asked}: the stage {stage} is not made of {name or 'no name'}{_meant(name, names)}")


def _meant(word: str, known: list[str]) -> str:
    return did_you_mean(word, known) or f" (there are {_some(known)})"


def _labelled(artifacts: list[Artifact]) -> str:
    return _some([f"{artifact.stage} of {artifact.name}" for artifact in artifacts])


def _some(words: list[str]) -> str:
    more = len(words) - SHOWN
    return ", ".join(words[:SHOWN]) + (f" and {more} more" if more > 0 else "")
