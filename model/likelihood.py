"""Log-likelihoods of continuations after contexts, what contexts and continuations have in common computed once.

An item's choices share its context; items of a task share their solved examples where those are drawn once a task
(prefixes.py). Logits are made only where they count: at the last token of a context, and within a continuation.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.gpt import GPT
from model.heads import NO_NUMBERS, logits_in_chunks
from model.prefixes import Stack, bytes_of, in_common

# Tokens a pass. On two cores 256 rows keep the matrix products busy, and the last pass of a call, filled up, is cheap;
# a GPU wants thousands.
CHUNK = {"cpu": 256, "cuda": 4096}
HEADS = 128  # positions whose logits are made at once: over 50,257 tokens 26 MB, and their logarithms as much
DECIMALS = 6  # of a total, in nats: float32 has no more to say (a total of 50 nats has steps of 4e-6)


@dataclass(frozen=True)
class Asked:
    """Token ids: a context, and what may follow it. An empty context is <|endoftext|>, a document's beginning."""

    context: tuple[int, ...]
    continuations: tuple[tuple[int, ...], ...]


class Likelihood(NamedTuple):
    """Of a continuation after its context."""

    total: float  # log P(continuation | context) in nats, summed over its tokens; to six decimals
    tokens: int
    greedy: bool  # each token is the likeliest


class _Plan(NamedTuple):
    """What is read, and what is asked of it. One pair a token of a continuation, request by request."""

    tokens: list[int]  # in the order of reading
    places: list[int]  # the position of each in its line
    longest: int  # line
    state: NDArray[np.int64]  # of a pair: which token's state predicts it, by its place in `tokens`
    target: NDArray[np.int64]  # of a pair: the token
    lengths: list[int]  # of each continuation, in pairs


@torch.inference_mode()
def likelihoods(model: GPT, asked: Sequence[Asked], memory: int = 1 << 34) -> list[list[Likelihood]]:
    """Of each request its continuations' likelihoods, in the order asked; computed as the model was trained.

    A value hangs on its own request alone: asked with others, without them, in another order, on another number of
    threads, it has the same bits (prefixes.py says why; its logits, too, are made for 128 positions at a time). On CPU
    another `memory` changes nothing either; on CUDA another number of tokens a pass may be another kernel, and last
    bits that differ, most of which the rounding to six decimals hides. Devices agree to float32's own error.

    `memory`: bytes beside the weights, at the most: keys and values of one line, a pass of 256 tokens (4,096 on CUDA;
    halved, down to 16, while it does not fit), 128 positions' logits three times over: `needed`. GPT-2's smallest
    takes .2 GB. What is asked is held beside it, some 40 bytes a token; and where products are in bfloat16, autocast's
    copy of the weights.

    Raises:
        ValueError: a continuation that is empty, or does not fit the context with what is before it (context + 1
            tokens: the last is not read); a token that the vocabulary lacks; an empty context of a model without
            end_of_text; a budget that is too small; a model whose logits are not numbers.
    """
    plan = _plan(model, asked)
    if not plan.tokens:
        return [[] for _ in asked]
    chunk = _chunk(model, memory)
    values, best = _of_pairs(model, plan, chunk)
    # fsum: exact, so of no order. A continuation's pairs stand side by side.
    answers, at, sizes = [], 0, iter(plan.lengths)
    for one in asked:
        row = []
        for continuation in one.continuations:
            pairs = slice(at, at := at + next(sizes))
            total = round(math.fsum(values[pairs].tolist()), DECIMALS)
            if not math.isfinite(total):
                raise ValueError(NO_NUMBERS)
            row.append(Likelihood(total, len(continuation), bool(best[pairs].all())))
        answers.append(row)
    return answers


def needed(model: GPT, length: int, chunk: int) -> int:
    """Bytes that `likelihoods` takes beside the weights: a stack, and 128 positions' logits three times over (their
    logarithms, and what is exponentiated on the way)."""
    return bytes_of(model, length, chunk) + 3 * 4 * HEADS * model.architecture.vocabulary


def _chunk(model: GPT, memory: int) -> int:
    """Of a full context, whatever is asked: what else is asked must not show in the shapes."""
    context, chunk = model.architecture.context, CHUNK[model.tokens.weight.device.type]
    while needed(model, context, chunk) > memory and chunk > 16:
        chunk //= 2
    if (least := needed(model, context, chunk)) > memory:
        raise ValueError(f"{memory:,} bytes do not hold what a context of {context:,} needs: give {least:,} or more")
    return chunk


