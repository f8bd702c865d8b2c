"""`from` of a model: a folder that comes in, another model to go on from, and what else may stand beside it."""

from dataclasses import replace
from pathlib import Path

import pytest

from conf.load import load
from model.config import Architecture, Training
from tasks.runtime.errors import Mistake

HEAD = "sources:\n  web: {kind: text, files: 'web/*.txt'}\nmodels:\n"


def loaded(folder: Path, models: str):
    (folder / "p.yaml").write_text(HEAD + models)
    return load(folder / "p.yaml")


def test_a_model_comes_in(tmp_path: Path) -> None:
    p = loaded(tmp_path, "  gpt2: {from: 'hf:models/gpt2', end_of_text: </s>}\n  small: {preset: demo}\n")
    assert p.models["gpt2"].from_ == f"hf:{tmp_path}/models/gpt2" and p.models["gpt2"].end_of_text == "</s>"
    assert p.models["small"].from_ is None


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("{from: Gpt 2}", "should match pattern"),
        ("{from: small}", "it goes on from small: give tokens"),
        ("{from: 'hf:x', tokens: 1M, updates: 3}", "give one of tokens and updates"),
        ("{from: small, tokens: 1M, layers: 3, dropout: .1}", "its start's architecture: dropout, layers must go"),
        ("{from: small, tokens: 1M, learning_rate: -1}", "learning_rate is -1.0: it must be positive"),
        ("{from: small, tokens: 1M, end_of_text: x}", "end_of_text belongs to a model that comes in"),
        ("{from: 'hf:x', preset: demo}", "give one of preset, for a model that is trained here, and from"),
        ("{}", "give one of preset, for a model that is trained here, and from"),
        ("{from: 'hf:x', layers: 3}", "not trained here: layers must go; or give tokens"),
        ("{preset: demo, end_of_text: x}", "end_of_text belongs to a model that comes in"),
        ("{from: 'hf:https://me:hunter2@there/x'}", "holds a credential"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(keys: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=said) as caught:
        loaded(tmp_path, f"  gpt2: {keys}\n")
    assert "p.yaml:4: models.gpt2" in str(caught.value) and "hunter2" not in str(caught.value)


MADE = "  small: {preset: demo, batch: 2048, learning_rate: 1.0e-3, snapshots: [3], recompute: true}\n"


def test_a_model_goes_on_from_another_with_its_recipe_and_a_schedule_of_its_own(tmp_path: Path) -> None:
    models = MADE + "  more: {from: tuned, updates: 8, beta2: .9}\n  tuned: {from: small, tokens: 400k, floor: .2}\n"
    p = loaded(tmp_path, models)
    assert p.going_on() == ["tuned", "more"]  # each behind its start
    (shape, first), (same, second), (also, third) = (p.filled(name, {}) for name in ("small", "tuned", "more"))
    assert shape == same == also and first is not None and second is not None and third is not None
    assert (second.tokens, second.batch, second.learning_rate, second.recompute) == (400_000, 2048, 1e-3, True)
    assert (first.floor, second.floor, third.floor, third.beta2) == (0.1, 0.2, 0.2, 0.9)
    assert (first.seed, second.seed, third.seed) == (1, 2, 3)  # each reads in an order of its own
    assert first.snapshots == [3] and second.snapshots is None and second.decay is None
    assert second.warm_up == 100_000  # a quarter: 100 updates of 2,048 tokens are more
    assert (third.updates, third.tokens, third.warm_up) == (8, None, 2)


def test_a_longer_context(tmp_path: Path) -> None:
    p = loaded(tmp_path, MADE + "  a: {from: small, tokens: 200k, context: 512}\n  b: {from: a, updates: 9}\n")
    (shape, _), (longer, _), (same, _) = (p.filled(name, {}) for name in ("small", "a", "b"))
    assert longer == same == replace(shape, context=512)


def test_a_folder_is_trained_on_by_the_defaults_and_what_is_given(tmp_path: Path) -> None:
    p = loaded(tmp_path, f"  tuned: {{from: 'hf:x', tokens: 300M, learning_rate: 1.0e-4}}\n{FILE}")
    shape = Architecture(layers=2, width=64, heads=2, context=512)
    architecture, training = p.filled("tuned", {"tuned": shape})
    assert architecture == shape and training is not None
    assert (training.tokens, training.learning_rate, training.seed) == (300_000_000, 1e-4, 1)
    assert training.warm_up == 100 * 524_288 and training.beta2 == Training(updates=1).beta2
    assert p.filled("tuned", {"tuned": shape})[1] == training
    assert p.models["tuned"].folder and p.going_on() == ["tuned"]


FILE = "tokenizer: {kind: file, file: x, vocabulary: 300}\n"


@pytest.mark.parametrize(
    ("models", "line", "said"),
    [
        ("  a: {from: b, tokens: 1M}\n", 4, "models.a.from names b, which is no model of this pipeline (there are a)"),
        (
            "  s: {preset: demo}\n  a: {from: c, tokens: 1M}\n  b: {from: a, tokens: 1M}\n  c: {from: b, tokens: 1M}\n",
            5,
            "models.a.from leads in a circle: a from c from b from a",
        ),
        ("  a: {from: a, tokens: 1M}\n", 4, "a from a"),
        (
            "  a: {from: 'hf:gpt2', tokens: 1M}\n",
            4,
            "models.a learns on in the tokens of {here}/gpt2, and the pipeline makes a tokenizer of its own: set "
            "`tokenizer: {{kind: file, file: {here}/gpt2, vocabulary: ...}}`",
        ),
        (
            "  g: {from: 'hf:gpt2'}\n  a:\n    tokens: 1M\n    from: g\n",
            7,
            "models.a learns on in the tokens of {here}/gpt2",
        ),
        (MADE + "  a: {from: small, updates: 4, snapshots: [5]}\n", 5, "models.a: snapshots has 5"),
        (MADE + "  a: {from: small, updates: 4, context: 128}\n", 5, "models.a: its start has a context of 256"),
    ],
)
def test_what_a_model_goes_on_from_must_be_there(models: str, line: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(Mistake) as caught:
        loaded(tmp_path, models)
    assert f"p.yaml:{line}: " in str(caught.value) and said.format(here=tmp_path) in str(caught.value)


def test_a_rung_of_the_ladder_can_be_gone_on_from(tmp_path: Path) -> None:
    p = loaded(tmp_path, "  a: {from: demo-1x32, tokens: 2k}\nladder: {sizes: [{layers: 1, width: 32}], tokens: 1k}\n")
    shape, training = p.filled("a", {})
    assert (shape.layers, shape.width) == (1, 32) and training is not None and training.tokens == 2000
