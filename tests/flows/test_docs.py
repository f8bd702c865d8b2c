"""The pages of docs/ that show code show code that runs."""

import re

from commands import HERE, ROOT

BLOCK = re.compile(r"```python\n(.*?)```", re.S)


def test_add_a_measure_shows_the_toy_as_it_is() -> None:
    blocks = BLOCK.findall((ROOT / "docs/add-a-measure.md").read_text())
    toy = (HERE / "toy_measure.py").read_text()
    assert len(blocks) >= 6
    assert [block for block in blocks if block not in toy] == []
