"""What tests share: a building run on a store in a temporary folder, and where the real files are."""

import os
import shutil
from pathlib import Path

import pytest
from corpora import REAL

from tasks.runtime.engine import LocalEngine
from tasks.runtime.stage import Run


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("real") and not REAL.is_dir():
        pytest.skip(f"the real files are not here: {REAL}")
    if item.get_closest_marker("spark") and not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("the Spark engine needs Java, and there is none")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A building run on one worker, which is this process."""
    return Run(tmp_path / "store", LocalEngine(1))
