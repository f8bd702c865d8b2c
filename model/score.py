"""A finished model, and what it makes of given windows of text: their losses. Deterministic."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model import checkpoint
from model.gpt import GPT
from model.tokenizer import Tokenizer


def load(folder: str | Path, device: str = "cpu", step: int | None = None) -> tuple[GPT, Tokenizer, dict[str, Any]]:
    """A finished model, its tokenizer, its model.json; with `step`, as it was after that update (a snapshot).

    ValueError where it is unfinished, the tokenizer another's, or there is no such snapshot.
    """
    model, about = checkpoint.read(Path(folder), device, step)
    return model, Tokenizer(Path(folder) / "tokenizer.json", end_of_text=model.end_of_text), about


@torch.inference_mode()
def window_losses(
    model: GPT, windows: Sequence[Sequence[int] | NDArray[np.int64]], rows: int = 16
) -> list[tuple[float, int]]:
    """Of each window of 2 to context + 1 tokens its summed loss in nats, and how many tokens it predicts.

    Perplexity is exp(sum of nats / sum of tokens). Longest first, in batches of `rows`, each as long as its longest:
    the other windows move a loss in its last bits only. ValueError for another length.
    """
    for window in windows:
        if not 2 <= len(window) <= model.architecture.context + 1:
            raise ValueError(f"a window of {len(window)} tokens: the model reads 2 to {model.architecture.context + 1}")
    losses = [(0.0, 0)] * len(windows)
    order = sorted(range(len(windows)), key=lambda n: (-len(windows[n]), n))
    for chosen in (order[n : n + rows] for n in range(0, len(order), rows)):
        tokens = torch.zeros(
            len(chosen), len(windows[chosen[0]]), dtype=torch.int64
        )  # padded at the end, where causality hides it
        for row, n in enumerate(chosen):
            tokens[row, : len(windows[n])] = torch.as_tensor(windows[n])
        tokens = tokens.to(model.tokens.weight.device)
        each = model(tokens[:, :-1], tokens[:, 1:]).double()  # (B, T)
        for row, n in enumerate(chosen):
            count = len(windows[n]) - 1
            losses[n] = float(each[row, :count].sum()), count
    return losses
