"""The local engine: order, callers side by side, lost workers and who is to blame, exceptions, death."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
import runtime_toys as toys

from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure, Mistake


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_map_keeps_the_items_order_and_tells_of_each(local, workers):
    seen = []
    results = local[workers].map(toys.square, list(range(9)), lambda *news: seen.append(news))
    assert results == [{"square": x * x} for x in range(9)]
    assert [(done, total) for done, total, _ in seen] == [(done, 9) for done in range(1, 10)]
    assert sorted(part["square"] for *_, part in seen) == [x * x for x in range(9)]


def test_map_of_nothing(local):
    assert local[1].map(toys.square, []) == local[2].map(toys.square, []) == []


def test_a_worker_lost_once_is_made_up_for(local, tmp_path):
    flag = str(tmp_path / "died")
    assert local[2].map(toys.die, [(x, flag) for x in range(5)]) == list(range(5))
    assert (tmp_path / "died").exists()


def test_three_lost_workers_over_one_item_fail_and_name_it(local):
    with pytest.raises(Failure, match=r"died 3 times over \(2, None\);.*fewer workers"):
        local[3].map(toys.die, [(x, None) for x in range(6)])
    assert local[3].map(toys.square, [1, 2]) == [{"square": 1}, {"square": 4}]  # and the engine serves on


def test_a_worker_lost_between_two_maps_is_nobodys_fault(local):
    for process in set(local[2].map(toys.process_number, list(range(4)))):
        os.kill(process, signal.SIGKILL)
    assert local[2].map(toys.square, [1, 2, 3]) == [{"square": 1}, {"square": 4}, {"square": 9}]


@pytest.mark.parametrize("workers", [1, 2])
def test_exceptions_arrive_as_they_are(local, workers):
    with pytest.raises(Mistake, match=r"^item 1 is wrong; mend it(\nin a worker:|$)"):
        local[workers].map(toys.refuse, [0, 1, 2, 3])
    with pytest.raises(OSError, match="No space left") as caught:
        local[workers].map(toys.fill, [0, 1])
    assert (caught.value.errno, caught.value.filename) == (28, "/full/disk")


def test_workers_die_with_a_killed_parent(start, until, alive, tmp_path):
    parent = start(
        "import runtime_toys as t; from tasks.runtime.engine import LocalEngine; LocalEngine(2).map(t.linger, [1, 2])",
        TOY_FOLDER=str(tmp_path),
    )
    until(lambda: len(list(tmp_path.glob("pid-*"))) == 2)
    children = [int(path.name.removeprefix("pid-")) for path in tmp_path.glob("pid-*")]
    assert all(alive(child) for child in children) and parent.pid not in children
    parent.kill()
    until(lambda: not any(alive(child) for child in children), seconds=60)


def test_ctrl_c_is_the_parents_affair():
    """A terminal sends it to all processes of a run: workers go on, and end when their parent says so."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # CI may have it ignored
    engine = LocalEngine(2)
    try:
        assert engine.map(signal.raise_signal, [signal.SIGINT] * 4) == [None] * 4
        assert len(set(engine.map(toys.process_number, list(range(4))))) <= 2
    finally:
        engine.close()
        signal.signal(signal.SIGINT, before)


def test_one_pool_serves_every_call_and_thread():
    """Processes are made once: a pool for each caller would start as many again."""
    engine = LocalEngine(2)
    try:
        with ThreadPoolExecutor(3) as threads:
            found = list(threads.map(lambda n: engine.map(toys.process_number, [n, n]), range(6)))
        assert len({number for numbers in found for number in numbers}) <= 2
    finally:
        engine.close()


def test_close_ends_the_workers(alive):
    engine = LocalEngine(2)
    children = set(engine.map(toys.process_number, list(range(4))))
    assert os.getpid() not in children
    engine.close()
    assert not any(alive(child) for child in children)


def test_callers_in_many_threads_share_the_workers(local):
    """Each gets its own answers; in total no more processes are at work than the engine has workers."""
    with ThreadPoolExecutor(6) as threads:
        calls = [threads.submit(local[3].map, toys.span, [(caller, n) for n in range(5)]) for caller in range(6)]
        spans = [call.result() for call in calls]
    assert [[(caller, n) for caller, n, _, _ in found] for found in spans] == [
        [(caller, n) for n in range(5)] for caller in range(6)
    ]
    moments = sorted(
        (at, change) for found in spans for _, _, start, end in found for at, change in ((start, 1), (end, -1))
    )
    running, most = 0, 0
    for _, change in moments:
        running += change
        most = max(most, running)
    assert most == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_one_thread_at_a_time_where_the_work_is_in_this_process(local, workers):
    with ThreadPoolExecutor(4) as threads:
        spans = [span for [span] in threads.map(lambda n: local[workers].map(toys.span, [(n, 0)]), range(4))]
    assert len(spans) == 4
    if workers == 1:
        ordered = sorted((start, end) for _, _, start, end in spans)
        assert all(end <= start for (_, end), (start, _) in pairwise(ordered))


