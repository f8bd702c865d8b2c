"""Tokenizers for tests: an artifact of each kind, and ids by other libraries, from the artifact's own files."""

import base64
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

from corpora import decided, source

from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.tokens.tokenizer import tokenizer, tokenizer_file

KINDS = ("byte-bpe", "gpt1", "wordpiece")
Encode = Callable[[str], list[int]]


def made(run: Run, kind: str, texts: list[str], vocabulary: int, shards: int = 1, **how) -> Artifact:
    """A tokenizer of all these texts."""
    documents = {"web": source(run, "web", texts, shards)}
    how = {"sample": 10**7, "validation": 0.0, "seed": 1, **how}
    decisions = {"web": decided(run, documents["web"])}
    return run(
        tokenizer, kind, documents=documents, decisions=decisions, shares={"web": 1.0}, kind=kind,
        vocabulary=vocabulary, **how,
    )  # fmt: skip


@cache
def library(path: Path):
    """A tokenizer.json, for which text that spells a special token is text."""
    from tokenizers import Tokenizer

    loaded = Tokenizer.from_file(str(path))
    loaded.encode_special_tokens = True
    return loaded


def encode(artifact: Artifact) -> Encode:
    """By tokenizer.json."""
    loaded = library(tokenizer_file(artifact))
    return lambda text: loaded.encode(text, add_special_tokens=False).ids


def by_tiktoken(artifact: Artifact) -> Encode:
    """By the ranks alone, read as tiktoken's own loader does."""
    import tiktoken
    from tiktoken_ext.openai_public import r50k_pat_str

    lines = artifact.read("tokenizer.tiktoken").splitlines()
    ranks = {base64.b64decode(spelt): int(rank) for spelt, rank in (line.split() for line in lines)}
    encoding = tiktoken.Encoding("ours", pat_str=r50k_pat_str, mergeable_ranks=ranks, special_tokens={})
    return encoding.encode_ordinary


def by_merges(artifact: Artifact) -> Encode:
    """By vocab.json and merges.txt, as GPT-2 and GPT-1 are loaded the slow way."""
    from tokenizers import Tokenizer, models

    files = [str(artifact.local(name)) for name in ("vocab.json", "merges.txt")]
    end = {"unk_token": "<unk>", "end_of_word_suffix": "</w>"} if artifact.name == "gpt1" else {}
    loaded = Tokenizer(models.BPE.from_file(*files, **end))
    _split_as(loaded, artifact)
    return lambda text: loaded.encode(text, add_special_tokens=False).ids


def by_pieces(artifact: Artifact) -> Encode:
    """By vocab.txt."""
    from tokenizers import Tokenizer, models

    pieces = artifact.local("vocab.txt").read_text().split("\n")[:-1]
    loaded = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(pieces)}, unk_token="[UNK]"))
    _split_as(loaded, artifact)
    return lambda text: loaded.encode(text, add_special_tokens=False).ids


def _split_as(loaded, artifact: Artifact) -> None:
    """The other libraries' files say no words: these are the tokenizer.json's."""
    ours = library(tokenizer_file(artifact))
    if ours.normalizer is not None:
        loaded.normalizer = ours.normalizer
    loaded.pre_tokenizer = ours.pre_tokenizer


OTHERS: list[tuple[str, Callable[[Artifact], Encode]]] = [
    ("byte-bpe", by_tiktoken), ("byte-bpe", by_merges), ("gpt1", by_merges), ("wordpiece", by_pieces),
]  # fmt: skip


WORDS = [
    *("the", "then", "there", "mill", "milling", "race", "racing", "réumé", "Größe", "don't", "naïve", "“quoted”", "—"),
    *("1234", "漢字", "仮名", "ééé", "aaaaaa"),
]


def texts(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choice(WORDS) for _ in range(30)) + ".\n" for _ in range(count)]


def unicode_strings(count: int, seed: int) -> list[str]:
    """Of all planes, assigned or not, with much white space and what the tokenizers know."""
    draw = random.Random(seed)
    known = [*WORDS, " ", "  ", "\n", "\t ", "'s", "'ll", "'", "\u00a0", "\u2028", "\u3000", "\u0301", "\x00", "\u200d"]

    def part() -> str:
        if draw.random() < 0.5:
            return draw.choice(known)
        code = draw.choice((draw.randrange(0x20, 0x250), draw.randrange(0x10000), draw.randrange(0x110000)))
        return chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd"

    return ["".join(part() for _ in range(draw.randrange(1, 24))) for _ in range(count)]
