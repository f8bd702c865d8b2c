"""Sources to columns: every document's text, what was measured of it, and what each decision says."""

from typing import Any

from conf.benchmarks import Benchmark
from conf.corpus import Quality
from conf.pipeline import Pipeline
from flows.dag.built import Built, Columns
from tasks.decontaminate.benchmark import benchmark
from tasks.decontaminate.cuts import cuts
from tasks.decontaminate.frequent import frequent
from tasks.decontaminate.grams import grams
from tasks.decontaminate.hits import hits
from tasks.dedup.buckets import buckets
from tasks.dedup.recall import recall
from tasks.dedup.signatures import signatures
from tasks.dedup.survivors import survivors
from tasks.demo.sample import installed, sample
from tasks.evaluation.generated.generated import generated
from tasks.quality.classifier import classifier
from tasks.quality.given import given_classifier
from tasks.quality.harm import harm
from tasks.quality.harm_classifier import harm_classifier
from tasks.quality.heuristics import heuristics
from tasks.quality.keep import keep
from tasks.quality.labels import labels
from tasks.quality.pii import pii
from tasks.quality.remaining import remaining
from tasks.quality.score import score
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.runtime.stage import Stage
from tasks.sources.index import index
from tasks.sources.ingest import ingest
from tasks.sources.input.listing import listed
from tasks.sources.page.extract import versioned
from tasks.sources.remote.manners import Manners
from tasks.sources.retracted import retracted
from tasks.sources.selection.select import select
from tasks.sources.webtext.links import links
from tasks.sources.webtext.submissions import submissions


def build_corpus(run: Run, p: Pipeline) -> Built:
    """Everything up to the last decision on each source."""
    built = Built()
    if p.sample:
        with run.group("sample"):
            built.sample = run(sample, "demo", megabytes=p.sample.megabytes, seed=p.seed, machine=installed())
    with run.group("benchmarks"):
        for name, declared in p.benchmarks.items():  # first, since they are small: what is wrong is told at once
            built.benchmarks[name] = items(run, p, name, declared, built)
            for kept, part, given in ((built.train, "train", declared.train), (built.dev, "dev", declared.dev)):
                if given is not None:  # not text that must not be trained on: nothing of it is looked for
                    files = _listed(run, p, f"{name}-{part}", built, given, frozen=False)
                    kept[name] = run(benchmark, f"{name}-{part}", **files, text=[])
    find_links(run, p, built)
    select_records(run, p, built)
    for name, source in p.sources.items():
        with run.group("corpus", name):
            documents = run(
                ingest,
                name,
                **_inputs(run, p, name, built),
                source=name,
                kind=source.form_of_inputs,
                fields={"text": source.text, "id": source.id, "url": source.url},
                ids=source.ids,
                limits=source.limits.model_dump(),
                where=source.where,
                whitespace=source.whitespace,
                extractor=versioned(source.extractor),
                wiki=source.wiki.model_dump(),
                reject_share=source.reject_share,
                manners=p.servers.model_dump(),
                shard=source.shard,
                links=built.links.get(name),
            )
            run(index, name, documents=documents)  # read by `explain` alone
        built.sources[name] = Columns(documents)
    if p.quality:
        with run.group("quality"):
            judge_by_words(run, p, p.quality, built)
    list_grams(run, p, built)
    measure(run, p, built)
    for step in STEPS:
        step(run, p, built)
    return built


def items(run: Run, p: Pipeline, name: str, declared: Benchmark, built: Built) -> Artifact:
    """A benchmark's items, read or made."""
    if declared.generate is None:
        files = _listed(run, p, name, built, declared.files or [], frozen=False)
        return run(benchmark, name, **files, text=declared.text)
    words: dict[str, Any] = {"files": [], "inside": None}
    if declared.words is not None:
        words = _listed(run, p, name, built, declared.words, frozen=False)
    how = {"generator": declared.generate, "items": declared.items, "text": declared.text}
    return run(generated, name, **words, **how, seed=p.seed)


def find_links(run: Run, p: Pipeline, built: Built) -> None:
    """What Reddit's submissions link to, for each source of kind webtext."""
    for name, source in p.sources.items():
        if source.submissions is None:
            continue
        with run.group("corpus", name):
            submitted = run(
                submissions,
                name,
                **_listed(run, p, name, built, source.submissions),
                source=name,
                reject_share=source.reject_share,
                manners=p.servers.model_dump(),
                shard=source.shard,
            )
            built.links[name] = run(
                links,
                name,
                submissions=submitted,
                karma=source.karma,
                without=source.without,
                over_18=source.over_18,
                removed=source.removed,
            )


