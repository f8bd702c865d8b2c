"""Heads: what turns the trunk's hidden states, (B, T, C), into what an objective asks for."""

import torch.nn.functional as F
from torch import Tensor


def tied(hidden: Tensor, embedding: Tensor) -> Tensor:
    """The language model's: hidden (B, T, C), embedding (V, C), the tokens' own -> logits (B, T, V)."""
    return F.linear(hidden, embedding)


def token_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """logits (B, T, V), targets (B, T) int64 -> the cross-entropy of each position (B, T), float32, in nats."""
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none").view_as(targets)