def test_a_short_call_does_not_wait_for_a_long_one(local, tmp_path):
    """The long call's items cannot end before the short call has: it lets them go."""
    gate = tmp_path / "gate"
    gate.touch()
    with ThreadPoolExecutor(1) as thread:
        long = thread.submit(local[2].map, toys.wait_if_first, [(n, str(gate)) for n in range(40)])
        assert local[2].map(toys.square, [1, 2, 3]) == [{"square": 1}, {"square": 4}, {"square": 9}]
        assert not long.done()
        gate.unlink()
        assert long.result() == list(range(40))


def test_a_guilty_item_beside_an_innocent_stage(local):
    """The guilty one is named after it died alone; the other stage, whose workers share the machine, finishes."""
    with ThreadPoolExecutor(1) as thread:
        innocent = thread.submit(local[3].map, toys.span, [("innocent", n) for n in range(40)])
        with pytest.raises(Failure, match=r"died 3 times over \('guilty', None\)"):
            local[3].map(toys.die_by_name, [("guilty", None)])
        assert len(innocent.result()) == 40


def test_the_last_try_is_alone(local, tmp_path):
    """What dies only in company (of whoever takes the memory) is innocent: alone it lives."""
    stop = threading.Event()

    def company() -> int:
        rounds = 0
        while not stop.is_set():
            rounds += len(local[3].map(toys.in_company, [(str(tmp_path), n) for n in range(4)]))
        return rounds

    with ThreadPoolExecutor(1) as thread:
        neighbours = thread.submit(company)
        try:
            assert local[3].map(toys.die_in_company, [str(tmp_path)]) == ["alone"]
        finally:
            stop.set()
        assert neighbours.result() > 0
    assert (tmp_path / "died").read_text() == "xx"  # twice in company


def test_neighbours_killed_at_random_cost_nobody_his_answer(local):
    stop = threading.Event()

    def kill() -> int:
        killed = 0
        while not stop.wait(0.4):
            workers = list(local[3]._pool._workers)
            if workers:
                os.kill(workers[killed % len(workers)].process.pid, signal.SIGKILL)
                killed += 1
        return killed

    local[3].map(toys.square, [1, 2, 3])
    with ThreadPoolExecutor(3) as threads:
        killer = threads.submit(kill)
        calls = [threads.submit(local[3].map, toys.span, [(caller, n) for n in range(12)]) for caller in range(2)]
        try:
            assert [len(call.result()) for call in calls] == [12, 12]
        finally:
            stop.set()
        assert killer.result() > 0


def test_a_failing_call_leaves_no_worker_at_its_items(local, tmp_path):
    """When `map` has raised, nobody writes behind its back."""
    with pytest.raises(Mistake, match="item 1"):
        local[2].map(toys.refuse_or_write, [(1, str(tmp_path)), (0, str(tmp_path))])
    before = sorted(path.name for path in tmp_path.iterdir())
    time.sleep(0.5)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert local[2].map(toys.square, [2]) == [{"square": 4}]


def test_what_cannot_be_sent_is_the_callers_affair(local):
    with pytest.raises((AttributeError, TypeError), match="pickle"):
        local[2].map(lambda x: x, [1, 2])
    with pytest.raises(Failure, match=r"^Odd: 1 and 2"):
        local[2].map(toys.raise_odd, [0, 1])
    with pytest.raises(Exception, match=r"cannot be read|pickle"):
        local[2].map(toys.give_unreadable, [0, 1])
    assert local[2].map(toys.square, [2]) == [{"square": 4}]


def test_close_while_another_thread_waits(tmp_path, until, monkeypatch):
    monkeypatch.setenv("TOY_FOLDER", str(tmp_path))
    engine = LocalEngine(2)
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(engine.map, toys.linger, [1, 2])
        until(lambda: len(list(tmp_path.glob("pid-*"))) == 2)
        engine.close()
        with pytest.raises(Failure, match="engine was closed"):
            call.result()


def test_the_thread_that_called_first_may_end(local):
    """The workers are the keeper's children, not the caller's: they outlive the thread that first asked for them."""
    engine = LocalEngine(2)
    try:
        with ThreadPoolExecutor(1) as thread:
            first = set(thread.submit(engine.map, toys.process_number, list(range(4))).result())
        time.sleep(0.2)
        assert set(engine.map(toys.process_number, list(range(4)))) == first
    finally:
        engine.close()
