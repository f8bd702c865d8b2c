"""The loss of all pairs of a prompt, against the plain loop over pairs."""

import math
from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.preferences import pair_losses, preferred, right_pairs

NAN = float("nan")


def plain(rewards: list[float], ranks: list[float]) -> tuple[float, float, int]:
    """A prompt's loss, right pairs and pairs: a pair at a time."""
    losses, right = [], 0.0
    for i, j in combinations(range(len(rewards)), 2):
        if math.isnan(ranks[i]) or math.isnan(ranks[j]) or ranks[i] == ranks[j]:
            continue
        winner, loser = (i, j) if ranks[i] < ranks[j] else (j, i)
        margin = rewards[winner] - rewards[loser]
        losses.append(math.log1p(math.exp(-margin)) if margin > -30 else -margin)
        right += 1.0 if margin > 0 else 0.5 if margin == 0 else 0.0
    return (sum(losses) / len(losses) if losses else 0.0), right, len(losses)


ANSWERS = st.tuples(st.sampled_from([-2.5, -1.0, 0.0, 0.25, 1.0, 3.5]), st.sampled_from([1.0, 2.0, 3.0, 4.0, NAN]))
PROMPTS = st.integers(2, 9).flatmap(
    lambda k: st.lists(st.lists(ANSWERS, min_size=k, max_size=k), min_size=1, max_size=4)
)


@given(PROMPTS)
@settings(deadline=None, max_examples=200)
def test_it_is_the_loop_over_pairs(prompts):
    rewards = torch.tensor([[reward for reward, _ in prompt] for prompt in prompts])
    ranks = torch.tensor([[rank for _, rank in prompt] for prompt in prompts], dtype=torch.float64)
    losses, (right, pairs) = pair_losses(rewards, ranks), right_pairs(rewards, ranks)
    for row in range(len(prompts)):
        loss, correct, count = plain(rewards[row].tolist(), ranks[row].tolist())
        assert losses[row].item() == pytest.approx(loss, abs=1e-6)
        assert (right[row].item(), pairs[row].item()) == (correct, count)


def test_a_prompt_of_nine_answers_has_36_pairs():
    ranks = torch.arange(1.0, 10)[None]
    assert preferred(ranks).sum().item() == 36
    assert pair_losses(torch.zeros(1, 9), ranks).item() == pytest.approx(math.log(2))


def test_only_differences_count():
    draw = torch.Generator().manual_seed(1)
    rewards, ranks = torch.randn(5, 6, generator=draw), torch.randint(1, 5, (5, 6), generator=draw).double()
    assert torch.allclose(pair_losses(rewards, ranks), pair_losses(rewards + 7.5, ranks), atol=1e-5)
    assert torch.equal(right_pairs(rewards, ranks)[1], right_pairs(rewards + 7.5, ranks)[1])


def test_ties_give_no_gradient():
    """Of two answers tied with each other, neither pulls the other; of a prompt of ties alone, nothing moves."""
    rewards = torch.tensor([[0.3, -0.4, 1.0]], requires_grad=True)
    pair_losses(rewards, torch.tensor([[1.0, 1.0, 1.0]])).sum().backward()
    assert torch.equal(rewards.grad, torch.zeros(1, 3))
    rewards.grad = None
    pair_losses(rewards, torch.tensor([[1.0, 1.0, 2.0]])).sum().backward()
    both = torch.sigmoid(rewards[0, 2] - rewards[0, :2]).detach() / 2  # the two pairs that are left
    assert torch.allclose(rewards.grad[0], torch.stack([-both[0], -both[1], both.sum()]))


def test_an_answer_that_is_not_there_has_no_part_whatever_its_reward():
    ranks = torch.tensor([[2.0, 1.0, NAN]])
    for reward in (0.0, 1e9, NAN, math.inf):
        rewards = torch.tensor([[0.5, -0.5, reward]], requires_grad=True)
        loss = pair_losses(rewards, ranks)
        assert loss.item() == pytest.approx(math.log1p(math.exp(1.0)))
        loss.sum().backward()
        assert rewards.grad[0, 2].item() == 0 and rewards.grad.isfinite().all()
