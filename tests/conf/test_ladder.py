"""`ladder`: names and budgets of its sizes, and what is refused."""

import pytest
from plain import PLAIN

from conf.load import load
from model.config import parameters
from tasks.runtime.errors import Mistake

LADDER = """ladder:
  preset: demo
  sizes: [{layers: 1, width: 32}, {layers: 2, width: 32}, {layers: 2, width: 64}, {layers: 3, width: 64}, gpt3-small]
  tokens: 3x
  seeds: 2
"""


def pipeline(tmp_path, ladder):
    path = tmp_path / "p.yaml"
    path.write_text(PLAIN + ladder)
    return load(path)


def test_sizes_are_models_of_the_preset(tmp_path):
    p = pipeline(tmp_path, LADDER)
    sizes = ["demo-1x32", "demo-2x32", "demo-2x64", "demo-3x64", "gpt3-small"]
    assert list(p.rungs()) == [name for size in sizes for name in (size, f"{size}-seed2")]
    model, more = p.rungs()["demo-2x64-seed2"]
    architecture, training = model.filled(p.tokenizer.vocabulary, p.seed + more)
    assert (architecture.layers, architecture.width, architecture.heads, architecture.context) == (2, 64, 2, 256)
    assert training.tokens == 3 * parameters(architecture) and training.seed == p.seed + 1
    assert list(p.trained()) == [*p.rungs(), "small"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tokens: 3x", "tokens: threex", "tokens"),
        (
            "tokens: 3x",
            "tokens: 3x\n  predict: large",
            "ladder.predict names large, which is none of `models` that are trained",
        ),
        ("tokens: 3x", "tokens: 3x\n  predict: small\n  share: 1.0e-12", "0 sizes of the ladder have at most 1e-12"),
        ("{layers: 2, width: 64}", "{layers: 2, width: 32}", "two sizes of the ladder are called demo-2x32"),
        ("{layers: 2, width: 64}", "{layers: 2, width: 63}", "width 63 is not a multiple"),
        ("gpt3-small", "gpt5", "no preset is called 'gpt5'"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, old, new, said):
    with pytest.raises(Mistake, match=said):
        pipeline(tmp_path, LADDER.replace(old, new))


def test_a_size_and_a_model_of_one_name(tmp_path):
    with pytest.raises(Mistake, match="demo-1x32 is a size of the ladder: give the model another name"):
        path = tmp_path / "p.yaml"
        path.write_text(PLAIN.replace("  small:", "  demo-1x32:") + LADDER)
        load(path)


def test_the_ladder_that_comes_along_foretells_from_a_hundredth():
    p = load("ladder")
    assert p.ladder.share == 0.01 and p.small() == list(p.rungs()) and len(p.small()) == 10
