"""Text from a model: sampling and beam search, over a cache of keys and values (reader.py).

python -m model.generate FOLDER "Once upon a time" 100
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import torch
from torch import Tensor

from model.gpt import GPT
from model.reader import Reader
from model.tokenizer import Tokenizer


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn. ValueError for what cannot be."""

    temperature: float = 1.0  # divides the logits; 0: always the likeliest token
    top_k: int | None = None  # only the k likeliest
    top_p: float | None = None  # only the smallest set of at least this mass (Holtzman et al., 2020)

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature is {self.temperature}: it must be 0 (the likeliest token) or more")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top-k is {self.top_k}: it must be at least 1")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top-p is {self.top_p}: it must be above 0, and at most 1")

    def law(self, logits: Tensor) -> Tensor:
        """(V,) logits -> the probabilities that a token is drawn with: (V,) float64, on the CPU."""
        logits = logits.double().cpu()
        if self.temperature == 0:
            return torch.zeros_like(logits).index_fill_(0, logits.argmax(), 1.0)
        if self.top_k is None and self.top_p is None:
            return (logits / self.temperature).softmax(0)  # sorting 50,257 logits costs more than a small model's pass
        ordered, ids = (logits / self.temperature).sort(descending=True, stable=True)
        if self.top_k is not None:
            ordered, ids = ordered[: self.top_k], ids[: self.top_k]
        p = ordered.softmax(0)
        if self.top_p is not None:
            p = p * (p.cumsum(0) - p < self.top_p)  # mass before the token: the first is always kept
        return torch.zeros_like(logits).index_put_((ids,), p / p.sum())


def drawn(law: Tensor, draw: torch.Generator) -> int:
    """A token of a law."""
    return int(torch.multinomial(law, 1, generator=draw))


def generator(seed: int, row: int) -> torch.Generator:
    """Of the draws for the row-th text that a seed gives: however many are made beside it."""
    digest = blake2b(f"sample {seed} {row}".encode(), digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))


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
        if self.stopped:
            return
        self.ids.append(token)
        self.so_far = self.tokenizer.decode(self.ids)
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
    """The `width` best continuations, best first, each with its score.

    Score: log-probability / ((5 + length) / 6) ** length_penalty (Wu et al., 2016); width 4 and penalty .6 are GPT-3's
    (section 2.4, after T5). A continuation ends at a token of `stop` (by default end_of_text; counted in the score, not
    returned) or at `limit` tokens. Ties fall to the smaller token.
    """
    context = model.architecture.context
    ends = set(stop) if stop else {model.end_of_text}
    first = beginning(model, prompt)[-max(1, context - limit) :]
    limit = min(limit, context - len(first) + 1)
    device = model.tokens.weight.device
    caches = model.caches(width)

    def score(logprob: float, length: int) -> float:
        penalty: float = ((5 + length) / 6) ** length_penalty
        return logprob / penalty

    logits = model(torch.tensor([first], device=device), caches=caches, start=0)[:, -1]  # (1, V)
    for cache in (half for layer in caches for half in layer):
        cache[1:] = cache[:1]
    live: list[tuple[list[int], float]] = [([], 0.0)]
    finished: list[tuple[list[int], float]] = []
    for length in range(1, limit + 1):
        total = torch.tensor([p for _, p in live])[:, None] + logits.float().log_softmax(-1).cpu()  # (beams, V)
        order = (
            total.flatten().argsort(descending=True, stable=True)[: 2 * width].tolist()
        )  # enough, were half of them ends
        grown: list[tuple[list[int], float]] = []
        parents: list[int] = []
        for parent, token in (divmod(flat, total.shape[1]) for flat in order):
            logprob = float(total[parent, token])
            if token in ends:
                finished.append((live[parent][0], score(logprob, length)))
            elif len(grown) < width:
                grown.append(([*live[parent][0], token], logprob))
                parents.append(parent)
        finished = sorted(finished, key=lambda scored: -scored[1])[:width]
        live = grown
        reach = max(
            (score(p, limit) for _, p in live), default=-float("inf")
        )  # the most that a live one can still score
        if not live or length == limit or (len(finished) == width and finished[-1][1] >= reach):
            break
        rows = torch.tensor(parents, device=device)
        for cache in (half for layer in caches for half in layer):
            cache[: len(rows)] = cache[rows]
        last = torch.tensor([[ids[-1]] for ids, _ in live], device=device)  # (beams, 1)
        logits = model(last, caches=caches, start=len(first) + length - 1)[:, -1]
    if length == limit:
        finished += [(ids, score(p, length)) for ids, p in live]
    return sorted(finished, key=lambda scored: -scored[1])[:width]


def beginning(model: GPT, prompt: Sequence[int]) -> list[int]:
    """The prompt as the model reads it: the end of one too long, and a document's beginning for an empty one."""
    if prompt:
        return list(prompt)[-model.architecture.context :]
    if model.end_of_text is None:
        raise ValueError("an empty prompt needs the model's end_of_text: load the model with model.score.load")
    return [model.end_of_text]


if __name__ == "__main__":
    from model.score import load

    if len(sys.argv) not in (3, 4):
        sys.exit('usage: python -m model.generate FOLDER "a prompt" [tokens]')
    gpt, words, _ = load(Path(sys.argv[1]))
    (following,) = complete(
        gpt, words, sys.argv[2], limit=int((sys.argv[3:] or ["100"])[0]), sampling=Sampling(top_k=40)
    )
    print(sys.argv[2] + following)
