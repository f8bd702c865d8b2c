"""Labelled text to examples: records, less those that hold benchmark text, in the tokens of the pipeline."""

from typing import Any

from conf.pipeline import Pipeline
from flows.dag.built import Built
from tasks.decontaminate.hits import hits
from tasks.examples.asked import asked
from tasks.examples.cleared import cleared
from tasks.examples.examples import examples
from tasks.examples.labelled import labelled
from tasks.examples.prompts import prompts
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.sources.index import index
from tasks.sources.input.listing import listed
from tasks.sources.remote.manners import Manners


def show_examples(run: Run, p: Pipeline, built: Built) -> None:
    """Every entry of `examples`, as models will be shown it."""
    for name, how in p.examples.items():
        reading: dict[str, Any] = {"form": how.form, "fields": how.fields(), "classes": how.classes or []}
        with run.group("examples", name):
            records = run(
                labelled,
                name,
                **files_of(run, p, built, name),
                **reading,
                reject_share=how.reject_share,
                shard=how.shard,
                format=how.format,
                manners=p.servers.model_dump(),
            )
            built.records[name] = records
            run(index, name, documents=records)  # read by `explain` alone
            built.examples[name] = run(
                examples,
                name,
                records=records,
                decision=admit(run, p, built, name, records, clear(run, p, built, name, records)),
                tokenizer=built.tokenizer,
                **reading,
                context=p.context_of(name),
                validation=p.validation,
                seed=p.seed,
            )


def files_of(run: Run, p: Pipeline, built: Built, name: str) -> dict[str, Any]:
    """The files of an entry, and those that are held out whole, if it names some."""
    how, manners = p.examples[name], Manners(**p.servers.model_dump())
    files = listed(run, f"examples-{name}", how.files, built.sample, manners=manners)
    if how.validation is None:
        return files
    held_out = listed(run, f"examples-{name}-validation", how.validation, built.sample, manners=manners)
    return {**files, "validation": held_out["files"], "validation_inside": held_out["inside"]}


def clear(run: Run, p: Pipeline, built: Built, name: str, records: Artifact) -> Artifact | None:
    """Which records hold no benchmark text, by the rule that cuts the corpus; None where there is no benchmark."""
    if built.grams is None:
        return None
    met = run(hits, name, documents=records, grams=built.grams, margin=p.decontaminate.margin)
    given = {"documents": records, "hits": met, "grams": built.grams, "frequent": built.frequent}
    return run(cleared, name, **given, rule=p.decontaminate.rule, judged=p.decontaminate.judged())


def admit(
    run: Run, p: Pipeline, built: Built, name: str, records: Artifact, before: Artifact | None
) -> Artifact | None:
    """Which records stay by their prompts, of those that the decision before leaves; without rules, that decision."""
    how = p.examples[name]
    if how.prompts is None:
        return before
    reading: dict[str, Any] = {"form": how.form, "fields": how.fields(), "classes": []}
    prefix = how.prompts.prefix or 1  # of a rule that is off nobody looks at beginnings
    met = run(asked, name, documents=records, tokenizer=built.tokenizer, prefix=prefix, **reading)
    return run(prompts, name, documents=records, asked=met, before=before, rules=how.prompts.rules())
