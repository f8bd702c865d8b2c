"""The DAG, in prose: which stage reads what. Nothing here knows how a stage is run.

`run(stage, name, **arguments)` gives an artifact's handle and, where the run builds, makes it first; so the same
functions serve `millrace run`, `plan`, `status` and Prefect's flows. Each of the five entry points runs the DAG from
its beginning: what is there already is only looked at.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from conf.schema import Pipeline
from tasks.decontaminate.benchmark import benchmark
from tasks.decontaminate.cuts import cuts
from tasks.decontaminate.frequent import frequent
from tasks.decontaminate.grams import grams
from tasks.decontaminate.hits import hits
from tasks.dedup.signatures import signatures
from tasks.dedup.survivors import survivors
from tasks.demo import sample as demo
from tasks.evaluation.evaluate import evaluate as score_model
from tasks.evaluation.overlap import overlap
from tasks.models.pretrain import pretrain as train
from tasks.quality.classifier import classifier
from tasks.quality.keep import keep
from tasks.quality.score import score
from tasks.report.report import report
from tasks.runtime.stage import Artifact, Run
from tasks.sources.ingest import ingest
from tasks.sources.listing import listed
from tasks.tokens.mixture import mixture
from tasks.tokens.tokenizer import tokenizer
from tasks.tokens.tokens import tokens

By = dict[str, Artifact]  # artifacts by the name of their source, benchmark or model


@dataclass
class Built:
    """The handles of a pipeline's artifacts, as far as its DAG was followed."""

    sample: Artifact | None = None
    documents: By = field(default_factory=dict)
    classifier: Artifact | None = None
    scores: By = field(default_factory=dict)
    keeps: By = field(default_factory=dict)
    signatures: By = field(default_factory=dict)
    survivors: By = field(default_factory=dict)
    benchmarks: By = field(default_factory=dict)
    grams: Artifact | None = None
    hits: By = field(default_factory=dict)
    frequent: Artifact | None = None
    cuts: By = field(default_factory=dict)
    tokenizer: Artifact | None = None
    tokens: By = field(default_factory=dict)
    mixtures: By = field(default_factory=dict)
    models: By = field(default_factory=dict)
    overlap: Artifact | None = None
    evaluations: By = field(default_factory=dict)
    report: Artifact | None = None
    page: Path | None = None  # the report as HTML, where a run wrote it
    artifacts: list[Artifact] = field(default_factory=list)  # all of them, in the order of the run


def build_corpus(run: Run, p: Pipeline) -> Built:
    """Sources to columns: every document's text, and what each filter decided of it."""
    b = Built(artifacts=run.artifacts)
    if p.sample:
        b.sample = run(demo.sample, "demo", megabytes=p.sample.megabytes, seed=p.seed, machine=demo.installed())
    for name, one in p.benchmarks.items():  # first, since they are small: what is wrong with them is told at once
        b.benchmarks[name] = run(benchmark, name, **listed(run, name, one.files, b.sample, frozen=False), text=one.text)
    for name, source in p.sources.items():
        b.documents[name] = run(
            ingest,
            name,
            **listed(run, name, source.files, b.sample, crawl=source.common_crawl(p.seed)),
            source=name,
            kind=source.kind,
            fields={"text": source.text, "id": source.id, "url": source.url},
            reject_share=source.reject_share,
            shard=source.shard,
        )
    _filter_quality(run, p, b)
    _remove_duplicates(run, p, b)
    _remove_benchmarks(run, p, b)
    return b


def _filter_quality(run: Run, p: Pipeline, b: Built) -> None:
    raw = p.named(p.quality.raw) if p.quality else []
    if p.quality:
        b.classifier = run(
            classifier,
            "quality",
            good=[b.documents[name] for name in p.named(p.quality.good)],
            raw=[b.documents[name] for name in raw],
            sample=p.quality.sample,
            features=p.quality.features,
            validation=p.validation,
            seed=p.seed,
        )
        for name in raw:
            b.scores[name] = run(score, name, documents=b.documents[name], classifier=b.classifier)
    for name, source in p.sources.items():
        b.keeps[name] = run(
            keep,
            name,
            documents=b.documents[name],
            scores=b.scores.get(name),
            pareto=p.quality.keep.pareto if p.quality and name in raw else None,
            threshold=p.quality.keep.threshold if p.quality and name in raw else None,
            languages=source.languages,
            seed=p.seed,
        )


