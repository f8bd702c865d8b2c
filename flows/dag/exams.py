"""Scores to what they come to as exams, and by fields of the records; where the pipeline asks for it."""

from conf.pipeline import Pipeline
from flows.dag.built import Built
from tasks.evaluation.exams import exams
from tasks.evaluation.parts import parts
from tasks.runtime.run import Run


def examine(run: Run, p: Pipeline, built: Built, models: list[str]) -> None:
    """Each model's exams, and its scores by subject and language."""
    sat = p.evaluate.examined()
    tasks = sorted({section.task for exam in sat.values() for section in exam.sections})
    for model in models:
        with run.group("evaluation", model):
            scores = built.scores.get(model, {})  # none where no task is asked
            if sat:
                run(
                    exams,
                    model,
                    model=model,
                    exams={name: exam.steps() for name, exam in sat.items()},
                    scores={task: scores[task] for task in tasks},
                    seed=p.seed,
                )
            for task, fields in p.evaluate.by.items():
                run(
                    parts,
                    f"{model}.{task}",
                    model=model,
                    task=task,
                    scores=scores[task],
                    benchmark=built.benchmarks[p.benchmark_of(task)],
                    fields=fields,
                    seed=p.seed,
                )
