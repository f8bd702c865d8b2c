"""What a model makes of given text: log-likelihoods of continuations, and perplexity. Deterministic."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from model import checkpoint
from model.gpt import GPT
from model.heads import logits_in_chunks
from model.tokenizer import Tokenizer


def load(folder: str | Path, device: str = "cpu", step: int | None = None) -> tuple[GPT, Tokenizer, dict[str, Any]]:
    """A finished model, its tokenizer, its model.json; with `step`, as it was after that update (a snapshot).

    ValueError where it is unfinished, the tokenizer another's, or there is no such snapshot.
    """
    model, about = checkpoint.read(Path(folder), device, step)
    return model, Tokenizer(Path(folder) / "tokenizer.json"), about


@torch.inference_mode()
def log_likelihoods(
    model: GPT, pairs: Sequence[tuple[list[int], list[int]]], rows: int = 16
) -> list[tuple[float, int, bool]]:
    """For each (context, continuation) of token ids: log P(continuation | context) in nats, how many tokens it has,
    whether it is greedy (each token the likeliest).

    An empty context is <|endoftext|>, a document's beginning. A context too long loses its beginning. ValueError for a
    continuation that is empty or does not fit. Longest first, in batches of `rows`: the other pairs move an answer in
    its last bits only.
    """
    room, device = model.architecture.context, model.tokens.weight.device
    lines: list[tuple[list[int], int]] = []  # what the model reads, and how much of it is continuation
    for number, (context, continuation) in enumerate(pairs):
        if not 1 <= len(continuation) <= room:
            raise ValueError(
                f"pair {number}: a continuation of {len(continuation)} tokens; the model reads 1 to {room}"
            )
        before = context if context or model.end_of_text is None else [model.end_of_text]
        if not before:
            raise ValueError(f"pair {number}: an empty context needs the model's end_of_text: use model.score.load")
        lines.append(([*before, *continuation][-(room + 1) :], len(continuation)))
    answers: list[tuple[float, int, bool]] = [(0.0, 0, False)] * len(lines)
    order = sorted(range(len(lines)), key=lambda n: (-len(lines[n][0]), n))
    for chosen in _batched(order, rows):
        T = len(lines[chosen[0]][0]) - 1
        tokens = torch.zeros(len(chosen), T + 1, dtype=torch.int64)  # padded at the end, where causality hides it
        for row, n in enumerate(chosen):
            tokens[row, : len(lines[n][0])] = torch.tensor(lines[n][0])
        # Only the positions that predict a continuation count: row after row, `count` of them each.
        at = [(row, len(lines[n][0]) - 1 - lines[n][1] + k) for row, n in enumerate(chosen) for k in range(lines[n][1])]
        rows_of, places = torch.tensor(at, device=device).T
        tokens = tokens.to(device)
        with model.as_trained():
            states = model.hidden(tokens[:, :-1])[rows_of, places]  # (N, C)
        targets = tokens[rows_of, places + 1]
        likelihoods = torch.zeros(len(chosen), dtype=torch.float64, device=device)
        likely = torch.ones(len(chosen), dtype=torch.bool, device=device)
        for chunk, of in logits_in_chunks(states, model.tokens.weight):  # (n, V)
            p = of.log_softmax(-1).gather(1, targets[chunk, None])[:, 0].double()
            likelihoods.index_add_(0, rows_of[chunk], p)
            likely[rows_of[chunk][of.argmax(-1) != targets[chunk]]] = False
        for n, p, greedy in zip(chosen, likelihoods.tolist(), likely.tolist(), strict=True):
            answers[n] = (p, lines[n][1], greedy)
    return answers


@torch.inference_mode()
def perplexity(model: GPT, windows: Iterable[Sequence[int]], rows: int = 16) -> tuple[float, int]:
    """Summed loss in nats, and tokens predicted, over windows of 2 to context + 1: perplexity is exp(sum / tokens)."""
    nll, count = 0.0, 0
    device = model.tokens.weight.device

    def add(batch: list[Sequence[int]]) -> None:
        nonlocal nll, count
        tokens = torch.tensor([[int(token) for token in window] for window in batch], device=device)
        losses = model(tokens[:, :-1], tokens[:, 1:])
        nll, count = nll + float(losses.double().sum()), count + losses.numel()

    waiting: list[Sequence[int]] = []
    for window in windows:
        if not 2 <= len(window) <= model.architecture.context + 1:
            raise ValueError(f"a window of {len(window)} tokens: the model reads 2 to {model.architecture.context + 1}")
        if waiting and (len(waiting) == rows or len(waiting[0]) != len(window)):
            add(waiting)
            waiting = []
        waiting.append(window)
    if waiting:
        add(waiting)
    return nll, count


def _batched(order: list[int], rows: int) -> Iterable[list[int]]:
    return (order[n : n + rows] for n in range(0, len(order), rows))