def _remove_duplicates(run: Run, p: Pipeline, b: Built) -> None:
    how = p.dedup.filled()
    for name, documents in b.documents.items():
        b.signatures[name] = run(
            signatures,
            name,
            documents=documents,
            shingle=how["shingle"],
            permutations=how["permutations"],
            seed=p.seed,
        )
    for name in b.documents:
        before = p.before(name)
        b.survivors[name] = run(
            survivors,
            name,
            documents=[b.documents[one] for one in [*before, name]],
            keeps=[*(b.survivors[one] for one in before), b.keeps[name]],
            signatures=[b.signatures[one] for one in [*before, name]],
            bands=how["bands"],
            rows=how["rows"],
            threshold=how["threshold"],
            bucket=how["bucket"],
        )


def _remove_benchmarks(run: Run, p: Pipeline, b: Built) -> None:
    if not p.benchmarks:
        b.cuts = b.survivors  # nothing to look for: the decision before stands
        return
    how = p.decontaminate
    b.grams = run(grams, "all", benchmarks=b.benchmarks, n=how.n)
    for name, documents in b.documents.items():
        b.hits[name] = run(hits, name, documents=documents, grams=b.grams, n=how.n, margin=how.margin)
    b.frequent = run(
        frequent,
        "all",
        documents=list(b.documents.values()),
        hits=list(b.hits.values()),
        keeps=list(b.survivors.values()),
        limit=how.frequent,
    )
    for name, documents in b.documents.items():
        b.cuts[name] = run(
            cuts,
            name,
            documents=documents,
            hits=b.hits[name],
            keeps=b.survivors[name],
            frequent=b.frequent,
            shortest=how.shortest,
            pieces=how.pieces,
        )


def train_tokenizer(run: Run, p: Pipeline) -> Built:
    """The corpus, a tokenizer made from a sample of it, and every source's token shards."""
    b = build_corpus(run, p)
    b.tokenizer = run(
        tokenizer,
        p.tokenizer.kind,
        documents=b.documents,
        cuts=b.cuts,
        shares=p.shares(),
        vocabulary=p.tokenizer.vocabulary,
        sample=p.tokenizer.sample,
        validation=p.validation,
        seed=p.seed,
    )
    for name, documents in b.documents.items():
        b.tokens[name] = run(
            tokens,
            name,
            documents=documents,
            cuts=b.cuts[name],
            tokenizer=b.tokenizer,
            validation=p.validation,
            seed=p.seed,
        )
    return b


def pretrain(run: Run, p: Pipeline) -> Built:
    """Token shards to models, each with its own mixture, since each has its own budget."""
    b = train_tokenizer(run, p)
    for name, model in p.models.items():
        architecture, training = model.filled(vocabulary=p.tokenizer.vocabulary, seed=p.seed)
        b.mixtures[name] = run(
            mixture,
            name,
            tokens=b.tokens,
            groups={source: p.group(source) for source in p.sources},
            weights=p.mixture,
            budget=model.budget(),
            seed=p.seed,
        )
        b.models[name] = run(
            train,
            name,
            mixture=b.mixtures[name],
            tokenizer=b.tokenizer,
            architecture=asdict(architecture),
            training=asdict(training),
        )
    return b


def evaluate(run: Run, p: Pipeline) -> Built:
    """Models to scores, on all items and on those that the training text is clean of."""
    b = pretrain(run, p)
    if b.benchmarks:
        b.overlap = run(overlap, "all", tokens=b.tokens, tokenizer=b.tokenizer, benchmarks=b.benchmarks)
    for name, model in b.models.items():
        b.evaluations[name] = run(
            score_model,
            name,
            model=model,
            mixture=b.mixtures[name],
            benchmarks={task: b.benchmarks[task] for task in p.evaluate.tasks},
            overlap=b.overlap,
            tasks=p.tasks(),
            seed=p.seed,
        )
    return b


def crawl_to_model(run: Run, p: Pipeline) -> Built:
    """Everything, and the report."""
    b = evaluate(run, p)
    b.report = run(
        report,
        p.title,
        documents=b.documents,
        scores=b.scores,
        keeps=b.keeps,
        survivors=b.survivors,
        hits=b.hits,
        cuts=b.cuts,
        classifier=[b.classifier] if b.classifier else [],
        grams=[b.grams] if b.grams else [],
        benchmarks=b.benchmarks,
        tokenizer=b.tokenizer,
        tokens=b.tokens,
        mixtures=b.mixtures,
        models=b.models,
        overlap=[b.overlap] if b.overlap else [],
        evaluations=b.evaluations,
        sample=[b.sample] if b.sample else [],
        pareto=p.quality.keep.pareto if p.quality else None,
        groups={source: p.group(source) for source in p.sources},
        title=p.title,
    )
    return b
