"""Sources to columns: every document's text, what was measured of it, and what each decision says."""

from typing import Any

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
from tasks.quality.classifier import classifier
from tasks.quality.keep import keep
from tasks.quality.score import score
from tasks.runtime.run import Run
from tasks.sources.ingest import ingest
from tasks.sources.input.listing import listed
from tasks.sources.page.extract import versioned
from tasks.sources.remote.manners import Manners
from tasks.sources.selection.select import select
from tasks.sources.webtext.links import links
from tasks.sources.webtext.submissions import submissions


def build_corpus(run: Run, p: Pipeline) -> Built:
    """Everything up to the last decision on each source."""
    built = Built()
    if p.sample:
        built.sample = run(sample, "demo", megabytes=p.sample.megabytes, seed=p.seed, machine=installed())
    for name, declared in p.benchmarks.items():  # first, since they are small: what is wrong is told at once
        files = _listed(run, p, name, built, declared.files, frozen=False)
        built.benchmarks[name] = run(benchmark, name, **files, text=declared.text)
    find_links(run, p, built)
    select_records(run, p, built)
    for name, source in p.sources.items():
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
        built.sources[name] = Columns(documents)
    for step in STEPS:
        step(run, p, built)
    return built


def find_links(run: Run, p: Pipeline, built: Built) -> None:
    """What Reddit's submissions link to, for each source of kind webtext."""
    for name, source in p.sources.items():
        if source.submissions is None:
            continue
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


def filter_quality(run: Run, p: Pipeline, built: Built) -> None:
    """Raw sources are scored and resampled; every source keeps to its languages."""
    raw = p.named(p.quality.raw) if p.quality else []
    if p.quality:
        built.classifier = run(
            classifier,
            "quality",
            good=[built.sources[name].documents for name in p.named(p.quality.good)],
            raw=[built.sources[name].documents for name in raw],
            sample=p.quality.sample,
            features=p.quality.features,
            validation=p.validation,
            seed=p.seed,
        )
    for name, source in built.sources.items():
        scored = built.classifier is not None and name in raw
        if scored:
            source.measures["score"] = run(score, name, documents=source.documents, classifier=built.classifier)
        decision = run(
            keep,
            name,
            documents=source.documents,
            before=source.before,
            scores=source.measures.get("score"),
            pareto=p.quality.keep.pareto if p.quality and scored else None,
            threshold=p.quality.keep.threshold if p.quality and scored else None,
            languages=p.sources[name].languages,
            seed=p.seed,
        )
        source.decisions.append(decision)


def remove_duplicates(run: Run, p: Pipeline, built: Built) -> None:
    """A document leaves for its copy that comes first: in an earlier source, or before it in its own."""
    how = p.dedup.filled()
    for name, source in built.sources.items():
        source.measures["signatures"] = run(
            signatures,
            name,
            documents=source.documents,
            shingle=how["shingle"],
            permutations=how["permutations"],
            seed=p.seed,
        )
    banding = {"bands": how["bands"], "rows": how["rows"]}
    met = {earlier for name in p.sources for earlier in p.before(name)}
    for name, source in built.sources.items():
        earlier = [built.sources[other] for other in p.before(name)]
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
    if not built.benchmarks:
        return
    how = p.decontaminate
    built.grams = run(grams, "all", benchmarks=built.benchmarks, n=how.n)
    for name, source in built.sources.items():
        source.measures["hits"] = run(
            hits, name, documents=source.documents, grams=built.grams, n=how.n, margin=how.margin
        )
    built.frequent = run(
        frequent,
        "all",
        documents=list(built.documents.values()),
        hits=list(built.measured("hits").values()),
        before=list(built.decided.values()),
        limit=how.frequent,
    )
    for name, source in built.sources.items():
        decision = run(
            cuts,
            name,
            documents=source.documents,
            hits=source.measures["hits"],
            before=source.last,
            frequent=built.frequent,
            shortest=how.shortest,
            pieces=how.pieces,
        )
        source.decisions.append(decision)


# In the order in which documents leave: each appends its measures and a decision to the sources.
STEPS = [filter_quality, remove_duplicates, remove_benchmarks]
