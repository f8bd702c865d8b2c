"""Text from a model: drawn, or the best of a search, over caches of keys and values.

One prompt as it comes, for people (`tokens`, `batch`, `complete`, `beam`: reader.py), or many side by side, for
evaluation (`generate`: rows.py).

python -m model.generate FOLDER "Once upon a time" 100
"""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from model.beams import Beam
from model.gpt import GPT
from model.likelihood import DECIMALS
from model.prefixes import Lines, Stack
from model.reader import Reader
from model.rows import Rows
from model.sampling import LIKELIEST, Sampling, drawn, drawn_at, generator
from model.tokenizer import Tokenizer


def tokens(
    model: GPT, prompt: Sequence[int], *, limit: int, sampling: Sampling = Sampling(), seed: int = 1,
    end: int | None = None, cache: bool = True,
) -> Iterator[int]:  # fmt: skip
    """Up to `limit` tokens that follow `prompt`; stops at the token `end`, which is not yielded.

    An empty prompt begins a document (after the model's end_of_text). Same arguments, same tokens. cache=False computes
    everything anew for each token, to check the cache against.
    """
    for (token,) in batch(model, prompt, 1, limit=limit, sampling=sampling, seed=seed, end=end, cache=cache):
        assert token is not None
        yield token


def batch(
    model: GPT, prompt: Sequence[int], count: int, *, limit: int, sampling: Sampling = Sampling(), seed: int = 1,
    end: int | None = None, cache: bool = True,
) -> Iterator[list[int | None]]:  # fmt: skip
    """`count` texts side by side: at each step the next token of each, None once a text has ended."""
    reader = Reader(model, count, cache)
    begun = beginning(model, prompt)
    texts = [list(begun) for _ in range(count)]
    draws = [generator(seed, row) for row in range(count)]
    ended = [False] * count
    for _ in range(limit):
        laws = [sampling.law(logits) for logits in reader.logits(texts)[:, -1]]
        made: list[int | None] = []
        for row, (text, law, draw) in enumerate(zip(texts, laws, draws, strict=True)):
            token = drawn(law, draw)
            ended[row] = ended[row] or token == end
            made.append(None if ended[row] else token)
            text.append(token)  # also after the end, where nobody looks: rows are of one length
        if all(ended):
            return
        yield made


def complete(
    model: GPT, tokenizer: Tokenizer, prompt: str, *, limit: int = 100, stop: Sequence[str] = (), count: int = 1,
    sampling: Sampling = Sampling(), seed: int = 1,
) -> list[str]:  # fmt: skip
    """`count` texts that follow `prompt`, each up to <|endoftext|>, `limit` tokens or the first `stop` string (left
    out). The n-th is the same however many are asked for, but where two tokens are equally likely to the last bits."""
    texts = [Text(tokenizer, stop) for _ in range(count)]
    made = batch(
        model, tokenizer.encode(prompt), count, limit=limit, end=tokenizer.end_of_text, sampling=sampling, seed=seed
    )
    for row in made:
        for text, token in zip(texts, row, strict=True):
            if token is not None:
                text.add(token)
        if all(text.stopped for text in texts):
            break
    return [text.so_far for text in texts]


class Text:
    """A text as its tokens come, up to the first `stop` string."""

    def __init__(self, tokenizer: Tokenizer, stop: Sequence[str]) -> None:
        self.tokenizer, self.stop = tokenizer, [ending for ending in stop if ending]
        self.ids: list[int] = []
        self.so_far, self.stopped = "", False

    def add(self, token: int) -> None:
        """One more; after a stop string nothing is added."""
        if not self.stopped:
            self.read([*self.ids, token])

    def read(self, ids: list[int]) -> None:
        """All of it anew."""
        self.ids, self.stopped = ids, False
        self.so_far = self.tokenizer.decode(ids)
        if cuts := [at for ending in self.stop if (at := self.so_far.find(ending)) >= 0]:
            self.so_far, self.stopped = self.so_far[: min(cuts)], True


@torch.inference_mode()
def beam(
    model: GPT,
    prompt: Sequence[int],
    *,
    limit: int,
    width: int = 4,
    length_penalty: float = 0.6,
    stop: Sequence[int] = (),
) -> list[tuple[list[int], float]]:
    """The `width` best continuations (beams.py), best first, each with its score; they end at a token of `stop`, by
    default end_of_text. Width 4 and penalty .6 are GPT-3's (section 2.4, after T5)."""
    context = model.architecture.context
    first = beginning(model, prompt)[-max(1, context - limit) :]
    device = model.tokens.weight.device
    caches = model.caches(width)
    ends = set(stop) if stop else {end for end in [model.end_of_text] if end is not None}
    search = Beam(width, min(limit, context - len(first) + 1), length_penalty, ends)
    logits = model(torch.tensor([first], device=device), caches=caches, start=0)[:, -1]  # (1, V)
    for cache in (half for layer in caches for half in layer):
        cache[1:] = cache[:1]
    while (parents := search.advance(logits)) is not None:
        rows = torch.tensor(parents, device=device)
        for cache in (half for layer in caches for half in layer):
            cache[: len(rows)] = cache[rows]
        last = torch.tensor([[ids[-1]] for ids, _ in search.live], device=device)  # (live, 1)
        logits = model(last, caches=caches, start=len(first) + search.length - 1)[:, -1]
    return [(ended.tokens, ended.score) for ended in search.finished]


