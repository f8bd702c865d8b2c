"""The loop of PPO: draw episodes, score them, learn from them a minibatch at a time; each iteration anew.

All that an iteration does follows from the weights that it begins with and from (seed, iteration): the same command
resumes in the midst of it, with the same bytes as an unbroken run. SIGTERM stops it between two waves of rollouts, or
between two updates.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

import torch
from torch import Tensor, nn

from model import rollouts
from model.advantages import advantages, token_rewards, whitened
from model.clipped import surrogate, value_loss
from model.divergence import Diverged
from model.episodes import Episodes, Value, laws, minibatches, parts
from model.gpt import GPT
from model.machine import Machine
from model.metrics import Metrics
from model.ppo_keys import PPO, rate, steered
from model.windows import Windows

Prompts = Callable[[int], list[int]]  # of an episode, by its number: a pure function
Scores = Callable[[Sequence[Sequence[int]], Sequence[Sequence[int]]], Sequence[float]]  # prompts, answers -> scores
TOLD = ("score", "score_deviation", "kl", "entropy", "answer_tokens", "ended", "explained", "beta")
SUMS = ("policy_loss", "value_loss", "lm_loss", "ratio", "clip_fraction", "grad_norm", "value_grad_norm")


@dataclass(frozen=True)
class Parts:
    """What PPO is put together from. `policy` and `value` learn, `start` (the SFT model) stays; `average`: the EMA of
    the policy's weights by name."""

    ppo: PPO
    policy: GPT
    start: GPT
    value: Value
    average: dict[str, Tensor]
    optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer]  # of the policy, of the value network
    machine: Machine
    metrics: Metrics
    prompts: Prompts
    reward: Scores
    end: int  # the token that ends an answer
    windows: Windows | None  # of pretraining; None: PPO without ptx
    first_window: int  # the one that the first update reads
    save: Callable[["Place"], None]  # writes a checkpoint


@dataclass(frozen=True)
class Learned:
    """What an iteration's updates need of its episodes, (B, A) each: before the first of them, of the weights that drew
    them."""

    logs: Tensor
    values: Tensor
    advantages: Tensor  # whitened
    returns: Tensor


@dataclass
class Place:
    """`iteration` iterations and `update` updates of the next one are made. `answers`: those of it that are drawn, None
    each that is not, or none at all; `learned`: there from the first update of an iteration to its last."""

    iteration: int = 0
    update: int = 0
    tokens: int = 0  # of answers, so far
    beta: float = 0.0
    answers: list[list[int] | None] | None = None
    learned: Learned | None = None
    row: dict[str, Any] = field(default_factory=dict)  # of metrics, of the iteration that is going on
    sums: dict[str, float] = field(default_factory=dict)  # over its updates so far


def learn(p: Parts, place: Place) -> Place:
    """From `place` to the end, or until SIGTERM, after which a checkpoint is written; returns how far it came.

    Raises:
        Diverged: a score, a loss or a gradient that is no number; the update is not made.
    """
    k = p.ppo
    while place.iteration < k.iterations:
        began = time.monotonic()
        numbers = range(place.iteration * k.batch, (place.iteration + 1) * k.batch)
        prompts = [p.prompts(episode) for episode in numbers]
        answers = _draw(p, place, prompts, numbers)
        if answers is None:
            p.save(place)
            return place
        episodes = Episodes.of(prompts, answers, p.machine.device)
        if place.learned is None:
            _score(p, place, episodes, prompts, answers)
        for update, rows in enumerate(_order(p, place.iteration)):
            if update < place.update:
                continue
            _update(p, place, episodes, rows)
            place.update += 1
            last = place.update == k.updates
            if last:
                _next(p, place, len(numbers), int(episodes.answer.sum()), time.monotonic() - began)
            made = place.iteration * k.updates + place.update
            stop = p.machine.stop_asked and place.iteration < k.iterations
            if stop or made % k.checkpoint_every == 0:
                p.save(place)
            if stop:
                return place
    return place


