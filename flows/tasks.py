"""`millrace tasks`: the task files there are, which of their data a pipeline has, and one of them with an example."""

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conf.evaluation import Asked
from conf.pipeline import Pipeline
from conf.spelling import did_you_mean
from conf.task import Task, files, load
from tasks.decontaminate.benchmark import items, items_of, lying_here
from tasks.evaluation.asking.way import Question, Unaskable, Way, asked
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

STAGES = ("benchmark", "generated")  # that make benchmarks
LOOKED_AT = 20  # records, for one that can be asked, and another as its solved example


class Data:
    """What a pipeline has of the tasks' benchmarks; nothing where there is no pipeline."""

    def __init__(self, pipeline: Pipeline | None, run: Run | None) -> None:
        self.there = pipeline.task_files() if pipeline is not None else files()
        self._asked = {one.task: one for one in pipeline.evaluate.tasks} if pipeline is not None else {}
        self._declared = pipeline.benchmarks if pipeline is not None else {}
        self._made = {a.name: a for a in run.artifacts if a.stage in STAGES} if run is not None else {}

    def benchmark(self, name: str, task: Task) -> str:
        """The benchmark that the task asks."""
        return self._asked.get(name, Asked(task=name)).asks(task)

    def fields(self, name: str) -> dict[str, str]:
        """Those that the pipeline names for the task."""
        return self._asked[name].fields if name in self._asked else {}

    def templates(self, name: str) -> list[str]:
        """Those that the pipeline asks the task in."""
        return self._asked[name].templates if name in self._asked else ["default"]

    def told(self, benchmark: str) -> str | None:
        """In a few words what there is; None where the pipeline does not declare it."""
        artifact = self._made.get(benchmark)
        if artifact is None:
            return None
        if artifact.built:
            return f"{artifact.manifest['statistics']['items']:,} items"
        if missing(artifact):
            return "its files are missing"
        how = self._declared[benchmark]
        return f"{how.items:,} items, not made yet" if how.generate is not None else "not read yet"

    def records(self, benchmark: str) -> Iterator[dict[str, Any]]:
        """The first records, of the built artifact or of its files."""
        artifact = self._made.get(benchmark)
        if artifact is None or missing(artifact):
            return
        if artifact.built:
            rows: Iterator[dict[str, Any]] = iter(items_of(artifact).slice(0, LOOKED_AT).to_pylist())
        else:
            declared = self._declared[benchmark]
            rows = (row for path in lying_here(declared.files) for row in items(path, declared.text))
        for row in islice(rows, LOOKED_AT):
            yield json.loads(row["record"])


def missing(artifact: Artifact) -> bool:
    """Whether no file was found for a benchmark."""
    return any("missing" in file for file in artifact.recipe["parameters"].get("files", ()))


def show(out: Console, what: list[str], followed: Callable[[Path], tuple[Pipeline, Run]]) -> None:
    """`what`: a task's name, a pipeline's, or both; neither: all tasks.

    Raises:
        Mistake: more than one of either, or there is no such task.
    """
    pipelines = [one for one in what if one.endswith((".yaml", ".yml")) or "/" in one]
    names = [one for one in what if one not in pipelines]
    if not pipelines and len(names) == 1 and names[0] not in files():
        pipelines, names = _pipeline_of(names[0]), []
    if len(pipelines) > 1 or len(names) > 1:
        raise Mistake(f"{' '.join(what)}: give a pipeline's YAML, a task's name, or one of each")
    data = Data(*followed(Path(pipelines[0]))) if pipelines else Data(None, None)
    if not names:
        _list(out, data, bool(pipelines))
    elif names[0] in data.there:
        _show(out, names[0], load(data.there[names[0]]), data)
    else:
        raise Mistake(
            f"there is no task {names[0]}: `millrace tasks` lists those that there are"
            f"{did_you_mean(names[0], data.there)}"
        )


def _pipeline_of(name: str) -> list[str]:
    """A word that is no task may name a pipeline that comes with Millrace."""
    from conf.load import find

    try:
        find(Path(name))
    except Mistake:
        raise Mistake(f"{name} is neither a task (`millrace tasks` lists those) nor a pipeline's YAML") from None
    return [name]


def _list(out: Console, data: Data, declared: bool) -> None:
    table = Table("task", "form", "metric", "K", "items" if declared else "title", "licence", box=None, pad_edge=False)
    absent: dict[str, str] = {}
    for name, path in data.there.items():
        task = load(path)
        told = data.told(data.benchmark(name, task))
        if declared and told is None:
            absent.setdefault(data.benchmark(name, task), task.data)
        shots = ", ".join(map(str, task.shots))
        cells = (name, task.form, task.reported, shots, (told or "-") if declared else task.title, task.licence)
        table.add_row(*map(Text, cells))
    out.print(table)
    out.print(f"{len(data.there)} tasks; `millrace tasks NAME` shows one", highlight=False)
    if absent:
        out.print("\nnot declared under `benchmarks`, and what to put there:", highlight=False)
        for benchmark, how in absent.items():
            if how:
                out.print(Text(f"  {benchmark}: {how}"), soft_wrap=True)


def _show(out: Console, name: str, task: Task, data: Data) -> None:
    def line(label: str, value: object) -> None:
        if value not in (None, "", [], {}):
            out.print(Text.assemble((f"{label:<11}", "bold"), str(value)), soft_wrap=True)

    benchmark = data.benchmark(name, task)
    for label, value in (
        ("task", name), ("title", task.title), ("paper", task.paper), ("source", task.source),
        ("licence", task.licence), ("data", task.data), ("benchmark", f"{benchmark}: {data.told(benchmark) or '-'}"),
        ("form", task.form), ("metric", task.reported),
        ("reading", task.reading if task.form in ("choice", "rest") else None),
        ("K", ", ".join(map(str, task.shots))), ("templates", ", ".join(["default", *task.templates])),
    ):  # fmt: skip
        line(label, value)
    for template in data.templates(name):
        example = _example(task, template, data, name, benchmark)
        if example is not None:
            out.print(f"\nan item, after one solved example (template {template}):", highlight=False)
            out.print(Text(example), soft_wrap=True)


def _example(task: Task, template: str, data: Data, name: str, benchmark: str) -> str | None:
    """A prompt of the first record that can be asked, and its answers, the right ones marked; None without data."""
    keys = task.way(template)
    way = Way(**keys | {"fields": {**task.fields, **data.fields(name)}})
    questions: list[Question] = []
    fault = None
    for record in data.records(benchmark):
        try:
            questions.append(asked(way, record))
        except Unaskable as error:
            fault = str(error)
        if len(questions) == 2:
            break
    if not questions:
        return f"none of the first records can be asked: {fault}" if fault else None
    item, *others = questions
    solved = "".join(other.solved + way.between for other in others)
    lines = [item.description + solved + item.question]
    if way.form == "free":
        lines += ["", "right answers:", *(f"  {answer!r}" for answer in item.references)]
    else:
        lines += ["", f"answers, after {way.delimiter!r}:" if way.form != "rest" else "choices:"]
        lines += [f"{'*' if n in item.gold else ' '} {answer!r}" for n, answer in enumerate(item.answers)]
        lines += [f"and then {item.rest!r}"] if way.form == "rest" else []
    return "\n".join(lines)
