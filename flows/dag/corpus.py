"""Sources to columns: every document's text, what was measured of it, and what each decision says."""

from conf.pipeline import Pipeline
from flows.dag.built import Built, Columns
from tasks.decontaminate.benchmark import benchmark
from tasks.decontaminate.cuts import cuts
from tasks.decontaminate.frequent import frequent
from tasks.decontaminate.grams import grams
from tasks.decontaminate.hits import hits
from tasks.dedup.signatures import signatures
from tasks.dedup.survivors import survivors
from tasks.demo.sample import installed, sample
from tasks.quality.classifier import classifier
from tasks.quality.keep import keep
from tasks.quality.score import score
from tasks.runtime.run import Run
from tasks.sources.ingest import ingest
from tasks.sources.listing import listed
from tasks.sources.manners import Manners


def build_corpus(run: Run, p: Pipeline) -> Built:
    """Everything up to the last decision on each source."""
    built, manners = Built(), Manners(**p.servers.model_dump())
    if p.sample:
        built.sample = run(sample, "demo", megabytes=p.sample.megabytes, seed=p.seed, machine=installed())
    for name, declared in p.benchmarks.items():  # first, since they are small: what is wrong is told at once
        files = listed(run, name, declared.files, built.sample, frozen=False, manners=manners)
        built.benchmarks[name] = run(benchmark, name, **files, text=declared.text)
    for name, source in p.sources.items():
        documents = run(
            ingest,
            name,
            **listed(run, name, source.files, built.sample, crawl=source.common_crawl(p.seed), manners=manners),
            source=name,
            kind=source.kind,
            fields={"text": source.text, "id": source.id, "url": source.url},
            ids=source.ids,
            limits=source.limits.model_dump(),
            reject_share=source.reject_share,
            manners=p.servers.model_dump(),
            shard=source.shard,
        )
        built.sources[name] = Columns(documents)
    for step in STEPS:
        step(run, p, built)
    return built


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
    for name, source in built.sources.items():
        ranked = [*(built.sources[earlier] for earlier in p.before(name)), source]
        decision = run(
            survivors,
            name,
            documents=[each.documents for each in ranked],
            before=[each.last for each in ranked],
            signatures=[each.measures["signatures"] for each in ranked],
            bands=how["bands"],
            rows=how["rows"],
            threshold=how["threshold"],
            bucket=how["bucket"],
        )
        source.decisions.append(decision)


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
