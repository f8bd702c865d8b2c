"""Each fuzzing target on some hundred fixed examples; what fuzzing found stands beside the test of its kind."""

import pytest
from fuzz import TARGETS, fuzz


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_read_from_outside_is_read_or_refused(name: str) -> None:
    fuzz(name, 300)


@pytest.mark.parametrize("name", TARGETS)
def test_the_bytes_that_fuzzing_starts_from_are_read(name: str) -> None:
    for seed in TARGETS[name].seeds:
        TARGETS[name].run(seed)
