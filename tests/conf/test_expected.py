"""What a user expects of a source, as it may be written."""

from pathlib import Path
from typing import Any

import pytest

from conf.expected import Expect
from conf.load import load
from tasks.runtime.errors import Mistake


@pytest.mark.parametrize(
    "written, meant",
    [
        ("45 TB", {"input": 45 * 10**12}),
        ("60 TiB", {"input": 60 * 2**40}),
        ("1.5GB", {"input": 1_500_000_000}),
        ("12 B", {"input": 12}),
        ("570 GB of text", {"text": 570 * 10**9}),
        ("570 GB of kept text", {"kept": 570 * 10**9}),
        ("8M documents", {"documents": 8_000_000}),
        ("410B tokens", {"tokens": 410 * 10**9}),
        (1000, {"input": 1000}),
        ({"input": "45 TB", "tokens": "410B"}, {"input": 45 * 10**12, "tokens": 410 * 10**9}),
    ],
)
def test_as_written(written: Any, meant: dict[str, int]) -> None:
    assert Expect.model_validate(written).model_dump(exclude_none=True) == meant


@pytest.mark.parametrize(
    "written, sentence",
    [
        ("much", "say bytes as in 45 TB"),
        ("45 TB of gold", "say bytes"),
        ("{}", "expect says nothing"),
        ("{pages: 3}", "pages is no key here"),
        ("{text: 1 GB, kept: 2 GB}", "more text is kept than there is"),
        ("0 TB", "greater than 0"),
    ],
)
def test_what_cannot_be(tmp_path: Path, written: str, sentence: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(f"sources:\n  a: {{kind: text, files: a.txt, expect: {written}}}\n")
    with pytest.raises(Mistake, match=sentence) as told:
        load(path)
    assert f"{path}:2:" in str(told.value)


def test_equal_parts() -> None:
    assert Expect(input=45 * 10**12, tokens=7).part(41) == Expect(input=1_097_560_975_610, tokens=1)
