"""Heads: what turns the trunk's hidden states, (B, T, C), into what an objective asks for."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

# Logits of 16 windows of 1,024 positions over 50,257 tokens are 3.3 GB, and their logarithms as much again. Where no
# gradient is asked for, they are made and forgotten this many bytes at a time: 333 positions of that vocabulary.
CHUNK_BYTES = 1 << 26

NO_NUMBERS = "the model's logits are not numbers: its weights, or its training, have come apart"


def tied(hidden: Tensor, embedding: Tensor) -> Tensor:
    """The language model's: hidden (B, T, C), embedding (V, C), the tokens' own -> logits (B, T, V)."""
    return F.linear(hidden, embedding)


def token_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """logits (B, T, V), targets (B, T) int64 -> the cross-entropy of each position (B, T), float32, in nats."""
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none").view_as(targets)


def logits_in_chunks(states: Tensor, embedding: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """states (N, C) -> the positions of a chunk, and their logits (n, V), computed in float32."""
    size = max(1, CHUNK_BYTES // (4 * len(embedding)))
    with torch.autocast(states.device.type, enabled=False):
        for start in range(0, len(states), size):
            chunk = slice(start, min(start + size, len(states)))
            yield chunk, F.linear(states[chunk].float(), embedding.float())


def losses_in_chunks(hidden: Tensor, embedding: Tensor, targets: Tensor) -> Tensor:
    """As token_losses(tied(hidden, embedding), targets), (B, T) float32, without holding all logits."""
    losses = torch.empty(targets.shape, dtype=torch.float32, device=hidden.device)
    flat, wanted = losses.view(-1), targets.flatten()
    for chunk, logits in logits_in_chunks(hidden.flatten(0, 1), embedding):
        flat[chunk] = F.cross_entropy(logits, wanted[chunk], reduction="none")
    return losses
