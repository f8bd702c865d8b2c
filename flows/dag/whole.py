"""Everything, and the report."""

from dataclasses import asdict

from conf.mixture import unread
from conf.pipeline import Pipeline
from conf.title import file_name
from flows.dag.built import Built, By
from flows.dag.evaluation import evaluate
from tasks.report.given import Declaration
from tasks.report.report import report
from tasks.runtime.run import Run


def crawl_to_model(run: Run, p: Pipeline) -> Built:
    """From the sources to the report."""
    if run.builds and p.models:
        for group in p.unread():
            run.reporter.log(unread(group))
    built = evaluate(run, p)
    with run.group("report"):
        built.report = run(
            report,
            file_name(p.title),
            documents=built.documents,
            measures={name: source.measures for name, source in built.sources.items()},
            decisions={name: source.decisions for name, source in built.sources.items()},
            others=others(run, built),
            declarations={name: asdict(Declaration.of(stage)) for name, stage in run.stages.items()},
            groups={source: p.group(source) for source in p.sources},
            title=p.title,
        )
    return built


def others(run: Run, built: Built) -> dict[str, By]:
    """What was made beside the sources' documents, measures and decisions, by stage and name."""
    columns = {
        artifact.label
        for source in built.sources.values()
        for artifact in (source.documents, *source.measures.values(), *source.decisions)
    }
    by: dict[str, By] = {}
    for artifact in run.artifacts:
        if artifact.label not in columns:
            by.setdefault(artifact.stage, {})[artifact.name] = artifact
    return by
