"""The alignment tax, where truth is known: PPO learns a rule, and forgets its language; with ptx it does not."""

import copy
import json
import signal

import pytest
import torch
from chains import END, chain, pretrained, prompts, wanted, web_loss, windows

from model import ppo, rollouts, score, train
from model.machine import Machine
from model.ppo_inputs import each, in_epochs
from model.ppo_keys import PPO

SFT_ANSWERS = 256
KEYS = {
    "batch": 64, "minibatch": 32, "answer_tokens": 16, "learning_rate": 2e-3, "value_learning_rate": 2e-3,
    "warm_up": 2, "pretraining": 2, "micro_batch": 64, "threads": 1, "device": "cpu", "checkpoint_every": 10**6,
}  # fmt: skip


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    torch.set_num_threads(1)
    yield pretrained(tmp_path_factory.mktemp("language"), train.main, updates=120)
    torch.use_deterministic_algorithms(False)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def scored(model) -> float:
    """The rule's score of answers to prompts that PPO does not see."""
    held = [[*chain(4 + n % 9, 9000 + n).tolist(), 2] for n in range(SFT_ANSWERS)]
    made = rollouts.answers(model, held, range(SFT_ANSWERS), seed=77, limit=KEYS["answer_tokens"], end=END)
    return sum(wanted(prompt, answer) for prompt, answer in zip(held, made, strict=True)) / SFT_ANSWERS


def taught(language, out, **keys):
    """A model after PPO: the score it has then, web text's loss, and the rows."""
    k = PPO(**{**KEYS, **keys})
    policy, _, _ = score.load(language / "model")
    policy = copy.deepcopy(policy)
    ppo.train(out, k, policy, in_epochs(prompts(64), 1), each(wanted), END, Machine(k.machine()),
              windows=windows(language))  # fmt: skip
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return scored(policy), web_loss(policy, language), rows


def test_the_alignment_tax_and_what_pretraining_mixed_in_makes_of_it(language, tmp_path):
    before = score.load(language / "model")[0]
    sft, web = scored(before), web_loss(before, language)
    assert (
        0.1 < sft < 1.5 and web < 1.5
    )  # it knows the language: 1.2 nats with the ends of documents, 3.3 if it did not
    plain, forgotten, rows = taught(language, tmp_path / "plain", episodes=12 * 64, gamma=0)
    mixed, kept, with_ptx = taught(language, tmp_path / "ptx", episodes=14 * 64, gamma=1)
    assert plain > 5 * sft and mixed > 5 * sft
    assert forgotten - web > 1.0
    assert kept - web < 0.2
    assert "lm_loss" not in rows[0] and with_ptx[-1]["lm_loss"] < 1.5
    for each_run in (rows, with_ptx):
        assert abs(each_run[0]["kl"]) < 1e-6 and each_run[-1]["kl"] > 5  # and it went far from where it began


def test_beta_holds_the_policy_near(language, tmp_path):
    """At .5 a wanted letter, worth 1, pays for 2 nats and no more."""
    free, _, rows = taught(language, tmp_path / "free", episodes=8 * 64, gamma=0, beta=0.0)
    held, _, near = taught(language, tmp_path / "held", episodes=8 * 64, gamma=0, beta=0.5)
    assert near[-1]["kl"] < 0.5 * rows[-1]["kl"] and held < free


def test_adaptive_kl_comes_near_its_target(language, tmp_path):
    _, _, rows = taught(language, tmp_path / "steered", episodes=30 * 64, gamma=0, beta=0.3, target=4.0, horizon=64)
    betas = [row["beta"] for row in rows]
    for row, later in zip(rows, betas[1:], strict=False):
        error = min(max(row["kl"] / 4.0 - 1, -0.2), 0.2)
        assert later == pytest.approx(row["beta"] * (1 + error), rel=1e-6)
    last = [row["kl"] for row in rows[-12:]]
    assert 3 < sum(last) / 12 < 5
