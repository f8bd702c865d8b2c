"""model.advantages and model.clipped against loops and against plain formulas."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.advantages import advantages, token_rewards, whitened
from model.clipped import surrogate, value_loss


def gae_of_one(rewards: list[float], values: list[float], gae_lambda: float) -> list[float]:
    """The definition: the sum over l of lambda^l delta_{t+l}, delta_t = r_t + V_{t+1} - V_t, V behind the last 0."""
    n = len(rewards)
    deltas = [rewards[t] + (values[t + 1] if t + 1 < n else 0.0) - values[t] for t in range(n)]
    return [sum(gae_lambda**l * deltas[t + l] for l in range(n - t)) for t in range(n)]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.floats(0, 1), st.integers(0, 1000))
@settings(max_examples=60)
def test_gae_is_that_of_a_loop(lengths, gae_lambda, seed):
    draw = torch.Generator().manual_seed(seed)
    A = max(lengths)
    own = torch.arange(A) < torch.tensor(lengths)[:, None]
    rewards, values = (torch.randn(len(lengths), A, generator=draw, dtype=torch.float64) for _ in range(2))
    rewards = torch.where(own, rewards, 0.0)
    found, returns = advantages(rewards, torch.where(own, values, math.nan), own, gae_lambda)  # what is not own: unread
    for row, n in enumerate(lengths):
        expected = gae_of_one(rewards[row, :n].tolist(), values[row, :n].tolist(), gae_lambda)
        torch.testing.assert_close(found[row, :n], torch.tensor(expected, dtype=torch.float64))
        torch.testing.assert_close(returns[row, :n], found[row, :n] + values[row, :n])
        assert (found[row, n:] == 0).all()


def test_at_lambda_1_a_token_is_worth_all_that_follows():
    own = torch.ones(1, 3, dtype=torch.bool)
    found, returns = advantages(torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[3.0, 3.0, 3.0]]), own, 1.0)
    assert found.tolist() == [[4.0, 3.0, 1.0]] and returns.tolist() == [[7.0, 6.0, 4.0]]


def test_the_score_comes_at_the_last_token_and_the_kl_at_each():
    own = torch.tensor([[True, True, False], [True, True, True]])
    logs, start = torch.tensor([[-1.0, -2.0, 9.0], [-1.0, -1.0, -1.0]]), torch.tensor([[-2.0, -1.0, 7.0], [-1.0] * 3])
    found = token_rewards(torch.tensor([10.0, 20.0]), logs, start, own, 0.5)
    assert found.tolist() == [[-0.5, 10.5, 0.0], [0.0, 0.0, 20.0]]  # likelier than at the start: it costs


def test_whitened_over_answers_alone():
    own = torch.tensor([[True, True, False], [True, True, True]])
    x = torch.tensor([[1.0, 2.0, 1e9], [3.0, 4.0, 5.0]])
    made = whitened(x, own)
    assert made[0, 2] == 0 and abs(float(made[own].mean())) < 1e-6
    assert abs(float(made[own].var(correction=0)) - 1) < 1e-5
    assert (whitened(torch.full((1, 2), 3.0), torch.ones(1, 2, dtype=torch.bool)) == 0).all()  # all alike: nothing


@given(st.integers(1, 20), st.integers(0, 1000), st.floats(0.05, 0.5))
@settings(max_examples=60)
def test_losses_are_those_of_loops(count, seed, clip):
    draw = torch.Generator().manual_seed(seed)
    logs, old, worth, values, before, returns = (torch.randn(count, generator=draw).double() for _ in range(6))
    found, valued, cut = 0.0, 0.0, 0
    for n in range(count):
        r, a = math.exp(logs[n] - old[n]), float(worth[n])
        plain, kept = r * a, min(max(r, 1 - clip), 1 + clip) * a
        found -= min(plain, kept) / count
        cut += kept < plain
        v, v0, target = float(values[n]), float(before[n]), float(returns[n])
        near = min(max(v, v0 - clip), v0 + clip)
        valued += 0.5 * max((v - target) ** 2, (near - target) ** 2) / count
    made = surrogate(logs, old, worth, clip, 1 / count)
    assert math.isclose(float(made.loss), found, rel_tol=1e-9, abs_tol=1e-12) and int(made.clipped) == cut
    assert math.isclose(float(made.ratio), float((logs - old).exp().sum()), rel_tol=1e-9)
    assert math.isclose(float(value_loss(values, before, returns, clip, 1 / count)), valued, rel_tol=1e-9)


def test_beyond_the_clip_no_gradient_pushes_further_and_back_it_does():
    old = torch.zeros(4)
    logs = torch.tensor([0.5, 0.5, -0.5, -0.5], requires_grad=True)  # ratios 1.65 and .61
    surrogate(logs, old, torch.tensor([1.0, -1.0, 1.0, -1.0]), 0.2, 1.0).loss.backward()
    assert (logs.grad != 0).tolist() == [False, True, True, False]
