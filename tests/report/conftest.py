"""One toy store and its report, built once for all tests here."""

import json
from typing import Any, NamedTuple

import pytest
import report_toys as toys

from tasks.models.energy import Energy
from tasks.report.lineage import Node, nodes_of
from tasks.report.report import report
from tasks.report.timings import Timing
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run


class Made(NamedTuple):
    run: Run
    arguments: dict[str, Any]
    artifact: Artifact
    report: dict[str, Any]  # report.json

    @property
    def nodes(self) -> list[Node]:
        """Of the run, with what the stages that the toys stand for declare."""
        return nodes_of(self.run.artifacts, self.run.stages | {what.name: what for what in toys.DECLARED}, {})

    @property
    def sections(self) -> dict[str, Any]:
        return self.report["sections"]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    run, arguments = toys.build(tmp_path_factory.mktemp("store"))
    artifact = run(report, "toy", **arguments)
    return Made(run, arguments, artifact, json.loads(artifact.read("report.json")))


@pytest.fixture(scope="session")
def timings(made: Made) -> list[Timing]:
    rows = [
        Timing(each.stage, each.name, each.fingerprint, number % 3 == 0, None if number % 3 == 0 else 1.5, 2_000_000)
        for number, each in enumerate(made.run.artifacts)
    ]
    rows.append(Timing("pretrain", "tiny", "e" * 16, False, 2.5, None, Energy(0.5, ("nvml",)), 4_000_000, 5.0, 1e6))
    return [*rows, Timing("</td><script>", "x", "f" * 16, False, 2.0, None)]
