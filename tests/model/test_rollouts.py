"""model.rollouts: the same answers whatever is drawn beside them, and those of a plain loop."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model import rollouts
from model.config import Architecture
from model.gpt import GPT

V, END, CONTEXT = 24, 23, 80


@pytest.fixture(scope="module")
def model() -> GPT:
    """Weights ten times as large as at the beginning, so that laws are far from flat; dense and banded layers."""
    made = GPT(Architecture(layers=3, width=32, heads=2, context=CONTEXT, vocabulary=V, band=8)).initialise(1).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.dim() == 2:
                parameter.mul_(10)
    return made


def prompts(count: int, seed: int = 1) -> list[list[int]]:
    """Of 1 to 50 tokens: with and without whole blocks of 16, and some at the edges."""
    draw = np.random.default_rng(seed)
    lengths = [1, 16, 17, 32, 33, 50, *draw.integers(1, 51, count).tolist()][:count]
    return [draw.integers(0, V - 1, length).tolist() for length in lengths]


@torch.no_grad()
def one_by_one(model: GPT, prompt: list[int], episode: int, seed: int, limit: int) -> list[int]:
    """The plain twin: all of the text is read again for each token, and a token drawn by walking along the law."""
    text, answer = list(prompt), []
    for u in rollouts.shares(seed, episode, limit):
        law = model(torch.tensor([text]))[0, -1].double().softmax(-1).tolist()
        mass, token = 0.0, -1
        while mass <= u and token < V - 1:
            token += 1
            mass += law[token]
        text.append(token)
        answer.append(token)
        if token == END or len(text) == model.architecture.context:
            break
    return answer


def test_answers_are_those_of_a_plain_loop(model):
    given = prompts(40)
    made = rollouts.answers(model, given, range(100, 140), seed=3, limit=40, end=END)
    assert made == [one_by_one(model, prompt, 100 + n, 3, 40) for n, prompt in enumerate(given)]
    lengths = [len(answer) for answer in made]
    assert any(answer[-1] == END and len(answer) < 30 for answer in made)  # ended by themselves,
    assert max(lengths) == 40  # at the limit,
    full = [len(prompt) + len(answer) for prompt, answer in zip(given, made, strict=True)]
    assert max(full) == CONTEXT and all(len(answer) < 40 for answer, n in zip(made, full, strict=True) if n == CONTEXT)


def test_no_answer_shows_in_another_however_they_are_divided(model):
    """The bits of the logits too: by the tokens alone one flip in ten million draws would go unseen."""
    given, numbers = prompts(150), list(range(150))
    seen: list[dict[tuple[int, int], bytes]] = []

    def recorded(split: list[list[int]], rows: int) -> list[list[int]]:
        """Answers, and of each (episode, token) the logits that it was drawn from."""
        bits: dict[tuple[int, int], bytes] = {}
        plain = rollouts._Wave._drawn

        def drawn(self, states, due, place):
            logits = rollouts.heads.tied(states, self.model.tokens.weight)
            for row, n in due.items():
                episode = self.draws[n].tobytes()
                bits[episode, place - len(self.prompts[n])] = logits[row].numpy().tobytes()
            return plain(self, states, due, place)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rollouts._Wave, "_drawn", drawn)
            found: list[list[int]] = [[]] * len(given)
            for part in split:
                made = rollouts.answers(model, [given[n] for n in part], part, seed=1, limit=24, end=END, rows=rows)
                for n, answer in zip(part, made, strict=True):
                    found[n] = answer
        seen.append(bits)
        return found

    draw = np.random.default_rng(5)
    mixed = draw.permutation(150).tolist()
    whole = recorded([numbers], 128)
    assert recorded([numbers[:1], numbers[1:20], numbers[20:]], 128) == whole
    assert recorded([mixed], 16) == whole
    assert recorded([mixed[:70], mixed[70:]], 48) == whole
    assert seen[0].keys() == seen[1].keys() and all(bits == seen[0] for bits in seen[1:])


def test_rows_that_have_ended_are_taken_out(model, monkeypatch):
    """Otherwise the test above would hold without them."""
    sizes = []
    plain = rollouts._Wave._states
    monkeypatch.setattr(rollouts._Wave, "_states", lambda self, *at: sizes.append(len(self.tokens)) or plain(self, *at))
    rollouts.answers(model, [[n % 20] for n in range(128)], range(128), seed=1, limit=60, end=END)
    assert sizes[0] == 128 and sizes[-1] < 64 and sizes == sorted(sizes, reverse=True)


def test_seed_and_episode_draw(model):
    one, other, again = (
        rollouts.answers(model, [[5]] * 20, range(first, first + 20), seed=seed, limit=20, end=END)
        for first, seed in ((0, 1), (0, 2), (5, 1))
    )
    assert one != other and one[5:] == again[:15] and len(set(map(tuple, one))) > 15


@given(st.integers(0, 2**40), st.integers(0, 2**40), st.integers(1, 300))
@settings(max_examples=50)
def test_draws_are_in_0_1_and_hang_on_their_place_alone(seed, episode, count):
    made = rollouts.shares(seed, episode, count)
    assert made.shape == (count,) and (made >= 0).all() and (made < 1).all()
    assert (rollouts.shares(seed, episode, count + 7)[:count] == made).all()
    assert (rollouts.shares(seed, episode + 1, count) != made).all()


def test_draws_are_uniform():
    """Kolmogorov and Smirnov over 200,000 draws, and no correlation of neighbours, in token or in episode."""
    made = np.stack([rollouts.shares(1, episode, 200) for episode in range(1000)])
    ordered = np.sort(made.ravel())
    assert np.abs(ordered - (np.arange(len(ordered)) + 0.5) / len(ordered)).max() < 1.63 / np.sqrt(len(ordered))  # 1 %
    for one, other in ((made[:, 1:], made[:, :-1]), (made[1:], made[:-1])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(one.size)


def test_tokens_are_drawn_by_their_law():
    logits = torch.tensor([[0.0, 1.0, -1.0, float("-inf"), 2.0]]).expand(40_000, 5)
    at = torch.from_numpy(rollouts.shares(1, 1, 40_000))[:, None]
    counts = torch.bincount(rollouts.drawn_each(logits, at), minlength=5).double() / 40_000
    law = logits[0].double().softmax(-1)
    assert counts[3] == 0 and ((counts - law).abs() < 4 * (law * (1 - law) / 40_000).sqrt() + 1e-12).all()


def test_the_last_share_does_not_fall_off_the_law():
    logits = torch.tensor([[0.0, 0.0, float("-inf")]])
    assert rollouts.drawn_each(logits, torch.tensor([[1.0]], dtype=torch.float64)).tolist() == [1]


def test_what_cannot_be_answered_is_refused(model):
    with pytest.raises(ValueError, match="episode 7 is empty"):
        rollouts.answers(model, [[1], []], [6, 7], seed=1, limit=3, end=END)
    with pytest.raises(ValueError, match="episode 6 has 80 tokens"):
        rollouts.answers(model, [[1] * CONTEXT], [6], seed=1, limit=3, end=END)


def test_asked_to_stop_it_stops_between_waves(model):
    asked = iter([False, True])
    made = rollouts.answers(
        model, [[n % 20] for n in range(40)], range(40), seed=1, limit=5, end=END, rows=16, stop=lambda: next(asked)
    )
    assert [answer is not None for answer in made] == [True] * 16 + [False] * 24
