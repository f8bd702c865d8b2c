"""Tokenizer: the vocabulary, what it was made from, and how far it packs each source."""

from tasks.report.given import Given
from tasks.report.section import Content, Counted, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json
from tasks.tokens.tokenizer import Learned
from tasks.tokens.tokenizer import tokenizer as tokenizer_stage
from tasks.tokens.tokens import Tokenised
from tasks.tokens.tokens import tokens as tokens_stage


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    learned = given.single(tokenizer_stage)
    if learned is None:
        return None
    sources = []
    for source, shards in given.named(tokens_stage).items():
        counts = shards.counts(Tokenised)
        tokens = counts.train + counts.validation
        packed = counts.bytes / tokens if tokens else None
        sources.append({"source": source, **to_json(counts), "bytes_a_token": packed})
    return {"made": to_json(learned.counts(Learned)), "sources": sources}


TOKENIZER = Section("tokenizer", "Tokenizer", gather)
