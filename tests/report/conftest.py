"""One toy store and its report, built once for all tests here."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import report_toys as toys

from tasks.report.report import report
from tasks.runtime.stage import Artifact, Run


class Made(NamedTuple):
    run: Run
    arguments: dict[str, Any]
    artifact: Artifact
    report: dict[str, Any]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("store"))


def make(root: Path) -> Made:
    run, arguments = toys.build(root)
    artifact = run(report, "toy", **arguments)
    return Made(run, arguments, artifact, json.loads((artifact.folder / "report.json").read_bytes()))


@pytest.fixture(scope="session")
def timings(made: Made) -> list[dict[str, Any]]:
    rows = [
        {"stage": one.stage, "name": one.name, "fingerprint": one.fingerprint, "cached": number % 3 == 0}
        | {"seconds": None if number % 3 == 0 else 1.5, "peak_bytes": 2_000_000}
        for number, one in enumerate(made.run.artifacts)
    ]
    return [*rows, {"stage": "</td><script>", "name": "x", "fingerprint": "f" * 16, "cached": False, "seconds": 2.0, "peak_bytes": None}]  # fmt: skip  # noqa: E501
