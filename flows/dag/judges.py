"""Models to answers, and answers to what judges tell of them: comparisons to learn from, win rates, refusals."""

from typing import Any

from conf.judges import Drawn
from conf.pipeline import Pipeline
from flows.dag.built import Built
from tasks.judges.completions import completions
from tasks.judges.grounded import grounded
from tasks.judges.judged import judged
from tasks.judges.label import FILE, label
from tasks.judges.refusals import DISALLOWED, SAFE, refusals
from tasks.judges.steering import steering
from tasks.judges.win_rate import win_rate
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.sources.input.listing import listed

VALIDATION = "validation"  # the part of prompts that models are evaluated on


def compared(run: Run, p: Pipeline, built: Built, name: str) -> dict[str, Any]:
    """Answers of a model to prompts, ranked by a judge: the files of an entry of `examples`, as `labelled` takes them.
    Prompts of both parts: a record's part is drawn by its prompt, so that it stays in it."""
    how = p.examples[name]
    assert how.samples is not None and how.judge is not None
    with run.group("labels", name):
        said = answer(run, p, built, how.samples.model, how.samples.prompts, how.samples, name, split=None)
        numbers = ask(run, p, built, how.judge, said, name, **own(p, built, how.judge, how.samples.prompts))
        ranked = run(label, name, completions=said, judged=numbers, labeler=how.judge)
    return {"files": [{"path": FILE}], "inside": ranked}


def answer(
    run: Run, p: Pipeline, built: Built, model: str, prompts: str, how: Drawn, name: str, split: str | None = VALIDATION
) -> Artifact:
    """A model's answers to the prompts of an entry of `examples`. For labels, which reward models learn from, it is
    taken as it ended; where it is evaluated, at the step that rewards chose."""
    return run(
        completions,
        name,
        model=built.models[model],
        prompts=built.examples[prompts],
        split=split,
        **drawn(how),
        answers=how.answers,
        seed=p.seed,
        **({} if split is None else chosen(built, model)),
    )


def chosen(built: Built, model: str) -> dict[str, Artifact]:
    """At which step a model is taken, where that was decided."""
    return {"chosen": built.chosen[model]} if model in built.chosen else {}


def drawn(how: Drawn) -> dict[str, Any]:
    """How answers are drawn."""
    return {"limit": how.limit, "tokens": how.tokens, "temperature": how.temperature}


def ask(run: Run, p: Pipeline, built: Built, judge: str, said: Artifact | None, name: str, **more: Any) -> Artifact:
    """A judge's numbers of answers. `more`: the kind of the prompts, or people's comparisons instead of `said`."""
    how = p.judges[judge]
    return run(
        judged,
        name,
        completions=said,
        judge=how.as_judge(),
        model=None if how.needs is None else built.models[how.needs],
        **{"people": [], "prompts_are": None, **more},
    )


def own(p: Pipeline, built: Built, judge: str, prompts: str) -> dict[str, Any]:
    """The records of the prompts, for a judge of their own rules."""
    return {} if p.judges[judge].own is None else {"records": built.records[prompts]}


def align(run: Run, p: Pipeline, built: Built, models: list[str]) -> None:
    """What judges tell of each model; `models` are those that are evaluated."""
    how = p.evaluate.alignment
    if how is None:
        return
    people = [] if how.people is None else listed(run, "people", how.people, frozen=False)["files"]
    by_people = {
        judge: ask(run, p, built, judge, None, f"people.{judge}", people=people)
        for judge in how.judges
        if people and p.judges[judge].own is None  # a comparison's prompt brings no rules
    }
    asked = p.aligned(models)
    said = {name: answer(run, p, built, name, how.prompts, how, f"{name}.{how.prompts}") for name in asked}
    numbers = {
        (name, judge): ask(run, p, built, judge, said[name], f"{name}.{judge}", **own(p, built, judge, how.prompts))
        for judge in how.judges
        for name in asked
    }
    for name in asked:
        with run.group("evaluation", name):
            about: dict[str, Any] = {"method": method(p, name), "seed": p.seed}
            for judge in how.judges:
                against = how.against if how.against != name else None
                run(
                    win_rate,
                    f"{name}.{judge}",
                    model=name,
                    judge=judge,
                    kind=p.judges[judge].kind,
                    against=against,
                    completions=said[name],
                    judged=numbers[name, judge],
                    others=None if against is None else numbers[against, judge],
                    people=by_people.get(judge),
                    **about,
                )
            if how.closed is not None:
                made = answer(run, p, built, name, how.closed, how, f"{name}.closed")
                run(grounded, name, model=name, completions=made, **about)
            if how.refusals is not None:
                refuse(run, p, built, name, **about)
            if how.steering is not None and p.models[name].objective != "lm":  # others have no roles
                steer = how.steering
                run(
                    steering,
                    name,
                    name=name,
                    model=built.models[name],
                    prompts=built.examples[steer.prompts],
                    judge=steer.judge,
                    rules=p.judges[steer.judge].as_judge()["rules"],
                    system=steer.system,
                    override=steer.override,
                    turns=steer.turns,
                    **drawn(steer),
                    **chosen(built, name),
                    **about,
                )


def refuse(run: Run, p: Pipeline, built: Built, name: str, **about: Any) -> None:
    """A model's answers to what it should refuse, and to what it should not, in a rubric's classes."""
    how = p.evaluate.alignment.refusals if p.evaluate.alignment else None
    assert how is not None
    rubric = p.judges[how.judge]
    kinds = {}
    for kind, prompts in ((DISALLOWED, how.disallowed), (SAFE, how.safe)):
        made = answer(run, p, built, name, prompts, how, f"{name}.{kind}")
        kinds[kind] = ask(run, p, built, how.judge, made, f"{name}.{how.judge}.{kind}", prompts_are=kind)
    assert rubric.rubric is not None
    run(refusals, name, model=name, judge=how.judge, asks=rubric.model, refuses=rubric.rubric.refuses, **kinds, **about)


def method(p: Pipeline, name: str) -> str:
    """How a model was trained last, as figures call it."""
    return p.models[name].objective if name in p.models else "lm"


def placed(p: Pipeline, models: list[str]) -> list[tuple[str, str]]:
    """Stages and names of all that asks a model here: what `evaluate.on` places."""
    how = p.evaluate.alignment
    if how is None:
        return []
    named: list[tuple[str, str]] = []
    for name in p.aligned(models):
        sets = [how.prompts, *(["closed"] if how.closed is not None else [])]
        sets += [DISALLOWED, SAFE] if how.refusals is not None else []
        named += [("completions", f"{name}.{prompts}") for prompts in sets]
        if how.steering is not None:
            named.append(("steering", name))
        named += [("judged", f"{name}.{judge}") for judge in how.judges if p.judges[judge].needs is not None]
        if how.refusals is not None and p.judges[how.refusals.judge].needs is not None:
            named += [("judged", f"{name}.{how.refusals.judge}.{kind}") for kind in (DISALLOWED, SAFE)]
    return named
