"""Logarithms of counts in fixed point, and sums of them, against their plain twin; tokens of given features."""

import math
import re
from decimal import Decimal, localcontext

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.kernels import log_counts
from tasks.kernels.features import weighted_logs
from tasks.kernels.log_counts import LOG_2, LOGS, ONE, logs_of
from tasks.kernels.spelled import LONGEST, spelled

from . import twins
from .strategies import TEXTS

SIZES = st.sampled_from([1, 7, 1000, 1 << 18])


def plain_log(count: int) -> int:
    shift = max(count.bit_length() - 12, 0)
    return round(math.log1p(count >> shift) * ONE) + shift * LOG_2


def test_the_table_is_that_of_any_log1p() -> None:
    """No value is so near to a tie that another library's last bit could round it elsewhere."""
    with localcontext() as context:
        context.prec = 40
        exact = [Decimal(n + 1).ln() * ONE for n in range(1 << 12)]
    assert LOGS.tolist() == [int(value.to_integral_value()) for value in exact]
    assert min(abs(value % 1 - Decimal("0.5")) for value in exact) > Decimal("1e-5")
    assert int((Decimal(2).ln() * ONE).to_integral_value()) == LOG_2


@given(st.lists(st.integers(0, 2**31), min_size=1))
def test_logs(counts: list[int]) -> None:
    logs = logs_of(np.array(counts))
    assert logs.tolist() == [plain_log(count) for count in counts] == [log_counts.log_of(count) for count in counts]
    assert np.abs(logs / ONE - np.log1p(counts)).max() < 5e-4 and logs.max() < log_counts.LARGEST


def test_logs_rise_with_the_count() -> None:
    edges = np.array([n for power in range(11, 31) for n in range(2**power - 3, 2**power + 4)])
    assert (np.diff(logs_of(edges)) >= 0).all()


@given(TEXTS, SIZES)
def test_weighted_logs(texts: list[str | None], size: int) -> None:
    weights = np.random.default_rng(size).integers(-(2**31), 2**31, size)
    rows = [twins.term_frequencies(text or "", size) for text in texts]
    sums, squares = weighted_logs(pa.array(texts, pa.large_string()), weights)
    assert (sums.dtype, squares.dtype) == (np.int64, np.int64)
    assert sums.tolist() == [sum(int(weights[f]) * plain_log(n) for f, n in row.items()) for row in rows]
    assert squares.tolist() == [sum(plain_log(n) ** 2 for n in row.values()) for row in rows]


def test_a_word_shares_its_feature_with_the_empty_token_and_many_of_one() -> None:
    column = pa.array(["a  b   c a", "", " ", "x  x", "a " * 10_000], pa.large_string())
    sums, squares = weighted_logs(column, np.array([10]))
    logs = [plain_log(n) for n in (7, 1, 0, 3, 10_000)]
    assert sums.tolist() == [10 * log for log in logs]
    assert squares.tolist() == [log * log for log in logs]


def test_weights_of_another_type_are_refused() -> None:
    for weights in (np.zeros(4), np.zeros(0, np.int64), np.zeros((2, 2), np.int64)):
        with pytest.raises(ValueError, match="weights"):
            weighted_logs(pa.array(["a"], pa.large_string()), weights)


@given(st.lists(st.text("aBß漢 \n\t.é", max_size=40)), SIZES)
def test_tokens_of_the_wanted_features(texts: list[str], size: int) -> None:
    wanted = np.arange(size) % 2 == 0
    split = [re.split("[ \t\n]", text.rstrip(" \t\n")) if text.strip(" \t\n") else [] for text in texts]
    tokens = [token for text in split for token in text if len(token.encode()) <= LONGEST]
    pairs = [(feature, token) for token in tokens for feature in twins.term_frequencies(token, size)]
    found = spelled(pa.array(texts, pa.large_string()), wanted)
    spelt = [token.decode() for token in found.column("token").to_pylist()]
    assert list(zip(found.column("feature").to_pylist(), spelt, strict=True)) == [p for p in pairs if wanted[p[0]]]


def test_more_tokens_than_there_was_room_for() -> None:
    text = " ".join(f"Wört{n}" for n in range(5_000)) + " " + "x" * (LONGEST + 1)
    found = spelled(pa.array([text], pa.large_string()), np.ones(64, bool))
    assert [token.decode() for token in found.column("token").to_pylist()] == [f"Wört{n}" for n in range(5_000)]
