"""A server's budget is the machine's: over threads, over processes, and given back by those that die."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tasks.sources.remote import budget

ROOT = Path(__file__).parents[3]
HOLD = """
import sys, tempfile
from tasks.sources.remote import budget
with budget.request("host:80", 1.0, 1):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_requests_keep_their_distance(clock):
    times = []
    for _ in range(5):
        with budget.request("host", 4.0, 1):
            times.append(clock.ns)
    assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx([25e7] * 4)
    with budget.request("other", 4.0, 1):
        assert clock.ns == times[-1], "each server has its own"


def test_who_waits_is_told_of_a_rest(clock):
    with budget.request("host", 1.0, 1):
        pass
    budget.rest("host", 60)
    before = clock.ns
    with budget.request("host", 1.0, 1):
        assert clock.ns - before == pytest.approx(60e9, rel=1e-6)
    budget.rest("host", 60)
    budget.rest("host", 1)
    assert budget.folder_of("host").joinpath("pace").read_text().split()[1] == str(clock.ns + int(60e9))


@pytest.mark.parametrize("said", [b"", b"nonsense", b"another-start 99999999999999999999", b"\xff\xff 12", b"1 2 3"])
def test_what_was_said_before_the_machine_started_holds_no_more(clock, said):
    budget.folder_of("host").joinpath("pace").write_bytes(said)
    with budget.request("host", 1.0, 1):
        assert clock.slept == []


def test_connections_are_the_machines_and_given_back_by_the_dead(clock, monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setattr(budget.tempfile, "gettempdir", lambda: str(tmp_path))
    environment = {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT), "PATH": ""}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        waited = []

        def sleep(seconds):
            waited.append(seconds)
            if seconds == budget.WAIT:
                holder.kill()
                holder.wait()

        monkeypatch.setattr(budget, "sleep", sleep)
        monkeypatch.setattr(budget, "now", lambda: 10**18 + 10**9 * len(waited))
        with budget.request("host:80", 1.0, 2):
            assert waited == [], "the second connection is free"
        with budget.request("host:80", 1.0, 1):
            assert budget.WAIT in waited
    finally:
        holder.kill()
        holder.communicate()


def test_the_folder_is_our_own(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setattr(budget.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = budget.folder_of("a/../b:80")
    assert folder.parent.parent == tmp_path
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(budget.tempfile, "gettempdir", lambda: str(tmp_path / "file"))
    with pytest.raises(budget.Mistake, match="set TMPDIR"):
        budget.folder_of("host")
