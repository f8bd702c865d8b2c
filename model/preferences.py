"""What rewards of K answers to a prompt are worth against how people ranked them: the loss of all pairs, and accuracy.

InstructGPT (Ouyang et al. 2022, section 3.5, equation 1): of a prompt's answers, every pair of which one is ranked
above the other loses -log sigmoid(r_w - r_l); a prompt's loss is the mean over its pairs. All pairs of a prompt are in
one element of the batch, so that each answer goes through the model once, and not K - 1 times. Ties are dropped.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def preferred(ranks: Tensor) -> Tensor:
    """ranks (B, K), 1 the best, NaN for an answer that is not there -> (B, K, K) bool: whether answer i is ranked
    above answer j. Of a tie neither is, nor of an answer that is not there."""
    return ranks[:, :, None] < ranks[:, None, :]


def pair_losses(rewards: Tensor, ranks: Tensor) -> Tensor:
    """rewards (B, K), ranks (B, K) -> each prompt's loss (B,), float32, in nats: the mean over its pairs that are no
    ties; 0 without a gradient where there is none. Rewards of answers that are not there play no part."""
    pairs = preferred(ranks)
    margins = _margins(rewards, ranks).masked_fill(~pairs, 0.0)
    losses = -F.logsigmoid(margins).masked_fill(~pairs, 0.0).sum((1, 2))
    return losses / pairs.sum((1, 2)).clamp(min=1)


def right_pairs(rewards: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """rewards (B, K), ranks (B, K) -> of each prompt (B,), float64: pairs whose better answer has the higher reward,
    one of equal rewards counting a half; and its pairs."""
    pairs, margins = preferred(ranks), _margins(rewards, ranks)
    right = (margins > 0).double() + 0.5 * (margins == 0).double()
    return right.masked_fill(~pairs, 0.0).sum((1, 2)), pairs.sum((1, 2)).double()


def _margins(rewards: Tensor, ranks: Tensor) -> Tensor:
    """(B, K, K): r_i - r_j, float32; of answers that are not there, of a reward of 0."""
    there = rewards.float().masked_fill(torch.isnan(ranks), 0.0)
    return there[:, :, None] - there[:, None, :]
