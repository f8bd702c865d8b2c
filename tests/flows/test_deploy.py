"""`millrace deploy`, and what `millrace ui` does with deployments that are there already. All servers are real."""

import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from commands import Cli, wait_for

from flows.form import ABOUT
from flows.server import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]
PIPELINE = """\
title: Three lines
store: ./store
sources:
  a: {kind: text, files: "*.txt"}
"""
GROWING = "  cc: {kind: warc, crawl: latest, since: CC-MAIN-2026-42, files: 2}\n"


def call(url: str, path: str, method: str = "GET", body: Any = None) -> Any:
    """Ask Prefect's API; again where its database is busy (503), as Prefect's own client does."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/{path}", data, {"content-type": "application/json"}, method=method)
    for attempt in range(10):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            if error.code != 503 or attempt == 9:
                raise
            time.sleep(1)


def start(cli: Cli) -> tuple[str, "subprocess.Popen[str]"]:
    """`millrace ui`, up: its API and its process."""
    process = cli.start("ui", "--port", free_port())
    wait_for(lambda: (cli.home / "ui.json").exists() or process.poll() is not None, 180)
    if process.poll() is not None:
        logs = "\n".join(path.read_text()[-2000:] for path in cli.home.glob("*.log"))
        pytest.fail(f"{process.communicate()}\n{logs}")
    return json.loads((cli.home / "ui.json").read_bytes())["url"], process


def end(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of its own: other tests count the deployments of theirs."""
    return tmp_path_factory.mktemp("deploy-home")