def _order(p: Parts, iteration: int) -> list[list[int]]:
    """The episodes of each of an iteration's updates."""
    k = p.ppo
    keys = [f"minibatches {k.seed} {iteration} {epoch}" for epoch in range(k.inner_epochs)]
    return [rows for key in keys for rows in minibatches(k.minibatch, k.batch, key)]


def _draw(p: Parts, place: Place, prompts: list[list[int]], numbers: range) -> list[list[int]] | None:
    """The iteration's answers; None where SIGTERM came before all were drawn."""
    known: list[list[int] | None] = place.answers or [None] * len(prompts)
    missing = [n for n, answer in enumerate(known) if answer is None]
    if missing:
        try:
            made = rollouts.answers(
                p.policy, [prompts[n] for n in missing], [numbers[n] for n in missing], seed=p.ppo.seed,
                limit=p.ppo.answer_tokens, end=p.end, stop=lambda: p.machine.stop_asked,
            )  # fmt: skip
        except ValueError as error:
            if all(bool(parameter.isfinite().all()) for parameter in p.policy.parameters()):
                raise
            raise Diverged(f"iteration {place.iteration + 1}: {error}") from None
        for n, answer in zip(missing, made, strict=True):
            known[n] = answer
    place.answers = known
    drawn = [answer for answer in known if answer is not None]
    return drawn if len(drawn) == len(known) else None


