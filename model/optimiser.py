"""AdamW, in two groups: what decays and what does not."""

import torch
from torch import nn

from model.config import Training


def adamw(model: nn.Module, t: Training) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter, 2019, algorithm 2) over the model's parameters.

    Matrices, embeddings among them, decay by `t.weight_decay`; biases and gains do not.
    """
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": t.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=t.learning_rate, betas=(t.beta1, t.beta2), eps=t.epsilon, fused=True)
