"""Where Millrace keeps what is the user's: MILLRACE_HOME, else XDG's folder for state; never where it is installed."""

from pathlib import Path

import pytest

from flows.home import home, make_home, prefect_home
from tasks.runtime.errors import Mistake


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MILLRACE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_the_first_that_is_set_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    assert home() == tmp_path / "user/.local/state/millrace"
    monkeypatch.setenv("XDG_STATE_HOME", "relative/state")
    assert home() == tmp_path / "user/.local/state/millrace", "the standard has a relative one ignored"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert home() == tmp_path / "state/millrace"
    monkeypatch.setenv("MILLRACE_HOME", str(tmp_path / "ours"))
    assert home() == tmp_path / "ours"


def test_it_is_made_for_its_user_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MILLRACE_HOME", str(tmp_path / "a/b"))
    make_home()
    make_home()
    assert prefect_home().is_dir()
    assert prefect_home().stat().st_mode & 0o077 == 0


def test_what_cannot_be_written_is_a_mistake_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("MILLRACE_HOME", str(tmp_path / "file/home"))
    with pytest.raises(Mistake, match="file/home cannot be written; set MILLRACE_HOME"):
        make_home()


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(Mistake, match="no home to keep Prefect's records in; set MILLRACE_HOME"):
        home()
