"""What an answer's tokens are worth: rewards a token, and generalised advantage estimation without a discount.

Per-token numbers are (B, A), A the longest answer's tokens; `own` (B, A) bool says which are of the row's answer.
"""

import torch
from torch import Tensor

WHITE = 1e-8  # beside the variance (lm-human-preferences, utils/core.py)


def token_rewards(scores: Tensor, logs: Tensor, start: Tensor, own: Tensor, beta: float) -> Tensor:
    """-beta (log pi - log pi_start) at every token, and the whole answer's score (B,) at its last -> (B, A).

    Stiennon et al. (2020) and InstructGPT (section 3.5) write the two as one reward of the episode; the sum is that.
    """
    rewards = torch.where(own, -beta * (logs - start), 0.0)
    last = own.sum(1, keepdim=True) - 1
    return rewards.scatter_add(1, last, scores[:, None].to(rewards.dtype))


def advantages(rewards: Tensor, values: Tensor, own: Tensor, gae_lambda: float) -> tuple[Tensor, Tensor]:
    """GAE (Schulman et al., 2016, equation 16) with discount 1: (B, A) advantages, and the returns values + advantages.

    `values`: of the state before each token. Behind the last token there is none: its value is 0. Where not own: 0.
    """
    own_values = torch.where(own, values, 0.0)
    found = torch.zeros_like(own_values)
    after = torch.zeros_like(own_values[:, 0])  # of the token behind: advantage ...
    value = torch.zeros_like(after)  # ... and value
    for j in reversed(range(own.shape[1])):
        delta = rewards[:, j] + value - own_values[:, j]
        after = torch.where(own[:, j], delta + gae_lambda * after, 0.0)
        value = own_values[:, j]
        found[:, j] = after
    return found, own_values + found


def whitened(x: Tensor, own: Tensor) -> Tensor:
    """Mean 0 and variance 1 over the tokens that are own; the others 0."""
    mean, variance = x[own].mean(), x[own].var(correction=0)
    return torch.where(own, (x - mean) * torch.rsqrt(variance + WHITE), 0.0)