@pytest.fixture(scope="module")
def ui(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """`millrace ui`, up; a test that restarts it says so here."""
    cli = Cli(tmp_path_factory.mktemp("deploy-ui"), home, ["-m", "flows.cli"])
    url, process = start(cli)
    state = {"cli": cli, "url": url, "process": process}
    yield state
    end(state["process"])
    assert cli.left_behind() == []


@pytest.fixture
def mine(millrace: Cli) -> Cli:
    """A folder with a pipeline of one's own."""
    (millrace.folder / "mine.yaml").write_text(PIPELINE)
    for n in range(3):
        (millrace.folder / f"{n}.txt").write_text(f"{n} of three texts\n")
    return millrace


def test_a_deployment_of_ones_own(ui: dict[str, Any], mine: Cli) -> None:
    url = ui["url"]
    answer = mine("deploy", "mine.yaml", "--cron", "0 3 5 * *", "--timezone", "Europe/Berlin", "--tag", "x")
    assert answer.status == 0, answer
    assert "build-corpus/mine: made; it runs in " in answer.out and "Starting temporary server" not in answer.err
    assert "schedule 0 3 5 * * (Europe/Berlin), next 20" in answer.out and "-05 03:00" in answer.out
    there = call(url, "deployments/name/build-corpus/mine")
    assert there["parameters"] == {"conf": str(mine.folder / "mine.yaml")} and there["tags"] == ["x"]
    assert there["pull_steps"][0]["prefect.deployments.steps.set_working_directory"]["directory"] == str(mine.folder)
    assert (there["work_pool_name"], there["global_concurrency_limit"]["limit"]) == ("millrace", 1)
    assert there["concurrency_options"]["collision_strategy"] == "ENQUEUE" and not there["paused"]
    assert "**Three lines**" in there["description"] and "a (text)" in there["description"]
    form = there["parameter_openapi_schema"]["properties"]
    assert all(form[name]["description"] == ABOUT[name] for name in form) and set(form) >= {"conf", "workers", "latest"}
    assert form["latest"]["type"] == "boolean"
    ((schedule, active, slug),) = [(one["schedule"], one["active"], one["slug"]) for one in there["schedules"]]
    assert (schedule["cron"], schedule["timezone"], active, slug) == ("0 3 5 * *", "Europe/Berlin", True, "millrace")

    # It runs where it was deployed: the store is relative to there.
    call(url, f"deployments/{there['id']}/create_flow_run", "POST", {})
    wanted = {"deployments": {"id": {"any_": [there["id"]]}}, "sort": "EXPECTED_START_TIME_ASC", "limit": 1}

    def state() -> str:
        (run,) = call(url, "flow_runs/filter", "POST", wanted)
        return run["state"]["name"]

    wait_for(lambda: state() in ("Completed", "Failed", "Crashed"), 400)
    assert state() == "Completed", (mine.home / "worker.log").read_text()[-3000:]
    assert list(mine.folder.glob("store/survivors/a-*/manifest.json"))


@pytest.mark.long
@pytest.mark.served
def test_again_renews_and_keeps_what_was_set_in_the_ui(ui: dict[str, Any], mine: Cli) -> None:
    url = ui["url"]
    command = ("deploy", "mine.yaml", "--name", "kept", "--workers", "1")
    assert mine(*command, "--cron", "0 3 5 * *").status == 0
    id = call(url, "deployments/name/build-corpus/kept")["id"]
    (ours,) = call(url, f"deployments/{id}/schedules")
    call(url, f"deployments/{id}/schedules/{ours['id']}", "PATCH", {"active": False})
    call(url, f"deployments/{id}/schedules", "POST", [{"schedule": {"cron": "7 4 * * *"}, "active": True}])
    call(
        url,
        f"deployments/{id}",
        "PATCH",
        {"parameters": {"conf": "x", "latest": True}, "tags": ["hand"], "paused": True},
    )
    before = call(url, f"deployments/{id}")
    again = mine("deploy", "mine.yaml", "--name", "kept", "--tag", "more", "--cron", "0 4 6 * *")
    assert "build-corpus/kept: renewed" in again.out, again
    assert "schedule 0 4 6 * * (UTC), switched off" in again.out and "it is paused" in again.out
    there = call(url, f"deployments/{id}")
    assert there["parameters"] == {"conf": str(mine.folder / "mine.yaml"), "latest": True}
    assert there["tags"] == ["hand", "more"] and there["paused"]
    assert {(one["schedule"]["cron"], one["active"]) for one in there["schedules"]} == {
        ("7 4 * * *", True), ("0 4 6 * *", False)}  # fmt: skip
    assert {one["id"] for one in there["schedules"]} == {one["id"] for one in before["schedules"]}
    assert "as it was" in mine("deploy", "mine.yaml", "--name", "kept").out
    assert call(url, f"deployments/{id}")["updated"] == there["updated"], "what is the same is not sent"
    mine("deploy", "mine.yaml", "--name", "kept", "--resume", "--workers", "2")
    there = call(url, f"deployments/{id}")
    assert not there["paused"] and there["parameters"]["workers"] == 2


def test_a_pipeline_that_grows_is_told_how(ui: dict[str, Any], mine: Cli) -> None:
    (mine.folder / "grows.yaml").write_text(PIPELINE + GROWING)
    answer = mine("deploy", "grows.yaml")
    assert "cc can grow by the month: --cron '0 3 5 * *'" in answer.out, answer
    assert call(ui["url"], "deployments/name/build-corpus/grows")["parameters"]["latest"] is True
    scheduled = mine("deploy", "grows.yaml", "--cron", "0 3 5 * *", "--no-latest", "--set", "seed=2")
    assert "can grow" not in scheduled.out
    there = call(ui["url"], "deployments/name/build-corpus/grows")["parameters"]
    assert there == {"conf": str(mine.folder / "grows.yaml"), "latest": False, "settings": {"seed": 2}}


@pytest.mark.long
@pytest.mark.served
def test_nothing_is_sent_that_cannot_be(ui: dict[str, Any], mine: Cli) -> None:
    def deployed() -> int:
        return call(ui["url"], "deployments/count", "POST", {})

    before = deployed()
    for arguments, said in (
        (["--cron", "0 3 5 * * *"], "6 fields, not 5: minute, hour, day, month, day of the week"),
        (["--cron", "0 3 30 2 *"], "failed to find next date"),
        (["--cron", "0 25 5 * *"], "Invalid cron string"),
        (["--cron", "0 3 5 * *", "--timezone", "Mars"], 'Invalid timezone: "Mars"'),
        (["--name", "a/b"], "'a/b' is no name for a deployment"),
        (["--latest"], "no source has `crawl: latest`"),
        (["--set", "seed=one"], "seed: Input should be a valid integer"),
    ):
        answer = mine("deploy", "mine.yaml", *arguments)
        assert answer.status == 2 and said in answer.err, answer
    (mine.folder / "bad.yaml").write_text("sauces: {}\n")
    assert "bad.yaml:1: sauces is no key" in mine("deploy", "bad.yaml").err
    assert deployed() == before


def test_without_a_server_it_says_what_to_do(mine: Cli, tmp_path: Path) -> None:
    answer = mine("deploy", "mine.yaml", MILLRACE_HOME=str(tmp_path / "home"), PREFECT_API_URL="http://127.0.0.1:9/api")
    assert answer.status == 2
    assert "PREFECT_API_URL is http://127.0.0.1:9/api, but no Prefect server answers there" in answer.err
    assert "start `millrace ui` in another shell, or set PREFECT_API_URL" in answer.err


def test_a_restart_keeps_what_was_set_in_the_ui(ui: dict[str, Any]) -> None:
    """What the code says, and the folder, is renewed."""
    url = ui["url"]
    id = call(url, "deployments/name/build-corpus/demo")["id"]
    call(url, f"deployments/{id}/schedules", "POST", [{"schedule": {"cron": "7 4 * * *"}, "active": True}])
    call(url, f"deployments/{id}", "PATCH", {"parameters": {"conf": "demo", "workers": 1}, "tags": ["hand"]})
    call(url, f"deployments/{id}", "PATCH", {"description": "of a release before"})
    untouched = call(url, "deployments/name/pretrain/demo")
    gone = call(url, "deployments/name/evaluate/demo")["id"]
    call(url, f"deployments/{gone}", "DELETE")
    end(ui["process"])
    ui["url"], ui["process"] = start(ui["cli"])
    url = ui["url"]
    there = call(url, f"deployments/{id}")
    assert {(one["schedule"]["cron"], one["active"]) for one in there["schedules"]} == {
        ("7 4 * * *", True), ("0 3 * * *", False)}  # fmt: skip
    assert there["parameters"] == {"conf": "demo", "workers": 1} and there["tags"] == ["hand"]
    assert there["description"] == "Sources to a clean, deduplicated, decontaminated corpus."
    now = call(url, "deployments/name/pretrain/demo")
    assert now["updated"] == untouched["updated"], "what is the same is not sent"
    assert call(url, "deployments/name/evaluate/demo")["id"] != gone, "what is absent is made"
    log = (ui["cli"].home / "deploy.log").read_text()
    assert "build-corpus/demo: renewed" in log and "evaluate/demo: made" in log and "pretrain/demo: as it was" in log
