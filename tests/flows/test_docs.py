"""The pages of docs/ that show code show code that runs."""

import re

from commands import HERE, ROOT

BLOCK = re.compile(r"```python\n(.*?)```", re.S)
FOLLOWED = [
    "tasks/kernels/pii.py",
    "tasks/quality/pii.py",
    "tasks/quality/rules.py",
    "conf/keep.py",
    "flows/dag/corpus.py",
]


def test_add_a_measure_shows_the_code_as_it_is() -> None:
    page = (ROOT / "docs/add-a-measure.md").read_text()
    blocks = BLOCK.findall(page)
    code = [(ROOT / path).read_text() for path in FOLLOWED] + [(HERE / "toy_measure.py").read_text()]
    assert len(blocks) >= 12
    assert [block for block in blocks if not any(block in file for file in code)] == []
    assert [path for path in FOLLOWED if f"`{path}`" not in page] == []
