"""Many short texts from a model, side by side: nucleus sampling (Holtzman et al., 2020) without sorting the vocabulary.

model/generate.py sorts the logits of each text at each step, which costs more than a small model's pass. Here a token
is drawn from the whole law and drawn again unless it is in the nucleus: what remains is the law on the nucleus, and of
ten draws nine or more stay at top-p .9. A token is in the nucleus if the mass of the likelier ones is below top_p.

A draw depends on (seed, key of the prompt, sample, token, try) alone. Rows are read in blocks of a fixed number.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tasks.kernels.draw import uniform

TOGETHER = 100  # texts at a time: of GPT-2's smallest at 60 positions, 440 MB of keys and values


class Asked(NamedTuple):
    """A prompt in tokens, not empty; its key names it in the draws."""

    key: str
    tokens: list[int]


def texts(
    gpt: Any,
    tokenizer: Any,
    asked: list[Asked],
    *,
    samples: int,
    limit: int,
    temperature: float,
    top_p: float,
    seed: int,
) -> list[list[str]]:
    """`samples` texts that follow each prompt, each up to <|endoftext|>, `limit` tokens or the end of the context.

    gpt: model.gpt.GPT; tokenizer: model.tokenizer.Tokenizer.

    Raises:
        ValueError: a prompt is empty, or longer than the context.
    """
    room = gpt.architecture.context
    for key, tokens in asked:
        if not 1 <= len(tokens) <= room:
            raise ValueError(f"the prompt {key!r} has {len(tokens)} tokens; the model reads 1 to {room}")
    # Rows of a block begin with prompts of one length.
    rows = [(place, sample) for place in range(len(asked)) for sample in range(samples)]
    rows.sort(key=lambda row: (len(asked[row[0]].tokens), row))
    made: list[list[str]] = [[""] * samples for _ in asked]
    start = 0
    while start < len(rows):
        length = len(asked[rows[start][0]].tokens)
        block = [row for row in rows[start : start + TOGETHER] if len(asked[row[0]].tokens) == length]
        start += len(block)
        following = _block(
            gpt,
            [asked[place].tokens for place, _ in block],
            [f"{asked[place].key}:{sample}" for place, sample in block],
            min(limit, room - length + 1),
            tokenizer.end_of_text,
            temperature,
            top_p,
            seed,
        )
        for (place, sample), ids in zip(block, following, strict=True):
            made[place][sample] = tokenizer.decode(ids)
    return made


@torch.inference_mode()
def _block(
    gpt: Any,
    prompts: list[list[int]],
    keys: list[str],
    limit: int,
    end: int,
    temperature: float,
    top_p: float,
    seed: int,
) -> list[list[int]]:
    """Of prompts of equal length the tokens that follow each, before `end`."""
    weights = gpt.tokens.weight
    caches = gpt.caches(len(prompts), len(prompts[0]) + limit - 1)  # positions read: the last token made is not
    reads = torch.tensor(prompts, device=weights.device)  # (B, T)
    made: list[list[int]] = [[] for _ in prompts]
    live = set(range(len(prompts)))
    start = 0
    for step in range(limit):
        states = gpt.hidden(reads, caches, start)[:, -1]  # (B, C)
        start += reads.shape[1]
        logits = torch.nn.functional.linear(states, weights).float().cpu()  # (B, V)
        tokens = drawn(logits, temperature, top_p, seed, [f"{key}:{step}" for key in keys])
        for row in sorted(live):
            if tokens[row] == end:
                live.discard(row)
            else:
                made[row].append(int(tokens[row]))
        if not live:
            break
        reads = torch.from_numpy(tokens).to(weights.device)[:, None]  # (B, 1); after its end a text is read unheard
    return made


def drawn(logits: Tensor, temperature: float, top_p: float, seed: int, keys: list[str]) -> np.ndarray:
    """(B, V) float32 logits -> a token of each row's nucleus, (B,) int64; row n's draws are those of keys[n]."""
    law = (logits.double() / temperature).softmax(-1)  # (B, V)
    below = law.cumsum(-1)
    tokens = np.zeros(len(keys), np.int64)
    waiting = np.arange(len(keys))
    attempt = 0
    while len(waiting):
        u = torch.from_numpy(uniform([f"{keys[row]}:{attempt}" for row in waiting], seed, "sampled"))
        sums = below[waiting] if attempt else below
        # u < 1, so that the place is within the law but for the last bits of the sum.
        place = torch.searchsorted(sums, (u * sums[:, -1])[:, None], right=True).clamp_(max=logits.shape[1] - 1)
        of = law[waiting] if attempt else law
        p = of.gather(1, place)  # (n, 1)
        likelier = torch.where(of > p, of, 0.0).sum(-1)
        # Of equal ones those that come first are taken first, as in a stable sort.
        for row in torch.nonzero((of == p).sum(-1) > 1)[:, 0].tolist():
            likelier[row] += p[row, 0] * (of[row, : place[row, 0]] == p[row, 0]).sum()
        inside = (likelier < top_p).numpy()
        tokens[waiting[inside]] = place[:, 0].numpy()[inside]
        waiting = waiting[~inside]
        attempt += 1
    return tokens