def _plan(model: GPT, asked: Sequence[Asked]) -> _Plan:
    lines, contexts, targets = [], [], []
    for number, one in enumerate(asked):
        context = _context(model, one, number)
        for continuation in one.continuations:
            lines.append(context + continuation[:-1])  # the last token is predicted, not read
            contexts.append(len(context))
            targets.append(continuation)
    tokens: list[int] = []
    places: list[int] = []
    path = np.zeros(model.architecture.context, np.int64)  # of each position of the line: its token's place in `tokens`
    states: list[NDArray[np.int64]] = [np.zeros(0, np.int64)] * len(lines)
    before: tuple[int, ...] = ()
    for n in sorted(range(len(lines)), key=lines.__getitem__):
        line = lines[n]
        shared = in_common(before, line)
        path[shared : len(line)] = np.arange(len(tokens), len(tokens) + len(line) - shared)
        tokens.extend(line[shared:])
        places.extend(range(shared, len(line)))
        states[n] = path[contexts[n] - 1 : len(line)].copy()
        before = line
    return _Plan(
        tokens,
        places,
        max(map(len, lines), default=0),
        np.concatenate([np.zeros(0, np.int64), *states]),
        np.array([token for target in targets for token in target], np.int64),
        [len(target) for target in targets],
    )


def _context(model: GPT, one: Asked, number: int) -> tuple[int, ...]:
    """The request's context as it is read, once the request is found to be one."""
    room, vocabulary = model.architecture.context + 1, model.architecture.vocabulary
    context = one.context
    if not context:
        if model.end_of_text is None:
            raise ValueError(f"request {number}: an empty context needs the model's end_of_text: use model.score.load")
        context = (model.end_of_text,)
    for continuation in one.continuations:
        if not continuation:
            raise ValueError(f"request {number}: a continuation of no tokens: there is nothing to predict")
        if len(context) + len(continuation) > room:
            raise ValueError(
                f"request {number}: a context of {len(context):,} tokens and a continuation of {len(continuation):,}; "
                f"the model reads {room - 1:,} and predicts one more: leave out solved examples, or the item"
            )
    for tokens in (context, *one.continuations):
        if not 0 <= min(tokens) <= max(tokens) < vocabulary:
            raise ValueError(
                f"request {number}: a token that is none of the {vocabulary:,}: encode with the model's own tokenizer"
            )
    return context


def _of_pairs(model: GPT, plan: _Plan, chunk: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of each pair the log-probability of its target, and whether nothing is likelier."""
    values, best = np.zeros(len(plan.target)), np.zeros(len(plan.target), bool)
    order = np.argsort(plan.state, kind="stable")  # pairs in the order of reading
    wanted, of_pair = np.unique(plan.state[order], return_inverse=True)  # the tokens whose states count; of each pair
    stack = Stack(model, plan.longest, chunk)
    device = stack.device
    waiting: list[Tensor] = []  # states, (n, C) each
    done = 0  # of `wanted`

    def predict(states: Tensor) -> None:
        nonlocal done
        pairs = slice(*np.searchsorted(of_pair, [done, done + len(states)]))
        rows = torch.from_numpy(of_pair[pairs] - done).to(device)
        targets = torch.from_numpy(plan.target[order[pairs]]).to(device)
        filled = states.new_zeros(HEADS, states.shape[1])
        filled[: len(states)] = states
        found, greedy = torch.zeros(len(rows), device=device), torch.zeros(len(rows), dtype=torch.bool, device=device)
        for chunk, logits in logits_in_chunks(filled, model.tokens.weight):
            here = (chunk.start <= rows) & (rows < chunk.stop)
            at, wished = rows[here] - chunk.start, targets[here]
            found[here] = logits.log_softmax(-1)[at, wished]
            greedy[here] = logits.argmax(-1)[at] == wished
        values[order[pairs]], best[order[pairs]] = found.double().cpu().numpy(), greedy.cpu().numpy()
        done += len(states)

    with model.as_trained():
        for start in range(0, len(plan.tokens), chunk):
            read = slice(start, start + chunk)
            states = stack.read(plan.tokens[read], plan.places[read])
            first, last = np.searchsorted(wanted, [start, start + len(states)])
            waiting.append(states[torch.from_numpy(wanted[first:last] - start).to(device)])
            while sum(map(len, waiting)) >= HEADS:
                together = torch.cat(waiting)
                predict(together[:HEADS])
                waiting = [together[HEADS:]]
        if len(together := torch.cat(waiting)):
            predict(together)
    return values, best
