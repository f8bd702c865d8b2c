"""InstructGPT's numbers, each against where it is printed: shared/SPECS.md, section 2.8."""

import subprocess
import sys
from dataclasses import replace
from math import comb

import pytest

from model.config import Architecture, Training, Updates, snapshot_steps, stated
from model.gpt import GPT
from model.presets import PRESETS, over_epochs
from model.presets_instruct import INSTRUCT, training

SIZES = ["instructgpt-1.3b", "instructgpt-6b", "instructgpt-175b"]


def test_three_sizes():
    assert list(INSTRUCT) == SIZES


@pytest.mark.parametrize(
    ("name", "architecture", "rate", "batch", "start", "value"),
    [  # SPECS 2.8: "lr 9.65e-6 batch 32 (1.3B, 6B), 5.03e-6 batch 8 (175B)"; appendix C.3; C.4
        ("instructgpt-1.3b", "gpt3-xl", 9.65e-6, 32, 5e-6, 9e-6),
        ("instructgpt-6b", "gpt3-6.7b", 9.65e-6, 32, 1.04e-5, 9e-6),
        ("instructgpt-175b", "gpt3-175b", 5.03e-6, 8, 2.45e-6, 5e-6),
    ],
)
def test_what_differs_by_size(name, architecture, rate, batch, start, value):
    numbers = INSTRUCT[name]
    assert numbers.architecture == architecture and architecture in PRESETS
    assert (numbers.sft.learning_rate, numbers.sft.batch) == (rate, batch)
    assert (numbers.start_of_ppo.learning_rate, numbers.start_of_ppo.batch) == (start, batch)
    assert numbers.ppo.value_learning_rate == value


EVERY = [
    ("sft", "epochs", 16),  # "16 epochs, cosine to 10 %, no warm-up, residual dropout .2"
    ("sft", "floor", 0.1),
    ("sft", "warm_up", 0),
    ("sft", "dropout", 0.2),
    ("sft", "beta1", 0.9),  # appendix C
    ("sft", "beta2", 0.95),
    ("start_of_ppo", "epochs", 2),  # "start = SFT 2 epochs with 10 % pretraining mix"
    ("start_of_ppo", "pretraining", 0.1),
    ("start_of_ppo", "floor", 0.1),
    ("reward", "architecture", "gpt3-6.7b"),  # one of 6B for all
    ("reward", "answers", (4, 9)),  # "K 4..9, ties dropped, batch 64 prompts, 1 epoch, 9e-6 cosine to 10 %"
    ("reward", "batch", 64),
    ("reward", "epochs", 1),
    ("reward", "learning_rate", 9e-6),
    ("reward", "floor", 0.1),
    ("reward", "warm_up", 0),
    ("ppo", "episodes", 256_000),  # "256k episodes, batch 512, minibatch 64, one inner epoch, clip .2, T 1, beta .02"
    ("ppo", "batch", 512),
    ("ppo", "minibatch", 64),
    ("ppo", "epochs", 1),
    ("ppo", "clip", 0.2),
    ("ppo", "temperature", 1.0),
    ("ppo", "beta", 0.02),
    ("ppo", "discount", 1.0),  # "no discount (lambda .95 from lm-human-preferences)"
    ("ppo", "trace", 0.95),
    ("ppo", "warm_up", 10),  # "warm-up 10 iterations from a tenth, EMA .992"
    ("ppo", "warm_up_from", 0.1),
    ("ppo", "average", 0.992),
    ("ppo", "windows", 8),  # "ptx: 8 x examples, gamma 27.8"
    ("ppo", "gamma", 27.8),
    ("ppo", "swept", (2.55e-6, 2.55e-5)),  # "not printed (swept 2.55e-6..2.55e-5; > 8.05e-6 diverged without ptx)"
    ("ppo", "diverged_above", 8.05e-6),
    ("ppo", "value_clip", 0.2),  # "value clipped .2, vf .1 (lm-h-p)"
    ("ppo", "value_weight", 0.1),
    ("ppo", "prompt_tokens", 1024),  # "> 1k-token prompts out"
    ("ppo", "limit", 1024),  # appendix C: "the maximum response length to 1k tokens"
]


@pytest.mark.parametrize(("training", "key", "value"), EVERY, ids=lambda value: str(value))
def test_what_all_sizes_share(training, key, value):
    for name in SIZES:
        assert getattr(getattr(INSTRUCT[name], training), key) == value


def test_a_batch_of_comparisons_is_the_papers():
    reward = INSTRUCT["instructgpt-6b"].reward
    assert reward.batch * comb(reward.answers[1], 2) == 2_304


def test_the_rate_that_is_ours_lies_in_the_sweep_and_does_not_diverge():
    ppo = INSTRUCT["instructgpt-1.3b"].ppo
    assert ppo.swept[0] <= ppo.learning_rate <= min(ppo.swept[1], ppo.diverged_above)


def test_prompt_and_answer_fill_the_context():
    ppo = INSTRUCT["instructgpt-6b"].ppo
    assert ppo.prompt_tokens + ppo.limit == PRESETS["gpt3-6.7b"]["context"]


def test_the_trainer_takes_them():
    numbers = INSTRUCT["instructgpt-175b"]
    t = Training(updates=1, **training(numbers.sft))
    assert (t.learning_rate, t.batch, t.floor, t.warm_up, t.snapshots) == (5.03e-6, 8, 0.1, 0, "epochs")
    assert Training(updates=1, **training(numbers.reward)).batch == 64


def test_snapshots_at_the_ends_of_epochs():
    """20 examples in batches of 8: an epoch's last example is in the update that its end is rounded up to."""
    keys = {"batch": 8, "snapshots": "epochs"}
    assert over_epochs(keys, 3, 20)["snapshots"] == [3, 5, 8]
    assert over_epochs(keys, 2.5, 20)["snapshots"] == [3, 5, 7]
    assert over_epochs({"batch": 64, "snapshots": "epochs"}, 3, 20)["snapshots"] == [1]  # all in one update
    for epochs in (1, 2.5, 16):
        t = Training(**over_epochs(keys, epochs, 20))
        assert snapshot_steps(t, 1)[-1] == Updates(t, 1).count
    with pytest.raises(ValueError, match="belongs to a training on examples"):
        snapshot_steps(Training(updates=1, snapshots="epochs"), 8)


def test_dropout_of_residuals_alone():
    a = Architecture(layers=1, width=8, heads=1, context=8, vocabulary=9, residual_dropout=0.2)
    block = GPT(a).blocks[0]
    assert (block.dropout1.p, block.dropout2.p, block.attention.dropout) == (0.2, 0.2, 0.0)
    assert "residual_dropout" not in stated(replace(a, residual_dropout=None)), "models of before stay what they were"
    assert Architecture(**stated(a)) == a
    with pytest.raises(ValueError, match="residual_dropout is 1"):
        replace(a, residual_dropout=1.0)


def test_they_need_no_torch():
    code = "import sys, model.presets_instruct; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