def select_records(run: Run, p: Pipeline, built: Built) -> None:
    """Single records of a crawl, chosen by its index, for each source that says so."""
    for name, source in p.sources.items():
        if source.select is None:
            continue
        how, crawl = source.select, source.common_crawl(p.seed, form="index")
        with run.group("corpus", name):
            built.selected[name] = run(
                select,
                name,
                **_listed(run, p, name, built, how.index or 1, crawl=crawl),
                source=name,
                base=source.base,
                domains=how.domains,
                prefixes=how.prefixes,
                languages=how.languages,
                mime=how.mime,
                status=how.status,
                shard=how.shard,
                links=built.links.get(source.selects_by(name) or ""),
                manners=p.servers.model_dump(),
            )


def _inputs(run: Run, p: Pipeline, name: str, built: Built) -> dict[str, Any]:
    """The files that hold a source's documents, or the records that were selected."""
    source = p.sources[name]
    if name in built.selected:
        return {"files": [], "selected": built.selected[name]}
    return _listed(run, p, name, built, source.inputs, crawl=source.common_crawl(p.seed))


def _listed(run: Run, p: Pipeline, name: str, built: Built, files: str | list[str] | int, **how: Any) -> dict[str, Any]:
    """A source's or benchmark's files, servers asked as the pipeline says."""
    return listed(run, name, files, built.sample, manners=Manners(**p.servers.model_dump()), **how)


def list_grams(run: Run, p: Pipeline, built: Built) -> None:
    """What is looked for of the benchmarks, if the pipeline names any and has text to look in."""
    if not built.benchmarks or not p.sources:
        return
    sought = p.decontaminate.sought()
    drawn = any(rule["substrings"] for rule in sought.values())
    with run.group("benchmarks"):
        built.grams = run(grams, "all", benchmarks=built.benchmarks, rules=sought, seed=p.seed if drawn else None)


def measure(run: Run, p: Pipeline, built: Built) -> None:
    """What the decisions ask of the text: one reading of each shard for all measures of a source that are due."""
    how = p.dedup.filled()
    for name, source in built.sources.items():
        asked: list[tuple[Stage, dict[str, Any]]] = []
        if p.conditions(name).score is not None:
            asked.append((score, {"classifier": built.classifier}))
        if built.grams is not None:
            asked.append((hits, {"grams": built.grams, "margin": p.decontaminate.margin}))
        asked.append((signatures, {"shingle": how["shingle"], "permutations": how["permutations"], "seed": p.seed}))
        with run.group("corpus", name):
            made = run.together(name, [(what, {"documents": source.documents} | more) for what, more in asked])
        source.measures |= {artifact.stage: artifact for artifact in made}


def take_back(run: Run, p: Pipeline, built: Built) -> None:
    """Documents that were taken back leave before anything is decided; sources without any have no such decision."""
    for name, ids in p.retracted().ids.items():
        source = built.sources[name]
        with run.group("corpus", name):
            decision = run(retracted, name, documents=source.documents, before=source.before, ids=ids)
        source.decisions.append(decision)


def filter_quality(run: Run, p: Pipeline, built: Built) -> None:
    """Raw sources are resampled by score; every source keeps to its languages, and to rules on what is counted."""
    for name, source in built.sources.items():
        with run.group("corpus", name):
            conditions = p.conditions(name)
            scored = conditions.score
            for measure in conditions.measures:
                source.measures[measure] = run_measure(run, p, built, measure, name)
            rules = conditions.limits()
            decision = run(
                keep,
                name,
                documents=source.documents,
                before=source.before,
                scores=source.measures.get("score"),
                pareto=scored.pareto if scored else None,
                threshold=scored.threshold if scored else None,
                languages=p.sources[name].languages,
                seed=p.seed,
                measures={measure: source.measures[measure] for measure in rules},
                rules=rules,
            )
            source.decisions.append(decision)


