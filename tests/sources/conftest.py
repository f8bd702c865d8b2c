"""No test here waits for a server's budget, or shares it: the clock of budget.py is the tests' own."""

import time
from pathlib import Path

import pytest

from tasks.sources.remote import budget


class Clock:
    """The machine's clock as budget.py sees it, which goes on by what is slept."""

    def __init__(self) -> None:
        self.ns = 10**15
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ns += int(seconds * 1e9) + 1
        time.sleep(0.0005)  # another thread may hold what is waited for


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Clock:
    clock = Clock()
    top: Path = tmp_path_factory.mktemp("budget")
    monkeypatch.setattr(budget, "now", lambda: clock.ns)
    monkeypatch.setattr(budget, "sleep", clock.sleep)
    monkeypatch.setattr(budget, "_top", lambda temporary: top)
    return clock
