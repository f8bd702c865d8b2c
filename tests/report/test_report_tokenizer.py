"""The report's section on the tokenizer: bytes a token, what ids are worth, and what it warns of."""

from typing import Any

import numpy as np
import pytest

from tasks.report.tokenizer import longest, usage, warnings


def test_what_is_told(made: Any) -> None:
    told = made.report["sections"]["tokenizer"]
    assert told["made"]["kind"] == "byte-bpe" and told["made"]["end_of_text"] == 259
    sources = len(told["sources"])
    assert {row["bytes_a_token"] for row in told["sources"]} == {4.0} and sources > 2
    assert told["sources"][0]["bytes_a_token_by_language"] == {"de": 2.5, "en": 5.0}
    assert [(row["language"], row["bytes_a_token"]) for row in told["languages"]] == [("en", 5.0), ("de", 2.5)]
    assert told["languages"][0]["bytes"] == 3000 * sources and told["languages"][0]["tokens"] == 600 * sources
    assert told["unused"] == 3 and [row["id"] for row in told["unused_shown"]] == [0, 1, 2]
    assert told["often"] == 200 and told["often_share"] == pytest.approx(200 / 260)
    assert len(told["longest"]) == 20
    assert [row["token"] for row in told["longest"][:2]] == ["'<|endoftext|>'", "' <b>'"]
    assert len(told["warnings"]) == 2


def test_longest_are_of_characters_and_then_of_the_smaller_id() -> None:
    assert [row["id"] for row in longest([b"a", b"bcd", "é".encode() * 2, b"xyz"])] == [1, 3, 2, 0]
    assert [row["token"] for row in longest([b" \xc3", "\u200b".encode()])] == ["b' \\xc3'", "'\\u200b'"]


def test_a_bound_is_no_warning() -> None:
    """19 of 20 ids met 100 times are 95 %."""
    counts = np.array([100] * 19 + [0])
    content = {"made": {"asked": 20, "vocabulary": 20}, **usage(counts, [b"x"] * 20)}
    assert list(warnings(content)) == [] and content["unused"] == 1
    counts[0] = 99
    assert len(list(warnings(content | usage(counts, [b"x"] * 20)))) == 1
    assert "asked 21 ids, made 20" in next(warnings({"made": {"asked": 21, "vocabulary": 20}}))
