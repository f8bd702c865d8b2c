"""What a model is asked: its answers to a task, in each way that the task is asked, and their scores."""

from collections.abc import Iterator
from typing import NamedTuple

from conf.evaluation import Asked
from conf.pipeline import Pipeline
from conf.task import Task
from flows.dag.built import Built
from model.config import snapshot_steps
from tasks.evaluation.answers import answers
from tasks.evaluation.metrics import METRICS
from tasks.evaluation.overlap import overlap
from tasks.evaluation.scores import metric_of, scores
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run


class Asking(NamedTuple):
    """One way in which a model is asked a task: an artifact of `answers`."""

    shots: int
    template: str
    draw: int
    step: int | None

    @property
    def label(self) -> str:
        """Its name within a task's: shots, and what else is not as usual."""
        more = [self.template] if self.template != "default" else []
        more += [f"draw{self.draw}"] if self.draw else []
        more += [f"step{self.step}"] if self.step is not None else []
        return ".".join([str(self.shots), *more])


def require_metrics(p: Pipeline) -> None:
    """See, before anything is trained, that each task's metric is there.

    Raises:
        Mistake: it is not, or not for this task, or it has something to fit, and no items to fit it on.
    """
    for task, (asked, of) in p.tasks().items():
        metric = metric_of(asked.metric or of.reported, of.form, p.evaluate.programs)
        benchmark = asked.asks(of)
        if metric.fit and p.benchmarks[benchmark].dev is None:
            raise Mistake(f"task {task}: {metric.name} is fitted on development items: give {benchmark} its `dev`")
        if metric.fit and asked.choose:
            raise Mistake(f"task {task}: {metric.name} is fitted on what `choose` would choose by: leave `choose` out")


def ask(run: Run, p: Pipeline, built: Built, model: str, task: str) -> Artifact:
    """A model's answers to a task, in each way that it is asked, and its scores; once, whoever wants them."""
    known = built.scores.setdefault(model, {})
    if task not in known:
        with run.group("evaluation", model):
            known[task] = scored(run, p, built, model, task)
    return known[task]


def scored(run: Run, p: Pipeline, built: Built, model: str, task: str) -> Artifact:
    """The same, asked anew."""
    asked, of = p.tasks()[task]
    benchmark = asked.asks(of)
    solved = built.train.get(benchmark) or built.dev.get(benchmark)

    def answered(one: Asking, items: Artifact, name: str) -> Artifact:
        return run(
            answers,
            name,
            model=built.models[model],
            benchmark=items,
            solved=solved if one.shots else None,
            way=of.way(one.template) | {"fields": {**of.fields, **asked.fields}},
            shots=one.shots,
            items=asked.items,
            step=one.step,
            seed=p.seed + one.draw,
        )

    ways = list(askings(p, model, asked, of))
    made = {one.label: answered(one, built.benchmarks[benchmark], f"{model}.{task}.{one.label}") for one in ways}
    development = {
        one.label: answered(one, built.dev[benchmark], f"{model}.{task}.dev.{one.label}")
        for one in ways
        if developed(asked, of, one)
    }
    return run(
        scores,
        f"{model}.{task}",
        model=model,
        task=task,
        answers=made,
        development=development,
        ways={one.label: one._asdict() for one in ways},
        overlap=overlap_of(run, p, built),
        benchmark=benchmark,
        form=of.form,
        metric=asked.metric or of.reported,
        reading=asked.reading or of.reading,
        best=of.best,
        extract=of.extract,
        ranked=of.beams > 1,
        programs=p.evaluate.programs,
        seed=p.seed,
    )


def developed(asked: Asked, of: Task, one: Asking) -> bool:
    """Whether development items are asked in this way too: to choose by, or to fit what the metric needs."""
    metric = METRICS.get(asked.metric or of.reported)
    return (metric is not None and metric.fit is not None) or (asked.choose and one.step is None)


def overlap_of(run: Run, p: Pipeline, built: Built) -> Artifact | None:
    """The benchmarks against the tokens that are trained on, if there are both."""
    if built.overlap is None and built.benchmarks and built.tokens:
        with run.group("decontamination"):
            built.overlap = run(
                overlap,
                "all",
                tokens=built.tokens,
                tokenizer=built.tokenizer,
                benchmarks=built.benchmarks,
                rules=list(dict.fromkeys(p.evaluate.overlap)),
                seed=p.seed,
            )
    return built.overlap


def askings(p: Pipeline, model: str, asked: Asked, of: Task) -> Iterator[Asking]:
    """Numbers of solved examples, wordings, draws; and the weights kept along the way, each in the first of those."""
    shots = asked.shots or of.shots
    for count in shots:
        for template in asked.templates:
            for draw in range(asked.draws if count else 1):
                yield Asking(count, template, draw, None)
    for step in steps(p, model):
        yield Asking(shots[0], asked.templates[0], 0, step)


def steps(p: Pipeline, model: str) -> list[int]:
    """The snapshots of a model that are asked."""
    of, more = p.trained()[model]
    if not p.evaluate.snapshots or of.preset is None:  # what goes on from another has no score from its beginning
        return []
    architecture, training = of.filled(vocabulary=p.tokenizer.vocabulary, seed=p.seed + more)
    return snapshot_steps(training, architecture.context)
