"""Presets against shared/RECIPES.md, "Models"; the schedule's points; scaling down."""

import subprocess
import sys
from itertools import islice

import pytest
import torch

from model.config import (
    Architecture,
    Training,
    batch_windows,
    flops_per_token,
    learning_rate,
    parameters,
    total_windows,
    updates,
)  # fmt: skip
from model.gpt import GPT
from model.presets import PRESETS, preset

M, B = 10**6, 10**9
ROWS = [  # name, layers, width, heads, context, learning rate, batch, parameters
    ("gpt1", 12, 768, 12, 512, 2.5e-4, 64 * 512, 116_534_784),
    ("gpt2-small", 12, 768, 12, 1024, None, 512 * 1024, 124_439_808),
    ("gpt2-medium", 24, 1024, 16, 1024, None, 512 * 1024, 354_823_168),
    ("gpt2-large", 36, 1280, 20, 1024, None, 512 * 1024, 774_030_080),
    ("gpt2-xl", 48, 1600, 25, 1024, None, 512 * 1024, 1_557_611_200),
    ("gpt3-small", 12, 768, 12, 2048, 6e-4, 500_000, 125_226_240),
    ("gpt3-medium", 24, 1024, 16, 2048, 3e-4, 500_000, 355_871_744),
    ("gpt3-large", 24, 1536, 16, 2048, 2.5e-4, 500_000, 760_300_032),
    ("gpt3-xl", 24, 2048, 16, 2048, 2e-4, 1 * M, 1_315_723_264),
    ("gpt3-2.7b", 32, 2560, 32, 2048, 1.6e-4, 1 * M, 2_651_553_280),
    ("gpt3-6.7b", 32, 4096, 32, 2048, 1.2e-4, 2 * M, 6_658_404_352),
    ("gpt3-13b", 40, 5120, 40, 2048, 1e-4, 2 * M, 12_853_386_240),
    ("gpt3-175b", 96, 12288, 96, 2048, 0.6e-4, 3_200_000, 174_604_259_328),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_preset_is_the_papers(row):
    name, layers, width, heads, context, rate, batch, count = row
    a, t = preset(name)
    assert (a.layers, a.width, a.heads, a.context) == (layers, width, heads, context)
    assert t.batch == batch and (rate is None or t.learning_rate == rate)
    assert parameters(a) == count
    with torch.device("meta"):
        assert sum(p.numel() for p in GPT(a).parameters()) == count
    assert (a.norm, a.final_norm, a.init) == (("post", False, "gpt1") if name == "gpt1" else ("pre", True, "gpt2"))
    assert a.vocabulary == (40478 if name == "gpt1" else 50257)
    assert a.dropout == (0.0 if name.startswith("gpt3") else 0.1)
    assert (a.band is not None) == name.startswith("gpt3")


def test_every_preset_has_a_row():
    assert set(PRESETS) == {row[0] for row in ROWS} | {"demo"}


def test_gpt1_schedule_is_in_updates():
    a, t = preset("gpt1")
    assert (t.tokens, t.warm_up, t.weight_decay) == (None, 2000, 0.01)
    assert learning_rate(t, 1000) == pytest.approx(1.25e-4) and learning_rate(t, 2000) == 2.5e-4
    assert learning_rate(t, (2000 + t.updates) / 2) == pytest.approx(1.25e-4) and learning_rate(t, t.updates) == 0
    assert batch_windows(t, a.context, 0) == 64


@pytest.mark.parametrize("name", [name for name in PRESETS if name.startswith("gpt3")])
def test_gpt3_schedule_is_in_tokens(name):
    a, t = preset(name)
    peak = t.learning_rate
    assert (t.tokens, t.beta1, t.beta2, t.epsilon, t.clip, t.weight_decay) == (300 * B, 0.9, 0.95, 1e-8, 1.0, 0.1)
    assert learning_rate(t, 187.5 * M) == pytest.approx(peak / 2) and learning_rate(t, 375 * M) == peak
    assert learning_rate(t, (375 * M + 260 * B) / 2) == pytest.approx(0.55 * peak)
    assert learning_rate(t, 260 * B) == learning_rate(t, 299 * B) == pytest.approx(0.1 * peak)
    assert 4 * B <= t.batch_ramp <= 12 * B
    assert batch_windows(t, a.context, 0) == round(32_000 / 2048)
    assert batch_windows(t, a.context, t.batch_ramp // 2) == pytest.approx((32_000 + t.batch) / 2 / 2048, abs=1)
    assert batch_windows(t, a.context, t.batch_ramp) == batch_windows(t, a.context, 299 * B) == round(t.batch / 2048)


def test_a_token_budget_scales_the_schedule():
    a, t = preset("gpt3-small", tokens=3 * B, layers=4, width=128)
    assert (a.heads, a.width) == (2, 128)  # the preset's head width
    assert (t.tokens, t.decay, t.batch_ramp) == (3 * B, 2_600_000_000, 40_000_000)
    assert t.warm_up == to_tokens(t, a, 100) > 3_750_000  # in proportion it would be 77 updates of the growing batch
    assert preset("gpt3-small", tokens=30 * B)[1].warm_up == 37_500_000  # 535 updates: in proportion
    assert preset("gpt3-small", tokens=3 * B, warm_up=7)[1].warm_up == 7  # what is given is not scaled
    _, t = preset("gpt1", tokens=300_000 * 64 * 512)
    assert (t.tokens, t.updates, t.warm_up) == (None, 300_000, 2000)  # stays in updates; 200 would be in proportion
    _, t = preset("gpt2-small", updates=1000)
    assert (t.tokens, t.updates) == (1000 * 512 * 1024, None)


def to_tokens(t, a, count):
    return sum(map(len, islice(updates(t, a.context), count))) * a.context


@pytest.mark.parametrize(
    ("name", "keys", "count"),
    [
        ("gpt2-small", {"tokens": 10 * B}, 100),  # 24 in proportion
        ("gpt2-xl", {"tokens": 1 * B}, 100),  # 2.4
        ("gpt2-small", {"tokens": 10 * B, "beta2": 0.99}, 200),  # 2 / (1 - beta2)
        ("gpt3-175b", {"tokens": 3 * B}, 100),
        ("gpt1", {"updates": 3000}, 750),  # a quarter of all: 2,000 would be too many
        ("demo", {"tokens": 300_000}, 30),  # its own, which are fewer than 100
        ("demo", {}, 30),  # as it is
    ],
)
def test_a_scaled_warm_up_has_a_floor_in_updates(name, keys, count):
    a, t = preset(name, **keys)
    if t.updates is not None:
        assert t.warm_up == count
    else:
        assert to_tokens(t, a, count - 1) < t.warm_up <= to_tokens(t, a, count)
    peaks = [learning_rate(t, at) for at in (t.warm_up // 2, t.warm_up)]
    assert peaks == [pytest.approx(t.learning_rate / 2, rel=0.01), pytest.approx(t.learning_rate)]


def test_a_warm_up_leaves_room_for_the_decay():
    t = preset("gpt2-small", tokens=100 * M)[1]  # 191 updates of which 100 would be more than half
    assert (t.warm_up, t.decay) == (t.decay // 4, 86_666_667)
    assert preset("gpt2-small", tokens=100 * M, warm_up=3, decay=5)[1].warm_up == 3  # what is given is as given
    assert preset("gpt2-small", tokens=100 * M, decay=4 * M)[1].warm_up == M
    assert preset("gpt2-small", tokens=300 * B)[1] == preset("gpt2-small")[1]


def test_total_windows_under_a_ramp_is_the_sum_of_the_batches():
    t = Training(updates=50, batch=64, batch_start=8, batch_ramp=1000)
    seen = 0
    for _ in range(50):
        seen += batch_windows(t, 8, seen * 8)
    assert total_windows(t, 8) == seen
    assert total_windows(Training(tokens=1000), 8) == 125


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: preset("gpt4"), "no preset"),
        (lambda: preset("gpt1", depth=3), "depth"),
        (lambda: preset("gpt3-small", width=100), "head width"),
        (lambda: preset("gpt1", tokens=1, updates=1), "not both"),
        (lambda: Architecture(width=10, heads=3), "multiple of heads"),
        (lambda: Architecture(dropout=1.0), "dropout"),
        (lambda: Training(), "budget"),
        (lambda: Training(tokens=10, warm_up=5, decay=4), "before warm_up"),
        (lambda: Training(tokens=10, batch=0), "batch is 0"),
    ],
)
def test_impossible_values_are_refused_with_a_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_flops_by_hand():
    a = Architecture(layers=2, width=8, heads=2, context=16, vocabulary=100, band=4)
    matrices = 2 * (8 * 24 + 8 * 8 + 8 * 32 + 32 * 8) + 100 * 8
    assert flops_per_token(a) == 6 * matrices + 12 * 8 * (16 + 4)


def test_config_and_presets_need_no_torch():
    code = (
        "import sys, model, model.config, model.presets, model.run, model.files, model.windows; "
        "assert not {'torch', 'obstore', 'boto3'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