def judge_by_words(run: Run, p: Pipeline, how: Quality, built: Built) -> None:
    """The quality classifier, fitted or the user's own, and how well it agrees with a user's labels."""
    if how.classifier is not None:
        given = _listed(run, p, "classifier", built, how.classifier, frozen=False)
        built.classifier = run(given_classifier, "quality", **given)
    else:
        taken = p.retracted().classifier
        built.classifier = run(
            classifier,
            "quality",
            good=[learned_from(run, p, how, built, name, taken.get(name)) for name in p.teaching(how.good)],
            raw=[learned_from(run, p, how, built, name, taken.get(name)) for name in p.teaching(how.raw)],
            preset=how.preset,
            sample=how.sample,
            features=how.features,
            validation=p.validation,
            seed=p.seed,
        )
    if how.labels is not None:
        files = _listed(run, p, "labels", built, how.labels.files, frozen=False)
        fields = {"text": how.labels.text, "label": how.labels.label}
        built.labels = run(labels, "quality", **files, fields=fields, classifier=built.classifier)


def learned_from(run: Run, p: Pipeline, how: Quality, built: Built, name: str, taken: list[str] | None) -> Artifact:
    """What the classifier draws from: a source's documents, without those `taken` back that its sample would hold."""
    documents = built.sources[name].documents
    if taken is None:
        return documents
    drawing = {"sample": how.sample, "validation": p.validation, "seed": p.seed, "mixed": how.preset == "gpt3"}
    return run(remaining, name, documents=documents, ids=taken, **drawing)


def run_measure(run: Run, p: Pipeline, built: Built, measure: str, name: str) -> Artifact:
    """A measure that `keep` asks for, of one source."""
    documents = built.sources[name].documents
    if measure == "heuristics":
        return run(heuristics, name, documents=documents)
    if measure == "pii":
        return run(pii, name, documents=documents)
    if built.harm is None:
        assert p.harm is not None  # the schema saw to it
        with run.group("quality"):
            files = _listed(run, p, "harm", built, p.harm.files, frozen=False)
            built.harm = run(
                harm_classifier, "harm", **files, fields=p.harm.fields(), features=p.harm.features, seed=p.seed
            )
    return run(harm, name, documents=documents, classifier=built.harm)


def remove_duplicates(run: Run, p: Pipeline, built: Built) -> None:
    """A document leaves for its copy that comes first: in an earlier source, or before it in its own."""
    how = p.dedup.filled()
    banding = {"bands": how["bands"], "rows": how["rows"]}
    met = {earlier for name in p.sources for earlier in p.before(name)}
    for name, source in built.sources.items():
        earlier = [built.sources[other] for other in p.before(name)]
        with run.group("corpus", name):
            decision = run(
                survivors,
                name,
                documents=[each.documents for each in [*earlier, source]],
                before=source.last,
                signatures=[each.measures["signatures"] for each in [*earlier, source]],
                buckets=[built.buckets[other] for other in p.before(name)],
                **banding,
                threshold=how["threshold"],
                bucket=how["bucket"],
                memory=how["memory"],
            )
            source.decisions.append(decision)
            signing = {"shingle": how["shingle"], "permutations": how["permutations"], "seed": p.seed}
            asking = {"sample": how["sample"], "threshold": how["threshold"]}
            run(recall, name, documents=source.documents, survivors=decision, **signing, **banding, **asking)
            if name in met:
                signed = source.measures["signatures"]
                inputs = {"documents": source.documents, "before": decision, "signatures": signed}
                built.buckets[name] = run(buckets, name, **inputs, **banding)


def remove_benchmarks(run: Run, p: Pipeline, built: Built) -> None:
    """Benchmark text leaves, with a margin around it; without benchmarks there is nothing to decide."""
    if not built.benchmarks or not p.sources:
        return
    how = p.decontaminate
    judged = how.judged()
    with run.group("decontamination"):
        built.frequent = run(
            frequent,
            "all",
            documents=[built.sources[name].documents for name in p.teachers],
            hits=[built.sources[name].measures["hits"] for name in p.teachers],
            before=[built.sources[name].last for name in p.teachers],
            grams=built.grams,
            limit=how.frequent,
        )
    for name, source in built.sources.items():
        with run.group("corpus", name):
            decision = run(
                cuts,
                name,
                documents=source.documents,
                hits=source.measures["hits"],
                before=source.last,
                grams=built.grams,
                frequent=built.frequent,
                rule=how.rule,
                judged=judged,
                shortest=how.shortest,
                pieces=how.pieces,
            )
            source.decisions.append(decision)


# In the order in which documents leave: each appends a decision to the sources.
STEPS = [take_back, filter_quality, remove_duplicates, remove_benchmarks]
