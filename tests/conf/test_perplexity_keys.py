"""`evaluate: perplexity`: texts whose perplexity is measured, and what of it cannot be."""

import pytest
from plain import PLAIN, read

from tasks.runtime.errors import Mistake


def text(keys: str) -> str:
    small = "small: {preset: gpt3-small, tokens: 300B"
    assert small in PLAIN
    return PLAIN.replace(small, f"{small}, context: 64") + f"evaluate: {{perplexity: {{wiki: {{{keys}}}}}}}\n"


def test_texts(tmp_path) -> None:
    told = read(tmp_path, text("files: wiki.txt, detokenise: wikitext, stride: 64")).evaluate.perplexity
    assert (told["wiki"].files, told["wiki"].unit, told["wiki"].stride) == (str(tmp_path / "wiki.txt"), "word", 64)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("files: w.txt, stride: 65", "a stride of 65 tokens is longer than the context of small, 64"),
        ("files: w.txt, stride: 0", "stride: .*greater than 0"),
        ("files: w.txt, detokenise: moses", "detokenise: .*'wikitext', 'ptb' or 'billion-words'"),
        ("files: w.txt, unit: line", "unit: .*'word', 'byte' or 'character'"),
        ("unit: byte", "files: .*required"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path, keys: str, said: str) -> None:
    with pytest.raises(Mistake, match=rf"mine\.yaml:16: .*{said}"):
        read(tmp_path, text(keys))