def beginning(model: GPT, prompt: Sequence[int]) -> list[int]:
    """The prompt as the model reads it: the end of one too long, and a document's beginning for an empty one."""
    if prompt:
        return list(prompt)[-model.architecture.context :]
    if model.end_of_text is None:
        raise ValueError("an empty prompt needs the model's end_of_text: load the model with model.score.load")
    return [model.end_of_text]


@dataclass(frozen=True)
class Free:
    """How answers in free form are made. ValueError for what cannot be."""

    limit: int  # tokens, at the most
    stop: tuple[str, ...] = ()  # a text ends before the first of these
    beams: int = 1  # width of the search; 1: tokens are drawn, or the likeliest
    length_penalty: float = 0.6  # of the search; 4 beams and .6 are GPT-3's
    sampling: Sampling = LIKELIEST
    samples: int = 1  # texts a prompt: drawn apart; of a search its best
    seed: int = 1
    keys: tuple[str, ...] | None = None  # what a prompt's draws hang on; None: its tokens

    def __post_init__(self) -> None:
        for name in ("limit", "beams", "samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least 1")
        if self.beams > 1 and self.sampling != LIKELIEST:
            raise ValueError(f"{self.beams} beams draw nothing: they take no temperature, top-k or top-p")
        if 1 < self.beams < self.samples:
            raise ValueError(f"{self.samples} samples of {self.beams} beams: a search gives a text a beam at the most")


# Texts side by side: a step reads all weights once for all of them. And tokens of prompts a pass.
ROWS = {"cpu": 16, "cuda": 64}
PASS = {"cpu": 64, "cuda": 512}


class Generated(NamedTuple):
    """A text, and how likely the model finds it."""

    text: str
    log_likelihood: float  # nats, summed over its tokens and the one that ended it; to six decimals, as likelihood.py's


def generate(model: GPT, tokenizer: Tokenizer, prompts: Sequence[Sequence[int]], how: Free) -> list[list[str]]:
    """The texts of `generated`, alone."""
    return [[one.text for one in texts] for texts in generated(model, tokenizer, prompts, how)]


