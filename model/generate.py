"""Text from a model: sampling and beam search, over a cache of keys and values.

    python -m model.generate FOLDER "Once upon a time" 100

Positions are learned, so a full context cannot slide: when it is full, generation goes on from its last half.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from model.attention import Cache
from model.gpt import GPT
from model.tokenizer import Tokenizer


@torch.inference_mode()
def logits_of(model: GPT, tokens: list[int], caches: list[Cache] | None, start: int) -> Tensor:
    """Logits (V,) after `tokens`; with caches, those before `start` are in them and only the rest is computed."""
    unread = tokens if caches is None else tokens[start:]
    batch = torch.tensor([unread], device=model.tokens.weight.device)  # (1, T)
    logits: Tensor = model(batch, caches=caches, start=0 if caches is None else start)  # (1, T, V)
    return logits[0, -1].float()


def choose(logits: Tensor, temperature: float, top_k: int | None, top_p: float | None, draw: torch.Generator) -> int:
    """One token of (V,) logits. Temperature 0 is the likeliest. Top-p keeps the smallest set of at least that mass."""
    if temperature == 0:
        return int(logits.argmax())
    logits = logits.cpu() / temperature
    ordered, ids = logits.sort(descending=True, stable=True)
    if top_k is not None:
        ordered, ids = ordered[:top_k], ids[:top_k]
    p = ordered.softmax(0)
    if top_p is not None:
        p = p * (p.cumsum(0) - p < top_p)  # mass before the token: the first is always kept
    return int(ids[torch.multinomial(p, 1, generator=draw)])


def tokens(
    model: GPT, prompt: Sequence[int], *, limit: int, temperature: float = 1.0, top_k: int | None = None,
    top_p: float | None = None, seed: int = 1, end: int | None = None, cache: bool = True,
) -> Iterator[int]:  # fmt: skip
    """Up to `limit` tokens that follow `prompt`; stops at the token `end`, which is not yielded.

    An empty prompt begins a document (after the model's end_of_text). Same arguments, same tokens. cache=False computes
    everything anew for each token, to check the cache against.
    """
    context = model.architecture.context
    window = list(prompt)[-context:] or _beginning(model)
    draw = torch.Generator().manual_seed(seed)
    caches, start = (model.caches(1) if cache else None), 0
    for _ in range(limit):
        if len(window) > context:
            window, start = window[-(context + 1) // 2 :], 0
        logits = logits_of(model, window, caches, start)
        token = choose(logits, temperature, top_k, top_p, draw)
        if token == end:
            return
        yield token
        start = len(window)
        window.append(token)


def complete(
    model: GPT, tokenizer: Tokenizer, prompt: str, *, limit: int = 100, stop: Sequence[str] = (), **sampling: float
) -> str:
    """The text that follows `prompt`, up to <|endoftext|>, `limit` tokens or the first `stop` string (left out)."""
    ids: list[int] = []
    text = ""
    for token in tokens(model, tokenizer.encode(prompt), limit=limit, end=tokenizer.end_of_text, **sampling):  # type: ignore[arg-type]
        ids.append(token)
        text = tokenizer.decode(ids)
        if cuts := [at for ending in stop if (at := text.find(ending)) >= 0]:
            return text[: min(cuts)]
    return text


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
    first = list(prompt)[-max(1, context - limit) :] or _beginning(model)
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


def _beginning(model: GPT) -> list[int]:
    if model.end_of_text is None:
        raise ValueError("an empty prompt needs the model's end_of_text: load the model with model.score.load")
    return [model.end_of_text]


if __name__ == "__main__":
    from model.score import load

    if len(sys.argv) not in (3, 4):
        sys.exit('usage: python -m model.generate FOLDER "a prompt" [tokens]')
    gpt, words, _ = load(Path(sys.argv[1]))
    print(sys.argv[2] + complete(gpt, words, sys.argv[2], limit=int((sys.argv[3:] or ["100"])[0]), top_k=40))
