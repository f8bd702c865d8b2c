"""Runs that Prefect records: with a temporary server of their own, and through `millrace ui`. All servers are real.

That they start is also the test of the bound on fastapi in pyproject.toml.
"""

import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT, Cli, wait_for

from flows.server import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]
DEPLOYMENTS = {
    *(f"{flow}/demo" for flow in ("build-corpus", "train-tokenizer", "pretrain", "evaluate", "crawl-to-model")),
    "crawl-to-model/real",
}


def ask(url: str, path: str, **body: Any) -> Any:
    """POST to Prefect's API."""
    request = urllib.request.Request(f"{url}/{path}", json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def newest(url: str) -> Any:
    """The run that was started last; no box of one."""
    whole = {"parent_task_run_id": {"is_null_": True}}
    return ask(url, "flow_runs/filter", sort="EXPECTED_START_TIME_DESC", limit=1, flow_runs=whole)[0]


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{home}/prefect/prefect.db?mode=ro", uri=True) as database:
        return database.execute(query).fetchall()


def test_record_keeps_the_run_without_a_server_before_or_after(toy: Cli) -> None:
    of_web = "select key, type, count(*) from artifact where key like 'toy--%web%' group by key order by key"
    earlier = (
        {key: count for key, _, count in rows(toy.home, of_web)} if (toy.home / "prefect/prefect.db").exists() else {}
    )
    first = toy("run", "toy.yaml", "--record")
    assert first.status == 0, first
    told = [line for line in first.err.splitlines() if not line.startswith("compiling kernels, once")]  # a fresh cache
    assert told == []
    assert "5 stages built, 0 cached" in first.out
    assert "`millrace ui` shows it" in first.out
    second = toy("run", "toy.yaml", "--record")
    assert "0 stages built, 5 cached" in second.out
    assert toy.left_behind() == []
    runs = rows(toy.home, "select name, state_name from flow_run where parent_task_run_id is null order by start_time")
    assert runs[-2:] == [("toy: crawl to model", "Completed")] * 2
    boxes = """select flow.name, flow_run.name, state_name from flow_run join flow on flow.id = flow_id
               where parent_task_run_id is not null order by start_time"""
    built, cached = rows(toy.home, boxes)[-6:-3], rows(toy.home, boxes)[-3:]
    names = [("corpus", "books"), ("corpus", "web"), ("report", "toy")]
    assert sorted(built) == [(*name, "Completed") for name in names]
    assert sorted(cached) == [(*name, "Cached") for name in names]
    stands = """select task_inputs from task_run join flow_run on parent_task_run_id = task_run.id
                where flow_run.name = 'toy' order by flow_run.start_time desc limit 1"""
    before = {one["id"].replace("-", "") for one in json.loads(rows(toy.home, stands)[0][0])["after"]}
    corpora = """select flow_run.id from flow_run join flow on flow.id = flow_id
                 where flow.name = 'corpus' order by start_time desc limit 2"""
    assert before == {str(id).replace("-", "") for (id,) in rows(toy.home, corpora)}, "the report comes after both"
    stages = """select task_run.name, task_run.state_name from task_run join flow_run on flow_run_id = flow_run.id
                where flow_run.parent_task_run_id is not null order by task_run.start_time"""
    tasks = rows(toy.home, stages)[-10:]
    assert [state for _, state in tasks] == ["Completed"] * 5 + ["Cached"] * 5
    assert {name for name, _ in tasks[-5:]} == {
        f"{stage} {source}" for stage in ("ingest", "keep") for source in ("web", "books")
    } | {"report report"}
    kinds = [(key, kind, count - earlier.get(key, 0)) for key, kind, count in rows(toy.home, of_web)]
    assert kinds == [
        ("toy--corpus--web--progress", "progress", 1),
        ("toy--ingest--web", "markdown", 2),
        ("toy--keep--web", "markdown", 2),
    ], "one artifact a stage, of a hit too; one of progress a box, but not where all was there"


def test_a_recorded_failure_is_the_same_sentence_and_nothing_is_pickled(toy: Cli) -> None:
    answer = toy("run", "toy.yaml", "--record", TOY_FAIL="failure")
    assert (answer.status, answer.err) == (1, "millrace: stage report of report: the toy's failure\n")
    last = "select name, state_name from flow_run order by start_time desc limit 3"
    assert set(rows(toy.home, last)[:1]) == {("toy", "Failed")}, "the box of the stage that failed"
    last = "select state_name from flow_run where parent_task_run_id is null order by start_time desc limit 1"
    assert rows(toy.home, last) == [("Failed",)]
    kept = [path for path in (toy.home / "prefect").rglob("*") if path.is_file() and path.read_bytes()[:1] == b"\x80"]
    assert kept == [], "a pickle begins with this byte"


@pytest.mark.parametrize(("signal_", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_recording_leaves_no_process(toy: Cli, signal_: signal.Signals, status: int) -> None:
    process = toy.start("run", "toy.yaml", "--record", "--workers", 2, TOY_SLEEP="0.5")
    wait_for(lambda: len(list(toy.folder.glob("store/ingest/web-*/0000?.parquet"))) >= 2)
    process.send_signal(signal_)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert err.startswith("millrace: stopped by ")
    assert toy.left_behind() == []
    run = "select id from flow_run where parent_task_run_id is null order by start_time desc limit 1"
    boxes = f"select id from task_run where flow_run_id = ({run})"
    of_it = f"select state_type from flow_run where id = ({run}) or parent_task_run_id in ({boxes})"
    states = {state for (state,) in rows(toy.home, of_it)}
    assert states and states <= {"CRASHED", "CANCELLED", "FAILED"}, "neither it nor a box of it is Running for ever"


def test_a_killed_recording_is_ended_by_the_next(toy: Cli) -> None:
    """Run, boxes and tasks: its process is gone, and no server was there to notice."""
    process = toy.start("run", "toy.yaml", "--record", "--workers", 2, TOY_SLEEP="0.5")
    wait_for(lambda: len(list(toy.folder.glob("store/ingest/web-*/0000?.parquet"))) >= 2)
    alive = "select count(*) from {} where state_type in ('RUNNING', 'PENDING')"
    wait_for(lambda: rows(toy.home, alive.format("task_run")) > [(2,)])  # two stages and what stands for their boxes
    process.kill()
    process.communicate()
    wait_for(lambda: toy.left_behind() == [])
    assert rows(toy.home, alive.format("flow_run")) >= [(2,)], "it, and a box at least"
    assert toy("run", "toy.yaml", "--record").status == 0
    assert rows(toy.home, alive.format("flow_run")) == [(0,)]
    assert rows(toy.home, alive.format("task_run")) == [(0,)]
    crashed = "select count(*) from flow_run where state_type = 'CRASHED'"
    assert rows(toy.home, crashed) >= [(2,)]


@pytest.fixture(scope="module")
def ui(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`millrace ui`, up: its API and its process."""
    cli = Cli(tmp_path_factory.mktemp("ui"), home, ["-m", "flows.cli"])
    process = cli.start("ui", "--port", free_port())
    wait_for(lambda: (home / "ui.json").exists() or process.poll() is not None, 120)
    if process.poll() is not None:
        out, err = process.communicate()
        logs = "\n".join(path.read_text()[-2000:] for path in home.glob("*.log"))
        pytest.fail(f"{out}\n{err}\n{logs}")
    url = json.loads((home / "ui.json").read_bytes())["url"]
    yield url, process
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
    assert not (home / "ui.json").exists()
    assert cli.left_behind() == []


def test_the_deployments_are_there(ui: tuple[str, Any]) -> None:
    url, _ = ui
    flows = {flow["id"]: flow["name"] for flow in ask(url, "flows/filter")}
    found = ask(url, "deployments/filter")
    assert {f"{flows[one['flow_id']]}/{one['name']}" for one in found} == DEPLOYMENTS
    for one in found:
        assert one["work_pool_name"] == "millrace"
        assert one["global_concurrency_limit"]["limit"] == 1
        assert one["concurrency_options"]["collision_strategy"] == "ENQUEUE"
        assert not any(schedule["active"] for schedule in one["schedules"])
    assert [one["name"] for one in ask(url, "automations/filter")] == ["millrace: crashed runs"]


def test_a_deployment_runs_through_the_worker(ui: tuple[str, Any], millrace: Cli) -> None:
    """build-corpus/demo over four lines of text: the real DAG, as the UI starts it."""
    url, _ = ui
    (millrace.folder / "a.jsonl").write_text(
        "".join(json.dumps({"text": f"{n} of four texts"}) + "\n" for n in range(4))
    )
    conf = millrace.folder / "tiny.yaml"
    source = f'{{kind: jsonl, files: "{millrace.folder}/a.jsonl"}}'
    conf.write_text(f"store: {millrace.folder}/store\nsources:\n  a: {source}\n")
    command = [sys.executable, "-m", "prefect", "deployment", "run", "build-corpus/demo", "--param", f"conf={conf}"]
    environment = millrace.environment(PREFECT_API_URL=url, PREFECT_HOME=str(millrace.home / "client"))
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)

    def state() -> str:
        return newest(url)["state"]["name"]

    wait_for(lambda: state() in ("Completed", "Failed", "Crashed"), 120)
    assert state() == "Completed", (millrace.home / "worker.log").read_text()[-3000:]
    run = newest(url)
    assert run["name"] == "tiny: build corpus"
    stages = {path.parent.parent.name for path in millrace.folder.glob("store/*/a-*/manifest.json")}
    assert {"ingest", "keep", "survivors"} <= stages
    (box,) = ask(url, "flow_runs/filter", flow_runs={"parent_flow_run_id": {"any_": [run["id"]]}})
    assert (box["name"], box["state"]["name"], box["tags"]) == ("a", "Completed", ["tiny"])
    wanted = {"id": {"any_": [box["id"]]}}
    wait_for(lambda: len(ask(url, "task_runs/filter", flow_runs=wanted)) >= len(stages), 20)
    tasks = {task["name"].split()[0]: task for task in ask(url, "task_runs/filter", flow_runs=wanted)}
    named = {task["id"]: stage for stage, task in tasks.items()}
    arrows = {stage: {named[one["id"]] for one in task["task_inputs"]["inputs"]} for stage, task in tasks.items()}
    assert arrows == {
        "ingest": set(),
        "index": {"ingest"},
        "signatures": {"ingest"},
        "keep": {"ingest"},
        "survivors": {"keep", "signatures"},  # not ingest, which stands behind both
        "recall": {"survivors"},
    }
    keys = {artifact["key"] for artifact in ask(url, "artifacts/filter", flow_runs=wanted)}
    assert keys == {f"tiny--{stage}--a" for stage in tasks} | {"tiny--corpus--a--progress"}


PLACED = """\
store: ./store
validation: 0.1
sources:
  a: {{kind: jsonl, files: "{folder}/a.jsonl"}}
tokenizer: {{vocabulary: 300}}
models:
  tiny: {{preset: demo, tokens: 2k, layers: 1, width: 32, context: 32, batch: 256, threads: 1, on: gpu}}
"""


def test_a_stage_that_is_placed_runs_on_its_work_pool(ui: tuple[str, Any], millrace: Cli) -> None:
    """The model is trained by the worker of another pool, in another folder, which shares the store alone."""
    url, _ = ui
    lines = [
        json.dumps({"text": f"{n} texts of which each says a little more than the one before " * 3}) for n in range(60)
    ]
    (millrace.folder / "a.jsonl").write_text("\n".join(lines))
    (millrace.folder / "placed.yaml").write_text(PLACED.format(folder=millrace.folder))
    refused = millrace("run", "placed.yaml", PREFECT_API_URL=url)
    assert refused.status == 2, refused
    assert "pretrain of tiny is to run on the work pool gpu" in refused.err
    assert "prefect work-pool create gpu" in refused.err

    elsewhere = millrace.folder / "elsewhere"
    elsewhere.mkdir()
    environment = millrace.environment(PREFECT_API_URL=url, PREFECT_HOME=str(millrace.home / "gpu"))
    prefect = [sys.executable, "-m", "prefect"]
    subprocess.run([*prefect, "work-pool", "create", "gpu", "--type", "process"], env=environment, check=True)
    worker = subprocess.Popen([*prefect, "worker", "start", "--pool", "gpu"], env=environment, cwd=elsewhere)
    try:
        answer = millrace("run", "placed.yaml", PREFECT_API_URL=url, timeout=240)
    finally:
        worker.kill()  # it is idle by now
        worker.wait()
    assert answer.status == 0, answer
    assert re.search(r"pretrain +tiny +fresh", answer.out)
    flows = {flow["id"]: flow["name"] for flow in ask(url, "flows/filter")}
    ours = {"name": {"any_": ["run-stage", "crawl-to-model"]}}
    runs = ask(url, "flow_runs/filter", sort="START_TIME_DESC", limit=2, flows=ours)
    assert [(flows[run["flow_id"]], run["state"]["name"]) for run in runs] == [
        ("run-stage", "Completed"),
        ("crawl-to-model", "Completed"),
    ]
    assert runs[0]["work_pool_name"] == "gpu" and runs[0]["parent_task_run_id"], (
        "it shows within the run that asked for it"
    )
    wanted = {"id": {"any_": [runs[0]["id"]]}}
    assert [task["name"] for task in ask(url, "task_runs/filter", flow_runs=wanted)] == ["pretrain tiny"]
    assert "0 stages built" in millrace("run", "placed.yaml", PREFECT_API_URL=url).out
    told = millrace("run", "placed.yaml", MILLRACE_HOME=str(elsewhere))
    assert told.status == 2 and "takes a Prefect server with workers" in told.err


def test_a_run_is_recorded_by_the_ui_that_is_up(ui: tuple[str, Any], toy: Cli) -> None:
    url, _ = ui
    assert toy("run", "toy.yaml").status == 0
    begun = time.monotonic()
    answer = toy("run", "toy.yaml")
    print(f"cached toy run, recorded by a server that is up: {time.monotonic() - begun:.1f} s")
    assert answer.status == 0, answer
    assert "0 stages built, 5 cached" in answer.out
    assert f"Recorded in Prefect: {url.removesuffix('/api')}/runs" in answer.out
    run = newest(url)
    assert (run["name"], run["state"]["name"]) == ("toy: crawl to model", "Completed")


@pytest.mark.browser
def test_from_the_run_to_a_stages_page_in_a_browser(ui: tuple[str, Any], toy: Cli) -> None:
    """As a person clicks: the run, its box, the box's artifacts, the stage's page with its funnel."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or pytest.skip("there is no Chromium on this machine")
    url, _ = ui
    assert toy("run", "toy.yaml").status == 0
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        page.set_default_timeout(60_000)
        page.goto(f"{url.removesuffix('/api')}/runs/flow-run/{newest(url)['id']}")
        page.get_by_text("toy: crawl to model").first.wait_for()
        page.get_by_text("Subflow Runs", exact=True).first.click()
        page.get_by_role("link", name="web", exact=True).click()
        page.get_by_text("Artifacts", exact=True).first.click()
        page.get_by_text("toy--keep--web").first.click()
        page.get_by_role("heading", name="keep web").wait_for()
        told = page.inner_text("body")
        browser.close()
    assert "The toy keeps every second document." in told
    assert re.search(r"stay\s+12\s+50.0 %\s+█{10}\s", told)
    assert "leave: quality" in told and "it is of odd number" in told


def test_a_second_ui_and_a_taken_port_are_refused(ui: tuple[str, Any], millrace: Cli) -> None:
    url, _ = ui
    port = int(url.split(":")[2].split("/")[0])
    taken = millrace("ui", "--port", port)
    assert taken.status == 2
    assert f"port {port} cannot be used" in taken.err
    second = millrace("ui", "--port", free_port())
    assert second.status == 2
    assert "is up already" in second.err


def test_the_page_is_served_and_calls_its_own_server(ui: tuple[str, Any]) -> None:
    url, _ = ui
    base = url.removesuffix("/api")
    with urllib.request.urlopen(f"{base}/ui-settings", timeout=30) as answer:
        assert json.loads(answer.read())["api_url"] == "/api"
    with urllib.request.urlopen(base, timeout=30) as answer:
        assert b"<html" in answer.read().lower()


def test_zz_ui_cancels_what_runs_when_it_ends(ui: tuple[str, subprocess.Popen[str]], millrace: Cli) -> None:
    """Last, since it ends the ui: a flow run that is at work is cancelled, and leaves no process."""
    url, process = ui
    conf = millrace.folder / "slow.yaml"
    conf.write_text((ROOT / "conf/demo.yaml").read_text().replace("./store", f"{millrace.folder}/store"))
    flow = next(one for one in ask(url, "flows/filter") if one["name"] == "build-corpus")
    (deployment,) = (one for one in ask(url, "deployments/filter") if one["flow_id"] == flow["id"])
    run = ask(url, f"deployments/{deployment['id']}/create_flow_run", parameters={"conf": str(conf)})
    wait_for(lambda: list(millrace.folder.glob("store/*/*")), 60)
    process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    out, err = process.communicate(timeout=60)
    print(f"{out}{err}ended after {time.monotonic() - begun:.1f} s", (millrace.home / "worker.log").read_text()[-3000:])
    assert process.returncode == 143
    state = rows(millrace.home, f"select state_type from flow_run where id like '{run['id']}'")
    assert state == [("CANCELLED",)], state
