"""Fixtures: the real `millrace`, and one whose DAG is the toy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import HERE, TOY, Cli


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home of Prefect for all tests: the first server on it takes 10 s longer."""
    return tmp_path_factory.mktemp("millrace-home")


@pytest.fixture
def toy(tmp_path: Path, home: Path) -> Iterator[Cli]:
    """The command line around the toy DAG."""
    (tmp_path / "toy.yaml").write_text(TOY)
    cli = Cli(tmp_path, home, [str(HERE / "flows_drive.py")])
    yield cli
    for process in cli.started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def millrace(tmp_path: Path, home: Path) -> Iterator[Cli]:
    """The command line as it is installed."""
    cli = Cli(tmp_path, home, ["-m", "flows.cli"])
    yield cli
    for process in cli.started:
        if process.poll() is None:
            process.kill()
            process.communicate()
