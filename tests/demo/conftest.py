"""The small sample, made once."""

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.demo.sample import Sampled, make_sample


def in_order(function, tasks):
    return [function(task) for task in tasks]


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> tuple[Path, Sampled, dict[str, Any]]:
    """Its folder, its statistics and planted.json."""
    folder = tmp_path_factory.mktemp("sample")
    statistics = make_sample(folder, megabytes=2, seed=1, map=in_order)
    return folder, statistics, json.loads((folder / "planted.json").read_text())
