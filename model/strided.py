"""The loss of a long text in windows that overlap: each token is predicted once, after context - stride others or more.

At a stride of the whole context windows stand apart, and the first token of each is predicted from one token alone; the
smaller the stride the more context, and the more windows.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from model.gpt import GPT


class Span(NamedTuple):
    """A window: the model reads the tokens start ... stop - 1; of what follows each, the last `scored` count."""

    start: int
    stop: int
    scored: int


def spans(tokens: int, context: int, stride: int) -> Iterator[Span]:
    """Windows over so many tokens, of which all but the first are predicted, each once.

    ValueError for a stride that is not 1 to context.
    """
    if not 1 <= stride <= context:
        raise ValueError(f"a stride of {stride}: it must be 1 to {context}, the model's context")
    done = 1  # tokens that are predicted, the first among them, which is given
    for start in range(0, max(0, tokens - 1), stride):
        stop = min(start + context, tokens - 1)
        yield Span(start, stop, stop + 1 - done)
        done = stop + 1
        if done == tokens:
            return


@torch.inference_mode()
def span_losses(
    model: GPT, tokens: NDArray[np.integer[Any]], windows: Sequence[Span], rows: int = 16
) -> list[tuple[float, int]]:
    """Of each window the loss in nats, summed over its tokens that count, and how many those are.

    In batches of `rows`: the windows beside it move a loss in its last bits only. ValueError for a window longer than
    the model's context.
    """
    losses = []
    for at in range(0, len(windows), rows):
        chosen = windows[at : at + rows]
        longest = max(span.stop - span.start for span in chosen)
        if longest > model.architecture.context:
            raise ValueError(f"a window of {longest} tokens: the model reads {model.architecture.context}")
        batch = torch.zeros(len(chosen), longest + 1, dtype=torch.int64)  # padded at the end, where causality hides it
        for row, span in enumerate(chosen):
            read = tokens[span.start : span.stop + 1].astype(np.int64)
            batch[row, : len(read)] = torch.from_numpy(read)
        batch = batch.to(model.tokens.weight.device)
        each = model(batch[:, :-1], batch[:, 1:]).double()  # (B, T)
        for row, span in enumerate(chosen):
            length = span.stop - span.start
            losses.append((float(each[row, length - span.scored : length].sum()), span.scored))
    return losses
