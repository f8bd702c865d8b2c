"""Hashes of stretches beside the sum written out in integers of any size."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation.rolling import PRIME, Sums, whole

VALUES = st.lists(st.integers(-1, 2**63 - 1), max_size=40)


def plainly(values: list[int]) -> int:
    return sum((value + 1) * int(PRIME) ** (n + 1) for n, value in enumerate(values)) % 2**64


@given(VALUES, st.data())
def test_a_stretch_is_hashed_as_if_it_stood_alone(values, data):
    sums = Sums.of(np.array(values, np.int64))
    start = data.draw(st.integers(0, len(values)))
    end = data.draw(st.integers(start, len(values)))
    assert int(sums.between(np.array([start]), np.array([end]))[0]) == plainly(values[start:end])
    assert int(whole(np.array(values, np.int64))) == plainly(values)
    size = data.draw(st.integers(1, len(values) + 2))
    windows = [plainly(values[at : at + size]) for at in range(len(values) - size + 1)]
    assert sums.windows(size).tolist() == windows
