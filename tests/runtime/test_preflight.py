"""A worker's check against the driver: one sentence that names the host, what differs, and the remedy."""

import pickle
import platform
import re

import pytest
import runtime_toys as toys

from tasks.runtime import preflight
from tasks.runtime.errors import Mistake
from tasks.runtime.preflight import Check, surroundings

HOST = re.escape(platform.node())


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TOY_FOLDER", str(tmp_path))
    monkeypatch.setattr(preflight, "passed", set())
    (tmp_path / "token").write_text("mine")
    return tmp_path


def sent(**changes) -> Check:
    """A check as it arrives at a worker."""
    of = {"probe": toys.sight, "have": surroundings(), "see": {"token": "mine"}, "name": "a", **changes}
    return pickle.loads(pickle.dumps(Check(**of)))


def test_alike_is_passed_and_asked_once(folder):
    sent()()
    (folder / "token").unlink()
    sent()()
    with pytest.raises(Mistake):
        sent(name="another run's")()


def test_what_differs_is_named(folder):
    with pytest.raises(Mistake, match=rf"on {HOST} has pyarrow \S+, and the driver 0\.1: give both the same"):
        sent(have={**surroundings(), "pyarrow": "0.1"})()
    with pytest.raises(Mistake, match=r"has Millrace's code [0-9a-f]{16}, and the driver 00:"):
        sent(have={**surroundings(), "Millrace's code": "00"})()
    with pytest.raises(
        Mistake, match=rf"on {HOST} does not see the driver's store \(token is 'mine' there and 'other'"
    ):
        sent(see={"token": "other"})()
    (folder / "token").unlink()
    with pytest.raises(Mistake, match=rf"on {HOST} does not see the store \(FileNotFoundError: .*same path on all"):
        sent()()
