"""The corpus to tokens, models and scores."""

from dataclasses import asdict

from conf.pipeline import Pipeline
from flows.dag.built import Built
from flows.dag.corpus import build_corpus
from tasks.evaluation.evaluate import evaluate as score_model
from tasks.evaluation.overlap import overlap
from tasks.models.imported import imported
from tasks.models.imported import patterns as patterns_of_model
from tasks.models.pretrain import pretrain as train
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.sources.input.listing import listed
from tasks.sources.remote.manners import Manners
from tasks.tokens.given import given_tokenizer
from tasks.tokens.kinds.given import patterns
from tasks.tokens.mixture import mixture
from tasks.tokens.tokenizer import tokenizer
from tasks.tokens.tokens import tokens


def train_tokenizer(run: Run, p: Pipeline) -> Built:
    """The corpus, a tokenizer made from a sample of it, and every source's token shards."""
    built = build_corpus(run, p)
    built.tokenizer = tokenizer_of(run, p, built)
    for name, source in built.sources.items():
        built.tokens[name] = run(
            tokens,
            name,
            documents=source.documents,
            decision=source.last,
            tokenizer=built.tokenizer,
            validation=p.validation,
            seed=p.seed,
            sizes=list(p.dedup.rehydrate),
        )
    return built


def tokenizer_of(run: Run, p: Pipeline, built: Built) -> Artifact:
    """The tokenizer, fitted or the user's own."""
    how = p.tokenizer
    if how.file is not None:
        manners = Manners(**p.servers.model_dump())
        files = listed(run, "tokenizer", patterns(how.file), built.sample, frozen=False, manners=manners)
        return run(given_tokenizer, how.kind, **files, vocabulary=how.vocabulary, end_of_text=how.end_of_text)
    return run(
        tokenizer,
        how.kind,
        documents=built.documents,
        decisions=built.decided,
        shares=p.shares(),
        kind=how.kind,
        vocabulary=how.vocabulary,
        sample=how.sample,
        validation=p.validation,
        seed=p.seed,
    )


def pretrain(run: Run, p: Pipeline) -> Built:
    """Token shards to models, each with its own mixture, since each has its own budget."""
    built = train_tokenizer(run, p)
    for name, model in p.models.items():
        if model.from_ is not None:
            built.models[name] = incoming(run, p, name, built)
            continue
        architecture, training = model.filled(vocabulary=p.tokenizer.vocabulary, seed=p.seed)
        built.mixtures[name] = run(
            mixture,
            name,
            tokens=built.tokens,
            groups={source: p.group(source) for source in p.sources},
            weights=p.mixture.weights,
            budget=model.budget(),
            context=architecture.context,
            validation=p.validation,
            validation_windows=training.validation_windows,
            seed=p.seed,
            max_epochs=p.mixture.epochs.max,
            times=list(p.dedup.rehydrate.values()),
        )
        built.models[name] = run(
            train,
            name,
            mixture=built.mixtures[name],
            tokenizer=built.tokenizer,
            architecture=asdict(architecture),
            training=asdict(training),
            torchrun=model.torchrun,
        )
    return built


def incoming(run: Run, p: Pipeline, name: str, built: Built) -> Artifact:
    """A model that was trained elsewhere."""
    model = p.models[name]
    assert model.from_ is not None
    files = listed(run, f"model-{name}", patterns_of_model(model.from_), built.sample)
    return run(imported, name, **files, end_of_text=model.end_of_text)


def evaluate(run: Run, p: Pipeline) -> Built:
    """Models to scores, on all items and on those that the training text is clean of."""
    built = pretrain(run, p)
    if built.benchmarks:
        built.overlap = run(overlap, "all", tokens=built.tokens, tokenizer=built.tokenizer, benchmarks=built.benchmarks)
    for name, model in built.models.items():
        built.evaluations[name] = run(
            score_model,
            name,
            model=model,
            **(
                {"mixture": built.mixtures[name]}
                if name in built.mixtures
                else {"tokens": built.tokens, "tokenizer": built.tokenizer}
            ),
            benchmarks={task: built.benchmarks[task] for task in p.evaluate.tasks},
            overlap=built.overlap,
            tasks=p.tasks(),
            seed=p.seed,
        )
    return built
