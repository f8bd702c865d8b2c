"""Beside a Prefect server that is there already: `prefect deploy` by hand, `millrace ui --server`, `run` by profile."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT, TOY, Cli, wait_for
from operated import DEPLOYMENT, QUICK

from flows.home import answers
from flows.server import command, free_port

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.served, pytest.mark.xdist_group("prefect")]


class Theirs:
    """A Prefect server that Millrace did not start, and a user whose profile names it."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        (folder / "user").mkdir()
        (folder / "user/profiles.toml").write_text(
            f'active = "team"\n[profiles.team]\nPREFECT_API_URL = "{self.url}"\n[profiles.other]\n'
        )
        self.profile = {"PREFECT_HOME": str(folder / "user")}

    def ask(self, path: str, **body: Any) -> Any:
        request = urllib.request.Request(
            f"{self.url}/{path}", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def prefect(self, cli: Cli, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=folder or self.folder,
            env=cli.environment(**self.profile),
            capture_output=True,
            text=True,
            timeout=180,
        )


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theirs]:
    made = Theirs(tmp_path_factory.mktemp("theirs"))
    cli = Cli(made.folder, made.folder, [])
    environment = cli.environment(PREFECT_HOME=str(made.folder / "server"), **QUICK)
    with (made.folder / "server.log").open("w") as log:
        process = subprocess.Popen(command(made.port), env=environment, stdout=log, stderr=log)
    try:
        wait_for(lambda: answers(made.url) or process.poll() is not None, 180)
        assert process.poll() is None, (made.folder / "server.log").read_text()
        yield made
        assert process.poll() is None, "it outlives whatever we do"
    finally:
        process.kill()
        process.wait()


def test_prefect_deploy_by_hand(theirs: Theirs, millrace: Cli) -> None:
    """The command that prefect.yaml names, in the clone; it makes the pool, which Prefect wants first."""
    done = theirs.prefect(millrace, "deploy", "--all", folder=ROOT)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert len(theirs.ask("deployments/filter")) == 6
    assert [one["name"] for one in theirs.ask("work_pools/filter")] == ["millrace"]
    assert [one["name"] for one in theirs.ask("automations/filter")] == ["millrace: crashed runs"], "made once"


def test_a_worker_and_the_deployments_for_it(theirs: Theirs, tmp_path: Path) -> None:
    """`millrace ui` says that it is there, and works for it; what ends is the worker alone."""
    (tmp_path / "toy.yaml").write_text(TOY)
    (tmp_path / "toy-deployment.yaml").write_text(DEPLOYMENT)
    cli = Cli(tmp_path, tmp_path / "home", ["-m", "flows.cli"])
    with (tmp_path / "told.txt").open("w") as told:
        root = theirs.url.removesuffix("/api")
        ui = cli.start("ui", "--server", root, out=told, **QUICK, **theirs.profile)
    try:
        wait_for(lambda: (tmp_path / "home/ui.json").exists() or ui.poll() is not None, 120)
        assert ui.poll() is None, (tmp_path / "told.txt").read_text()
        assert (
            theirs.prefect(
                cli, "deploy", "--all", "--prefect-file", str(tmp_path / "toy-deployment.yaml"), folder=tmp_path
            ).returncode
            == 0
        )
        toy = next(one for one in theirs.ask("deployments/filter") if one["name"] == "toy")
        run = theirs.ask(f"deployments/{toy['id']}/create_flow_run")
        wanted = {"id": {"any_": [run["id"]]}}

        def state() -> str:
            return str(theirs.ask("flow_runs/filter", flow_runs=wanted)[0]["state_name"])

        wait_for(lambda: state() in ("Completed", "Failed", "Crashed"), 180)
        assert state() == "Completed", (tmp_path / "home/worker.log").read_text()[-3000:]
        drive = Cli(tmp_path, tmp_path / "home", [str(Path(__file__).with_name("flows_drive.py"))])
        answer = drive("run", "toy.yaml")
        assert answer.status == 0 and f"Recorded in Prefect: {root}/runs" in answer.out, answer
    finally:
        ui.terminate()
        ui.wait(90)
    assert ui.returncode == 143, (tmp_path / "told.txt").read_text()
    assert not (tmp_path / "home/ui.json").exists()
    assert cli.left_behind() == []


def test_run_records_where_the_profile_says(theirs: Theirs, toy: Cli) -> None:
    answer = toy("run", "toy.yaml", **theirs.profile)
    assert answer.status == 0, answer
    assert f"Recorded in Prefect: {theirs.url.removesuffix('/api')}/runs" in answer.out
    assert "Not recorded" in toy("run", "toy.yaml", PREFECT_PROFILE="other", **theirs.profile).out


def test_an_address_where_none_answers(millrace: Cli) -> None:
    answer = millrace("ui", "--server", "http://127.0.0.1:9")
    assert answer.status == 2 and "no Prefect server answers at http://127.0.0.1:9" in answer.err
    answer = millrace("ui", "--server", "http://127.0.0.1:9", "--auth")
    assert answer.status == 2 and "for a server of our own" in answer.err
