"""`from` of a model: a folder that comes in, and what else may stand beside it."""

from pathlib import Path

import pytest

from conf.load import load
from tasks.runtime.errors import Mistake

HEAD = "sources:\n  web: {kind: text, files: 'web/*.txt'}\nmodels:\n"


def loaded(folder: Path, models: str):
    (folder / "p.yaml").write_text(HEAD + models)
    return load(folder / "p.yaml")


def test_a_model_comes_in(tmp_path: Path) -> None:
    p = loaded(tmp_path, "  gpt2: {from: 'hf:models/gpt2', end_of_text: </s>}\n  small: {preset: demo}\n")
    assert p.models["gpt2"].from_ == "hf:models/gpt2" and p.models["gpt2"].end_of_text == "</s>"
    assert p.models["small"].from_ is None


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("{from: gpt2}", "should match pattern"),
        ("{from: 'hf:x', preset: demo}", "give one of preset, for a model that is trained here, and from"),
        ("{}", "give one of preset, for a model that is trained here, and from"),
        ("{from: 'hf:x', tokens: 1M, layers: 3}", "not trained here: layers, tokens must go"),
        ("{preset: demo, end_of_text: x}", "end_of_text belongs to a model that comes in"),
        ("{from: 'hf:https://me:hunter2@there/x'}", "holds a credential"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(keys: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=said) as caught:
        loaded(tmp_path, f"  gpt2: {keys}\n")
    assert "p.yaml:4: models.gpt2" in str(caught.value) and "hunter2" not in str(caught.value)
