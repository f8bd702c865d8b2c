"""The time left, on recorded sequences: within 1.5 times of what came, from a tenth of the units on.

Of a rest of a few units the last round decides, so an error of less than one unit's time is none.
"""

import heapq
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pace import Pace

FACTOR = 1.5


def ends(units: int, workers: int, seconds: Callable[[int], float], once: float) -> list[float]:
    """When units end that `workers` take one after another, each worker after `once` of preparing."""
    free = [once] * workers
    told = []
    for n in range(units):
        end = heapq.heappop(free) + seconds(n)
        heapq.heappush(free, end)
        told.append(end)
    return sorted(told)


def worst(told: list[float], workers: int, seen: int = 1) -> float:
    """The worst factor between foretold and real, from a tenth of the units on; `seen`: told of every so many."""
    pace, factor, looked = Pace(workers), 1.0, 0
    longest = max(told[n] - told[n - workers] for n in range(workers, len(told)))
    for done, now in enumerate(told, 1):
        if done % seen:
            continue
        pace.mark(now, done, len(told))
        real = told[-1] - now
        if done < len(told) / 10 or done == len(told):
            continue
        left, looked = pace.left(now), looked + 1
        assert left is not None, f"nothing is told after {done} of {len(told)}"
        if abs(left - real) > longest * 1.01:
            factor = max(factor, left / real, real / left)
    assert looked, "nothing was looked at"
    return factor


SEQUENCES = {
    "half a minute of compiling, then steady": (ends(200, 2, lambda n: 1.0, 30.0), 2, 1),
    "half a minute of compiling, one worker": (ends(100, 1, lambda n: 0.3, 30.0), 1, 1),
    "slowing to a half": (ends(200, 2, lambda n: 1.0 + n / 200, 10.0), 2, 1),
    "quickening by a half": (ends(200, 2, lambda n: 1.5 - n / 400, 10.0), 2, 1),
    "bursts of eight": (ends(100, 8, lambda n: 60.0, 20.0), 8, 1),
    "bursts of four, a few units": (ends(60, 4, lambda n: 60.0 + n % 3, 20.0), 4, 1),
    "one long shard in seven": (ends(210, 3, lambda n: 8.0 if n % 7 == 0 else 1.0, 5.0), 3, 1),
    "steps, told of by tens": (ends(2000, 1, lambda n: 0.05, 30.0), 1, 10),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_time_left_is_about_what_comes(name: str) -> None:
    assert worst(*SEQUENCES[name]) < FACTOR


def test_the_old_way_was_off_on_the_first_of_them() -> None:
    """Linear from the beginning: that the planted sequence has the fault at all."""
    told, *_ = SEQUENCES["half a minute of compiling, then steady"]
    done = 20
    linear = told[done - 1] * (len(told) - done) / done
    assert linear / (told[-1] - told[done - 1]) > 3


@given(
    workers=st.integers(1, 8),
    rounds=st.integers(11, 30),
    seconds=st.floats(0.01, 100),
    once=st.floats(0, 600),
)
def test_steady_work_is_foretold_whatever_happens_once(workers: int, rounds: int, seconds: float, once: float) -> None:
    assert worst(ends(workers * rounds, workers, lambda n: seconds, once), workers) < FACTOR


def test_a_change_of_pace_is_followed_within_a_window() -> None:
    pace, now = Pace(1), 0.0
    for done in range(1, 101):
        now += 1.0 if done <= 60 else 3.0
        pace.mark(now, done, 200)
    assert pace.left(now) == pytest.approx(300, rel=0.2)


def test_nothing_is_told_before_a_second_unit_of_some_worker_nor_at_the_end() -> None:
    pace = Pace(2)
    assert pace.left(0.0) is None and pace.documents_a_second() == 0.0
    pace.mark(40.0, 1, 4, 10)
    pace.mark(41.0, 2, 4, 20)
    assert pace.left(41.0) is None and pace.documents_a_second() == 0.0
    pace.mark(42.0, 3, 4, 30)
    assert pace.left(42.0) is not None and pace.documents_a_second() > 0
    pace.mark(43.0, 4, 4, 40)
    assert pace.left(43.0) is None


def test_documents_a_second_leave_compiling_out() -> None:
    pace = Pace(2)
    for done, now in enumerate(ends(40, 2, lambda n: 2.0, 30.0), 1):
        pace.mark(now, done, 100, documents=500 * done)
    assert pace.documents_a_second() == pytest.approx(500, rel=0.05)  # two workers, 500 documents in 2 s each


def test_a_unit_that_is_late_is_not_foretold_as_done() -> None:
    pace = Pace(1)
    for done in range(1, 6):
        pace.mark(float(done), done, 10)
    assert pace.left(5.0) == pytest.approx(5.0)
    assert pace.left(7.0) == pytest.approx(3.0)
    assert pace.left(60.0) == pytest.approx(1.0)


def test_what_an_earlier_run_had_done_is_no_pace() -> None:
    pace = Pace(1)
    for n in range(11):
        pace.mark(30.0 + n, 500 + n, 1000)
    assert pace.left(40.0) == pytest.approx(490.0)


def test_a_stages_second_round_begins_anew() -> None:
    pace = Pace(1)
    for done in range(1, 11):
        pace.mark(100.0 * done, done, 10)
    for done in range(1, 4):
        pace.mark(1000.0 + done, done, 10)
    assert pace.left(1003.0) == pytest.approx(7.0)
