"""PPO's two losses (Schulman et al., 2017, section 3), each a mean over answer tokens, to be minimised.

All arguments are (N,), a number a token; `weight` divides: 1 over the tokens of the whole minibatch, so that the sums
of its parts add up.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Surrogate(NamedTuple):
    """Scalars: the loss, of which gradients are asked; and sums over the tokens, without."""

    loss: Tensor
    ratio: Tensor  # of pi / pi_old
    clipped: Tensor  # tokens where the clipped term is the one that counts


def surrogate(logs: Tensor, old: Tensor, advantages: Tensor, clip: float, weight: float) -> Surrogate:
    """-min(r A, clip(r, 1 - clip, 1 + clip) A), r = pi / pi_old (equation 7)."""
    ratio = (logs - old).exp()
    plain, cut = -advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip)
    return Surrogate(
        torch.maximum(plain, cut).sum() * weight, ratio.detach().sum(), (cut.detach() > plain.detach()).sum()
    )


def value_loss(values: Tensor, old: Tensor, returns: Tensor, clip: float, weight: float) -> Tensor:
    """Half of the larger of (v - R)^2 and that of v kept within `clip` of the old value (lm-human-preferences)."""
    kept = torch.maximum(torch.minimum(values, old + clip), old - clip)
    return 0.5 * torch.maximum((values - returns).square(), (kept - returns).square()).sum() * weight
