"""Calls side by side: order of needs, limit, the first error, stopping."""

import threading
import time

import pytest

from tasks.runtime.schedule import Schedule


def test_a_call_waits_for_what_it_needs_and_the_limit_holds() -> None:
    schedule = Schedule(2, print)
    ended: list[str] = []
    running = most = 0
    lock = threading.Lock()

    def call(name: str) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
            ended.append(name)

    needs = {"a": set(), "b": set(), "c": {"a"}, "d": {"a", "b"}, "e": {"d"}, "f": {"never submitted"}}
    for name, before in needs.items():
        schedule.submit(name, before, lambda name=name: call(name))
    schedule.submit("a", set(), lambda: call("a again"))
    schedule.wait()
    assert sorted(ended) == list("abcdef")
    assert all(ended.index(need) < ended.index(name) for name, before in needs.items() for need in before & set(needs))
    assert most == 2


def test_two_that_need_each_others_company_run_at_the_same_time() -> None:
    schedule, both = Schedule(2, print), threading.Barrier(2, timeout=30)
    for name in ("a", "b"):
        schedule.submit(name, set(), both.wait)
    schedule.wait()


def test_the_first_error_is_raised_and_nothing_more_begins() -> None:
    schedule, begun = Schedule(1, print), []

    def fail() -> None:
        raise ZeroDivisionError("the first")

    schedule.submit("a", set(), fail)
    schedule.submit("b", {"a"}, lambda: begun.append("b"))
    with pytest.raises(ZeroDivisionError, match="the first"):
        schedule.wait()
    schedule.submit("c", set(), lambda: begun.append("c"))
    schedule.join()
    assert begun == [] and schedule.stop.is_set()


def test_what_runs_is_asked_to_stop_when_another_fails() -> None:
    schedule, ready = Schedule(2, print), threading.Event()

    def long() -> None:
        ready.set()
        assert schedule.stop.wait(30)

    def fail() -> None:
        ready.wait(30)
        raise ValueError("beside it")

    schedule.submit("long", set(), long)
    schedule.submit("fail", set(), fail)
    with pytest.raises(ValueError, match="beside it"):
        schedule.wait()
    schedule.join()
    assert not any(thread.name == "long" and thread.is_alive() for thread in threading.enumerate())
