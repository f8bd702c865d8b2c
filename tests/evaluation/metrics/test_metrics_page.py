"""docs/metrics.md says what the code has."""

from dataclasses import asdict

from tasks.evaluation.metrics.programs import Limits
from tasks.evaluation.metrics.reference import PAGE, filled


def test_the_table_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == filled(page), "make it again: python -m tasks.evaluation.metrics.reference"


def test_the_limits_are_those_that_the_page_names() -> None:
    assert asdict(Limits()) == {
        "cpu": 3, "seconds": 15, "memory": 512 << 20, "processes": 8, "file": 16 << 20, "disk": 32 << 20,
    }  # fmt: skip
