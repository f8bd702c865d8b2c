"""The corpus to tokens: a tokenizer, fitted or the user's own, and every source's token shards."""

from conf.pipeline import Pipeline
from flows.dag.built import Built
from flows.dag.corpus import build_corpus
from flows.dag.examples import show_examples
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.sources.input.listing import listed
from tasks.sources.remote.manners import Manners
from tasks.tokens.given import given_tokenizer
from tasks.tokens.kinds.given import patterns
from tasks.tokens.tokenizer import tokenizer
from tasks.tokens.tokens import tokens


def train_tokenizer(run: Run, p: Pipeline) -> Built:
    """The corpus, a tokenizer made from a sample of it, and every source's token shards."""
    built = build_corpus(run, p)
    if not p.sources:
        return built
    with run.group("tokens"):
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
    show_examples(run, p, built)
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
        documents={name: built.sources[name].documents for name in p.teachers},
        decisions={name: built.sources[name].last for name in p.teachers},
        shares=p.shares(),
        kind=how.kind,
        vocabulary=how.vocabulary,
        sample=how.sample,
        validation=p.validation,
        seed=p.seed,
    )