@torch.inference_mode()
def generated(model: GPT, tokenizer: Tokenizer, prompts: Sequence[Sequence[int]], how: Free) -> list[list[Generated]]:
    """Of each prompt (token ids; an empty one begins a document) its `how.samples` texts.

    A text ends before <|endoftext|> or a stop string, at `limit` tokens, or where the context is full; of a search the
    best come first, and there are fewer where it found fewer. Draws are by (seed, key of the prompt, sample, token),
    and no row shows in another's numbers (rows.py): the same texts whatever is asked beside, in whatever order. Prompts
    that begin alike are read together (prefixes.py). Products are in float32, as elsewhere here. A likelihood is the
    model's own, of temperature 1 over all tokens, however the text was drawn; it counts the end that the model wrote
    (<|endoftext|>, or all of the token that a stop string is in), and none where a limit cut it off.

    Memory beside the weights: 16 rows (64 on CUDA; more where a search is wider) of 8 x layers x width bytes a token of
    the longest prompt and its answer, and one row more to read prompts in.

    Raises:
        ValueError: a prompt that fills the context; an empty one of a model without end_of_text; `how.keys` of another
            number than the prompts; a model whose logits are not numbers.
    """
    if how.keys is not None and len(how.keys) != len(prompts):
        raise ValueError(f"{len(how.keys)} keys for {len(prompts)} prompts: give one each")
    context, device = model.architecture.context, model.tokens.weight.device.type
    for number, prompt in enumerate(prompts):
        if len(prompt) >= context:
            raise ValueError(f"prompt {number} has {len(prompt):,} tokens: a context of {context:,} leaves no room")
    begun = [tuple(beginning(model, prompt)) for prompt in prompts]
    distinct = 1 if how.beams > 1 or how.sampling.temperature == 0 else how.samples
    waiting = [(n, sample) for n in sorted(range(len(begun)), key=begun.__getitem__) for sample in range(distinct)]
    if not waiting:
        return []
    count = max(ROWS[device], -(-how.beams // ROWS[device]) * ROWS[device])
    rows = Rows(model, count, min(context, max(map(len, begun)) + how.limit))
    lines = Lines(Stack(model, max(map(len, begun)), PASS[device]))
    free = list(range(0, count - how.beams + 1, how.beams))  # the first row of each place for a text, or a search
    answers: dict[tuple[int, int], list[Generated]] = {}
    going: dict[int, tuple[tuple[int, int], _Search | _Draw]] = {}
    states = torch.zeros(count, model.architecture.width, device=model.tokens.weight.device)
    waiting.reverse()
    while waiting or going:
        begins: dict[int, tuple[int, ...]] = {}
        while waiting and free:
            first, (n, sample) = free.pop(), waiting.pop()
            begins[first] = begun[n]
            limit = min(how.limit, context - len(begun[n]))
            made: _Search | _Draw
            if how.beams > 1:
                made = _Search(tokenizer, how, limit)
            else:
                key = how.keys[n] if how.keys is not None else " ".join(map(str, begun[n]))
                made = _Draw(tokenizer, how, limit, key, sample)
            going[first] = (n, sample), made
        if begins:
            states[list(begins)] = lines.read(
                [(line, rows.taking(range(first, first + how.beams))) for first, line in begins.items()]
            )
        logits = rows.logits(states)
        reads: dict[int, tuple[int, int]] = {}
        for first, (job, made) in list(going.items()):
            went_on = made.advance(logits[first : first + made.live])
            if went_on is None:
                answers[job] = made.texts()
                del going[first]
                free.append(first)
                continue
            tokens, parents = went_on
            at = len(begun[job[0]])
            new = range(first, first + len(tokens))
            rows.go_on(new, [first + parent for parent in parents], slice(at, at + made.length - 1))
            reads |= {row: (token, at + made.length - 1) for row, token in zip(new, tokens, strict=True)}
        if reads:
            states = rows.step(reads)
    if distinct == how.samples:
        return [[text for sample in range(distinct) for text in answers[n, sample]] for n in range(len(begun))]
    return [answers[n, 0] * (how.samples if how.beams == 1 else 1) for n in range(len(begun))]


class _Draw:
    """A text of which each token is drawn, or the likeliest."""

    live = 1

    def __init__(self, tokenizer: Tokenizer, how: Free, limit: int, key: str, sample: int) -> None:
        self.text = Text(tokenizer, how.stop)
        self.end, self.limit, self.sampling = tokenizer.end_of_text, limit, how.sampling
        self.draws = blake2b(f"free {how.seed} {sample} {key}".encode(), digest_size=32).digest()
        self.length = 0
        self.logs: list[float] = []  # of each token's probability

    def advance(self, logits: Tensor) -> tuple[list[int], list[int]] | None:
        """(1, V) -> the token, and which text it goes on from; None when the text has ended."""
        self.length += 1
        if self.sampling.temperature == 0:
            token = int(logits[0].argmax())
        else:
            digest = blake2b(self.length.to_bytes(8, "little"), key=self.draws, digest_size=8).digest()
            token = drawn_at(self.sampling.law(logits[0]), (int.from_bytes(digest, "little") >> 11) / 2**53)
        self.logs.append(float(logits[0].log_softmax(-1)[token]))
        if token == self.end:
            return None
        self.text.add(token)
        return None if self.text.stopped or self.length == self.limit else ([token], [0])

    def texts(self) -> list[Generated]:
        """The one."""
        return [Generated(self.text.so_far, round(math.fsum(self.logs), DECIMALS))]


class _Search:
    """The texts of a beam; one that comes to a stop string has ended."""

    def __init__(self, tokenizer: Tokenizer, how: Free, limit: int) -> None:
        self.tokenizer, self.how = tokenizer, how
        stopped = (lambda ids: self._text(ids).stopped) if how.stop else (lambda ids: False)
        self.beam = Beam(how.beams, limit, how.length_penalty, [tokenizer.end_of_text], stopped)

    @property
    def live(self) -> int:
        return len(self.beam.live)

    @property
    def length(self) -> int:
        return self.beam.length

    def advance(self, logits: Tensor) -> tuple[list[int], list[int]] | None:
        """(live, V) -> the token of each text that lives now, and which it goes on from; None when it is over."""
        parents = self.beam.advance(logits)
        return None if parents is None else ([ids[-1] for ids, _ in self.beam.live], parents)

    def texts(self) -> list[Generated]:
        """The best, as many as asked."""
        return [
            Generated(self._text(ended.tokens).so_far, round(ended.log_probability, DECIMALS))
            for ended in self.beam.finished[: self.how.samples]
        ]

    def _text(self, ids: list[int]) -> "Text":
        text = Text(self.tokenizer, self.how.stop)
        text.read(ids)
        return text


if __name__ == "__main__":
    from model.score import load

    if len(sys.argv) not in (3, 4):
        sys.exit('usage: python -m model.generate FOLDER "a prompt" [tokens]')
    gpt, words, _ = load(Path(sys.argv[1]))
    (following,) = complete(
        gpt, words, sys.argv[2], limit=int((sys.argv[3:] or ["100"])[0]), sampling=Sampling(top_k=40)
    )
    print(sys.argv[2] + following)
