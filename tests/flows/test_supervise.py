"""Children that are kept alive, and their logs: what the console hears of them, what a log may hold and how much."""

import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from flows import logs
from flows.logs import Log
from flows.server import child, last_lines
from flows.supervise import Kept, ended
from tasks.runtime.errors import Failure


def until(happened: Callable[[], object], seconds: float = 30) -> None:
    limit = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < limit
        time.sleep(0.02)


SCHEDULER = """\
12:00:00.123 | INFO    | prefect.server - all is well
12:01:00.456 | ERROR   | prefect.server.services.scheduler - Unexpected error in 7 deployments
Traceback (most recent call last):
  File "scheduler.py", line 100, in run_once
    await self._collect()
sqlalchemy.exc.InvalidRequestError: no such statement
12:01:01.000 | WARNING | prefect.server - mind the gap"""


def test_an_error_of_a_service_is_told_once_a_kind_with_its_traceback(tmp_path: Path) -> None:
    heard: list[str] = []
    log = Log(tmp_path / "server.log", heard.append)
    for _ in range(3):
        for line in SCHEDULER.replace("7", "8").splitlines():
            log.write(line)
    for line in SCHEDULER.replace("InvalidRequestError", "OperationalError").splitlines():
        log.write(line)
    assert len(heard) == 2, "numbers do not make a kind; another exception does"
    assert heard[0].splitlines() == SCHEDULER.replace("7", "8").splitlines()[1:-1]
    assert "OperationalError" in heard[1]
    assert list(log.again().values()) == [2]
    assert (tmp_path / "server.log").read_text().count("mind the gap") == 4, "the file has all of it"


def test_an_error_without_a_successor_is_told_after_a_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    log = Log(tmp_path / "server.log", heard.append)
    for line in ("Traceback (most recent call last):", '  File "x.py", line 1', "ValueError: bare"):
        log.write(line)
    log.settle()
    assert heard == []
    monkeypatch.setattr(logs, "PAUSE", 0.0)
    log.settle()
    assert len(heard) == 1 and heard[0].endswith("ValueError: bare")
    log.write("ERROR:    [Errno 98] address already in use")
    log.close()
    assert heard[1:] == ["ERROR:    [Errno 98] address already in use"]


def test_a_run_s_own_errors_are_its_page_s_affair(tmp_path: Path) -> None:
    heard: list[str] = []
    log = Log(tmp_path / "worker.log", heard.append, runs=True)
    log.write("12:00:00.000 | ERROR   | Flow run 'x' - Encountered an exception")
    log.write("Traceback (most recent call last):")
    log.write("ValueError: of the run")
    log.write("12:00:00.000 | ERROR   | Task run 'x' - Encountered an exception")
    log.write("12:00:00.000 | ERROR   | prefect.worker.process.w - lost")
    log.close()
    assert [error.rpartition(" - ")[2] for error in heard] == ["lost"]


def test_a_log_is_bounded_and_holds_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LIMIT", 2_000)
    heard: list[str] = []
    log = Log(tmp_path / "server.log", heard.append, secrets=["hunter2", ""])
    for number in range(1_000):
        log.write(f"12:00:00.000 | ERROR   | prefect.server - {number} user:hunter2@host")
    log.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["server.log", "server.log.1", "server.log.2", "server.log.3"]
    assert all(path.stat().st_size <= 2_000 for path in tmp_path.iterdir())
    assert "999 user:***@host" in (tmp_path / "server.log").read_text()
    assert not any("hunter2" in path.read_text() for path in tmp_path.iterdir()) and "hunter2" not in "".join(heard)


def test_kinds_are_bounded(tmp_path: Path) -> None:
    heard: list[str] = []
    log = Log(tmp_path / "server.log", heard.append)
    for number in range(3 * logs.KINDS):
        name = "".join(chr(ord("a") + int(digit)) for digit in str(number))
        log.write(f"12:00:00.000 | ERROR   | prefect.server - {name}")
    log.close()
    assert len(heard) == len(log.kinds) == logs.KINDS


def kept(tmp_path: Path, program: str, told: list[str]) -> Kept:
    return Kept("the toy", [sys.executable, "-c", program], {}, Log(tmp_path / "toy.log"), told.append)


def test_a_child_that_is_killed_is_started_again_and_told(tmp_path: Path) -> None:
    told: list[str] = []
    toy = kept(tmp_path, "print('up', flush=True); import time; time.sleep(600)", told)
    try:
        until(lambda: "up" in toy.log.tail)
        first = toy.process.pid
        assert toy.look() == "" and toy.alive and not toy.shaken(60)
        toy.process.kill()
        toy.process.wait()
        assert toy.look() == "ended"
        assert toy.shaken(60) and not toy.alive
        assert told == [
            f"the toy ended (process {first}, SIGKILL; if nobody sent it, the kernel did for memory: dmesg says so) "
            f"and is started again now; its log, {tmp_path}/toy.log, ends with\n    up"
        ]
        assert toy.look(lambda: False) == "", "not before it may"
        assert toy.look() == "started"
        assert toy.alive and toy.shaken(60) and toy.process.pid != first
    finally:
        toy.stop()
    assert toy.process.returncode is not None


def test_a_child_that_ends_again_and_again_is_given_up_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    toy = kept(tmp_path, "import sys; sys.exit('no such table: flow_run')", told)
    waits = []

    def days_pass() -> None:
        """Up to its death, and over the pause that follows it."""
        until(lambda: toy.process.poll() is not None)
        toy.look()
        waits.append(toy.due is not None and round(toy.due - time.monotonic()))
        toy.due = 0.0
        assert toy.look() == "started"

    for _ in range(4):
        days_pass()
    until(lambda: toy.process.poll() is not None)
    with pytest.raises(
        Failure, match=r"(?s)the toy ended 5 times.*exit status 1\).*no such table: flow_run"
    ) as failure:
        toy.look()
    assert str(tmp_path / "toy.log") in str(failure.value)
    assert waits == [0, 1, 2, 4], "each pause is twice as long as the one before"
    assert len(told) == 4


def test_a_death_after_a_minute_is_counted_anew(tmp_path: Path) -> None:
    toy = kept(tmp_path, "pass", [])
    toy.lives = 4
    toy.begun -= 61
    until(lambda: toy.process.poll() is not None)
    assert toy.look() == "ended"
    assert toy.lives == 1
    toy.stop()


@pytest.mark.parametrize(
    ("status", "words"), [(3, "exit status 3"), (0, "exit status 0"), (-15, "SIGTERM"), (-99, "signal 99")]
)
def test_how_a_process_ended(status: int, words: str) -> None:
    assert ended(status) == words


def test_a_file_s_child_turns_its_log_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the server of `--record` writes: at the start of each."""
    log = tmp_path / "server.log"
    log.write_bytes(b"old\n" * 3_000_000)
    monkeypatch.setenv("MILLRACE_AUTH", "somebody:hunter2")
    program = "import os; print(os.environ.get('MILLRACE_AUTH'), os.environ['TOLD'])"
    assert child([sys.executable, "-c", program], {"TOLD": "yes"}, log).wait() == 0
    assert last_lines(log) == ["None yes"], "a child gets no secret that it was not given"
    assert (tmp_path / "server.log.1").stat().st_size == 12_000_000
    assert last_lines(tmp_path / "absent.log") == []


def test_the_versions_beside_which_schedules_fire() -> None:
    """pyproject.toml's bound: beside SQLAlchemy 2.1 the scheduler of prefect 3.8.8 raises each minute."""
    assert tuple(map(int, version("sqlalchemy").split(".")[:2])) < (2, 1)
