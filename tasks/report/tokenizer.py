"""Tokenizer: what it was made from, how far it packs each source and language, and whether its ids are worth having.

Too small a corpus for the vocabulary shows twice. Fewer ids are made than were asked for, where every pair that is left
was met once. And ids stay rare: a model learns little of what it hardly meets. The measure is that of Gowda and May
(2020, Finding the Optimal Vocabulary Size for Neural Machine Translation, section 5): the largest vocabulary of which
at least 95 % of the classes have 100 or more training examples. They trained translation models; it is a warning here,
and stops nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tasks.report.formats import number, ratio, share
from tasks.report.given import Given
from tasks.report.section import Content, Counted, Section
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json
from tasks.tokens.given import given_tokenizer
from tasks.tokens.kinds.spelling import spelled
from tasks.tokens.tokenizer import Learned, tokenizer_file
from tasks.tokens.tokenizer import tokenizer as tokenizer_stage
from tasks.tokens.tokens import Encoded, Tokenised, TokenShards
from tasks.tokens.tokens import tokens as tokens_stage

LONGEST = 20  # tokens shown
UNUSED = 20  # ids shown
OFTEN, SHARE = 100, 0.95  # Gowda and May: at least this often, of at least this share of the ids
LANGUAGES = 20  # shown, those of the most bytes


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    made = given.single(tokenizer_stage) or given.single(given_tokenizer)
    if made is None:
        return None
    learned = made.counts(Learned)
    of_sources = given.named(tokens_stage)
    content: Content = {"made": to_json(learned), "sources": sources(of_sources), "languages": languages(of_sources)}
    tokens = spelled_tokens(made)
    content["longest"] = longest(tokens)
    if of_sources:
        counts = np.zeros(learned.vocabulary, np.int64)
        for artifact in of_sources.values():
            counts += TokenShards.of(artifact).id_counts()
        content |= usage(counts, tokens)
    content["warnings"] = list(warnings(content))
    return content


def sources(tokenised: Mapping[str, Artifact]) -> list[dict[str, Any]]:
    rows = []
    for source, artifact in tokenised.items():
        counts = artifact.counts(Tokenised)
        tokens = counts.train + counts.validation
        languages = {name: ratio(one.bytes, one.tokens) for name, one in counts.languages.items()}
        row = {**to_json(counts), "source": source, "bytes_a_token": ratio(counts.bytes, tokens)}
        rows.append({**row, "bytes_a_token_by_language": languages})
    return rows


def languages(tokenised: Mapping[str, Artifact]) -> list[dict[str, Any]]:
    """Of all sources together, those of the most bytes first; of how many sources each has documents in."""
    summed: dict[str, list[Encoded]] = {}
    for artifact in tokenised.values():
        for name, one in artifact.counts(Tokenised).languages.items():
            summed.setdefault(name, []).append(one)
    rows = []
    for name, ones in summed.items():
        size, tokens = sum(one.bytes for one in ones), sum(one.tokens for one in ones)
        documents = sum(one.documents for one in ones)
        row = {"language": name, "documents": documents, "bytes": size, "tokens": tokens}
        rows.append({**row, "bytes_a_token": ratio(size, tokens)})
    return sorted(rows, key=lambda row: (-row["bytes"], row["language"]))


def spelled_tokens(made: Artifact) -> list[str]:
    """What each id spells; bytes that are no UTF-8 as \\xNN."""
    from tokenizers import Tokenizer

    library = Tokenizer.from_file(str(tokenizer_file(made)))
    return [spelt.decode(errors="backslashreplace") for spelt in spelled(library)]


def longest(tokens: list[str]) -> list[dict[str, Any]]:
    """In characters, the longest first; of equal ones the smaller id."""
    chosen = sorted(range(len(tokens)), key=lambda number: (-len(tokens[number]), number))[:LONGEST]
    return [{"id": number, "token": tokens[number], "characters": len(tokens[number])} for number in chosen]


def usage(counts: np.ndarray, tokens: list[str]) -> dict[str, Any]:
    """Of int64 (ids,) counts over the train split."""
    unused = np.flatnonzero(counts == 0).tolist()
    return {
        "unused": len(unused),
        "unused_shown": [{"id": number, "token": tokens[number]} for number in unused[:UNUSED]],
        "often": int((counts >= OFTEN).sum()),
        "often_share": ratio(int((counts >= OFTEN).sum()), len(counts)),
    }


def warnings(content: Content) -> Iterator[str]:
    made = content["made"]
    if made["vocabulary"] < made["asked"]:
        yield (
            f"asked {number(made['asked'])} ids, made {number(made['vocabulary'])}: no pair that is left was met "
            "twice. The sample is too small for the vocabulary: raise `sample`, add text, or ask for fewer"
        )
    if content.get("often_share") is not None and content["often_share"] < SHARE:
        yield (
            f"{share(1 - content['often_share'])} of the ids are met fewer than {OFTEN} times in the training text "
            f"(Gowda and May 2020: at most {share(1 - SHARE)}): it is small for this vocabulary"
        )


def lines(content: Content) -> Iterator[str]:
    for warning in content["warnings"]:
        yield f"Tokenizer: {warning}"


TOKENIZER = Section("tokenizer", "Tokenizer", gather, lines=lines)