@torch.no_grad()
def _score(p: Parts, place: Place, e: Episodes, prompts: list[list[int]], answers: list[list[int]]) -> None:
    """What all networks say of the episodes, before the first update; and the beginning of the iteration's row.

    In the very parts that the updates take, so that the ratio of the first one is 1 to the bit."""
    k, own = p.ppo, e.own
    logs, start, values, entropy = (torch.zeros(own.shape, device=own.device) for _ in range(4))
    for rows in _order(p, place.iteration)[: k.batch // k.minibatch]:
        for part in parts(e, rows, k.micro_batch):
            of = e.part(part)
            ordered = _row_by_row(part, own)
            logs[ordered], law = laws(p.policy, of)
            entropy[ordered] = -(law.exp() * law).sum(-1)
            start[ordered] = laws(p.start, of)[0]
            values[ordered] = p.value(of)
    scores = torch.tensor(p.reward(prompts, answers), dtype=torch.float32, device=own.device)
    if not bool(scores.isfinite().all()):
        worst = int((~scores.isfinite()).nonzero()[0])
        raise Diverged(
            f"iteration {place.iteration + 1}: the reward of episode {place.iteration * k.batch + worst} is "
            f"{float(scores[worst])}: a reward must be a finite number"
        )
    rewards = token_rewards(scores, logs, start, own, place.beta)
    found, returns = advantages(rewards, values, own, k.gae_lambda)
    place.learned = Learned(logs, values, whitened(found, own), returns)
    kl = torch.where(own, logs - start, 0.0).sum(1).double()  # of an episode, nats
    unexplained = (returns - values)[own].var(correction=0) / returns[own].var(correction=0).clamp(min=1e-12)
    place.row = {
        "score": float(scores.double().mean()),
        "score_deviation": float(scores.double().std(correction=0)),
        "kl": float(kl.mean()),
        "entropy": float(entropy[own].double().mean()),
        "answer_tokens": float(e.answer.double().mean()),
        "ended": sum(answer[-1] == p.end for answer in answers) / len(answers),
        "explained": 1 - float(unexplained),
        "beta": place.beta,
    }
    place.sums = dict.fromkeys(SUMS, 0.0)


def _row_by_row(part: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """Where in (B, A) the tokens of these rows stand, as `laws` and `Value` give them."""
    row, token = own[part].nonzero(as_tuple=True)
    return part[row], token


def _update(p: Parts, place: Place, e: Episodes, rows: list[int]) -> None:
    """One update of both networks, from a minibatch and its share of pretraining's windows. Diverged."""
    k, had = p.ppo, place.learned
    assert had is not None
    made = place.iteration * k.updates + place.update
    weight = 1 / int(e.answer[rows].sum())
    losses = torch.zeros(3, dtype=torch.float64, device=p.machine.device)  # policy's, value's, LM's
    told = torch.zeros(2, dtype=torch.float64, device=p.machine.device)  # ratio, clipped
    for part in parts(e, rows, k.micro_batch):
        of, at = e.part(part), _row_by_row(part, e.own)
        found = surrogate(laws(p.policy, of)[0], had.logs[at], had.advantages[at], k.clip, weight)
        found.loss.backward()  # type: ignore[no-untyped-call]
        valued = value_loss(p.value(of), had.values[at], had.returns[at], k.value_clip, weight)
        (k.value_share * valued).backward()  # type: ignore[no-untyped-call]
        losses[0] += found.loss.detach()
        losses[1] += valued.detach()
        told += torch.stack([found.ratio, found.clipped]).double()
    if p.windows is not None:
        losses[2] = _pretraining(p, p.windows, p.first_window + made * k.minibatch * k.pretraining)
    norms = [
        float(nn.utils.clip_grad_norm_(network.parameters(), inf if k.norm is None else k.norm))
        for network in (p.policy, p.value)
    ]
    figures = [*losses.tolist(), *(told * weight).tolist(), *norms]
    named = dict(zip(SUMS, figures, strict=True))
    if not all(map(isfinite, figures)):
        wrong = ", ".join(f"{name} {value}" for name, value in named.items() if not isfinite(value))
        raise Diverged(
            f"iteration {place.iteration + 1}, update {made + 1}: {wrong} is no finite number; stopped before the "
            "update. Lower the learning rate or lengthen the warm-up"
        )
    for name, figure in named.items():
        place.sums[name] += figure
    for optimizer, peak in zip(p.optimizers, (k.learning_rate, k.value_learning_rate), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate(peak, k.warm_up, place.iteration)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    with torch.no_grad():
        for name, parameter in p.policy.named_parameters():
            p.average[name].lerp_(parameter, 1 - k.average)


def _pretraining(p: Parts, windows: Windows, first: int) -> Tensor:
    """Add gamma times the gradient of the LM loss, a mean over the tokens of windows first ..., and return it."""
    k = p.ppo
    count = k.minibatch * k.pretraining
    total = torch.zeros((), dtype=torch.float64, device=p.machine.device)
    for start in range(first, first + count, k.micro_batch):
        read, _ = windows.read(start, min(start + k.micro_batch, first + count))
        tokens = torch.from_numpy(read["tokens"]).to(p.machine.device)
        shares = torch.full(tokens[:, 1:].shape, 1 / (count * windows.context), device=tokens.device)
        loss = p.policy(tokens[:, :-1], tokens[:, 1:], shares=shares).sum()
        (k.gamma * loss).backward()
        total += loss.detach()
    return total


def _next(p: Parts, place: Place, episodes: int, tokens: int, seconds: float) -> None:
    """An iteration is at its end: its row, and the place where the next one begins."""
    k = p.ppo
    means = {name: total / k.updates for name, total in place.sums.items()}
    if p.windows is None:
        del means["lm_loss"]
    loss = means["policy_loss"] + k.value_share * means["value_loss"] + k.gamma * means.get("lm_loss", 0.0)
    row = {
        "step": place.iteration + 1,
        "episodes": (place.iteration + 1) * episodes,
        "tokens": place.tokens + tokens,
        "loss": loss,
        **{name: place.row[name] for name in TOLD},  # a checkpoint does not keep their order
        **{name: means[name] for name in SUMS if name in means},
        "lr": rate(k.learning_rate, k.warm_up, place.iteration),
    }
    p.metrics.write(row, episodes, seconds)
    fresh = Place(place.iteration + 1, 0, place.tokens + tokens, steered(k, place.beta, place.row["kl"]))
    for name, value in vars(fresh).items():
        setattr(place, name, value)
