"""`millrace explain`: one document's fate, stage by stage, as each stage tells it; with `--step`, what a step read."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from tasks.runtime.artifact import Artifact
from tasks.runtime.decisions import tell_decision, tell_measure
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.runtime.shards import batches, read
from tasks.runtime.stage import Place, Stage, Tell

SHOWN = 20  # documents or rejects of one URL that are printed
Line = tuple[str, str]  # stage, what it says of the document


def show(console: Console, run: Run, document: str) -> None:
    """Print every document with this id (or a piece's id) or URL, and every reject that names it.

    Raises:
        Mistake: no source that is ingested holds it.
    """
    ingested = {artifact.name: artifact for artifact in run.artifacts if artifact.stage == "ingest" and artifact.built}
    places = list(find(ingested, document))
    refused = list(rejects(ingested, document))
    if not places and not refused:
        missing = [a.name for a in run.artifacts if a.stage == "ingest" and not a.built]
        also = f"; not ingested yet: {', '.join(missing)}" if missing else ""
        raise Mistake(
            f"no document or reject of {', '.join(ingested) or 'any source'} has the id or URL {document!r}{also}"
        )
    for place in places[:SHOWN]:
        _print(console, list(fate(run, place)))
    if len(places) > SHOWN:
        console.print(f"... and {len(places) - SHOWN} more documents", highlight=False)
    for line in refused[:SHOWN]:
        _print(console, [line])


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
                console.print(line, markup=False, highlight=False, soft_wrap=True)


def _model(run: Run, name: str | None) -> Artifact:
    models = {artifact.name: artifact for artifact in run.artifacts if artifact.stage == "pretrain"}
    if not models:
        raise Mistake("the pipeline has no models: no step reads anything")
    if name is None and len(models) == 1:
        return next(iter(models.values()))
    if name is None:
        raise Mistake(f"whose step? --model is one of {', '.join(models)}")
    if name not in models:
        raise Mistake(f"there is no model {name}: there are {', '.join(models)}")
    return models[name]


def _print(console: Console, lines: list[Line]) -> None:
    from rich.text import Text

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for stage, text in lines:
        table.add_row(stage, Text(text))  # a document's brackets are no markup of ours
    console.print(table)
    console.print()


def find(ingested: dict[str, Artifact], document: str) -> Iterator[Place]:
    """Rows with this id, searched in the source that its prefix names; else rows with this URL, in all sources."""
    source = document.partition(":")[0]
    by_id = source in ingested and not document.startswith(("http://", "https://"))
    column, value = ("id", document.partition("#")[0]) if by_id else ("url", document)
    for name in [source] if by_id else ingested:
        for shard in ingested[name].shards():
            same = pc.equal(read(shard, [column]).column(column), pa.scalar(value))
            rows = pc.indices_nonzero(pc.fill_null(same, False)).to_pylist()
            first = 0
            for batch in batches(shard, ["id", "text"]) if rows else ():
                for row in rows:
                    if first <= row < first + batch.num_rows:
                        text = batch.column("text")[row - first].as_py() or ""
                        id = batch.column("id")[row - first].as_py()
                        yield Place(name, shard, row, id, text.encode())
                first += batch.num_rows


def rejects(ingested: dict[str, Artifact], document: str) -> Iterator[Line]:
    """Rejects that name the URL or id."""
    from tasks.sources.told import rejects_naming

    for name, artifact in ingested.items():
        yield from (("ingest", f"{name}: {sentence}") for sentence in rejects_naming(artifact, document))


def fate(run: Run, place: Place) -> Iterator[Line]:
    """A line a stage, in the order of the DAG; stages that are not built are told as such."""
    others = {(artifact.stage, artifact.name): artifact for artifact in run.artifacts if artifact.built}
    for artifact in run.artifacts:
        what = run.stages[artifact.stage]
        tell = teller(what)
        if tell is None or not (what.everywhere or artifact.name == place.source):
            continue
        if not artifact.built and not what.everywhere:
            yield what.name, "not built"
            continue
        yield from ((what.name, line) for line in tell(artifact, place, others))


def teller(what: Stage) -> Tell | None:
    """How a stage's artifact speaks of a document: its own way, else by its columns; None for one that has none."""
    if what.tell is not None:
        return what.tell
    if what.kind == "decision" and what.columns:
        return tell_decision
    return tell_measure if what.columns else None
