"""What a model expects: after each token of a text the likeliest ones, and how likely the one was that came."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from model.generate import beginning
from model.gpt import GPT
from model.reader import Reader


@dataclass(frozen=True)
class Step:
    """A token of a text, and what is expected after it."""

    token: int
    chosen: bool  # by the model, being the likeliest: behind the text's own tokens
    probability: float | None  # of this token after those before it; None for the first
    rank: int | None  # how many tokens were likelier, and 1
    expected: list[tuple[int, float]]  # the k likeliest next tokens, each with its probability


def steps(model: GPT, tokens: Sequence[int], k: int, more: int = 0) -> list[Step]:
    """The text's tokens (the last `context` of them; a document's beginning if there is none), then `more` that are
    each the likeliest."""
    text = beginning(model, tokens)
    own = len(text)
    reader = Reader(model)
    laws = reader.logits([text], last=own)[0].double().softmax(-1).cpu()  # (T, V)
    while len(text) < own + more:
        text.append(int(laws[-1].argmax()))
        laws = torch.cat([laws, reader.logits([text])[0].double().softmax(-1).cpu()])
    made = []
    for place, token in enumerate(text):
        probability, rank = None, None
        if place:
            before = laws[place - 1]
            probability, rank = float(before[token]), 1 + int((before > before[token]).sum())
        p, ids = laws[place].sort(descending=True, stable=True)  # of equals the smaller id goes first
        expected = list(zip(ids[:k].tolist(), p[:k].tolist(), strict=True))
        made.append(Step(token, place >= own, probability, rank, expected))
    return made
