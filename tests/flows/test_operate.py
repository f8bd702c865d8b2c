"""`millrace ui` as an operator's server: who dies, who is cancelled, what fires, who is told. With --auth throughout.

One server for all; the tests stand in the order of a bad day. docs/operate.md promises what they show.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from commands import ROOT, Cli, wait_for
from operated import Operated, operated

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.served, pytest.mark.xdist_group("prefect")]
PAIR = "miller:hunter2-of-the-tests"


@pytest.fixture(scope="module")
def ui(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    folder = tmp_path_factory.mktemp("operated")
    with operated(folder, home, "--auth", MILLRACE_AUTH=PAIR, TOY_SLEEP="2") as up:
        up.prefect("deploy", "--all", "--prefect-file", "toy-deployment.yaml")
        yield up
    said = [*home.glob("*.log*"), up.told_file]
    assert not any("hunter2" in path.read_text() for path in said), "no log holds the password"


@pytest.fixture
def toy(ui: Operated, tmp_path: Path) -> str:
    """The toy's deployment; its pipeline has a store of its own for each test."""
    text = (ui.folder / "toy.yaml").read_text()
    (ui.folder / "toy.yaml").write_text(re.sub(r"store: .*", f"store: {tmp_path}/store", text))
    return ui.deployment("crawl-to-model", "toy")


def at_work(ui: Operated, run: str, store: Path, pattern: str = "ingest/web-*/0000?.parquet") -> None:
    wait_for(lambda: list(store.glob(pattern)) or ui.state(run) in ("Failed", "Crashed"), 120)
    assert ui.state(run) == "Running", (ui.home / "worker.log").read_text()[-3000:]


def test_nobody_enters_without_the_password(ui: Operated, toy: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(urllib.request.Request(f"{ui.url}/flows/filter", b"{}", method="POST"))
    (mine,) = [line for line in ui.processes(f"MILLRACE_HOME={ui.home}").values() if "flows.cli ui" in line]
    assert "hunter2" not in mine
    assert (ui.home / "ui.json").stat().st_mode & 0o077 == 0
    assert "user and password of MILLRACE_AUTH" in ui.told() and "hunter2" not in ui.told()


def test_run_finds_server_and_password_by_itself(ui: Operated, toy: str) -> None:
    drive = Cli(ui.folder, ui.home, [str(Path(__file__).with_name("flows_drive.py"))])
    answer = drive("run", "toy.yaml", TOY_SLEEP="0")
    assert answer.status == 0, answer
    assert f"Recorded in Prefect: {ui.url.removesuffix('/api')}/runs" in answer.out


def test_a_schedule_fires_is_cancelled_paused_and_resumed(ui: Operated, toy: str) -> None:
    """Every ten seconds: it fires twice; a run that is due is called off; paused, none is due; resumed, it fires."""
    schedule = {"interval": 10, "anchor_date": datetime.now(UTC).isoformat(), "timezone": "UTC"}
    (made,) = ui.ask(f"deployments/{toy}/schedules", rows=[{"schedule": schedule, "active": True}])
    before = {run["id"] for run in ui.runs(toy)}

    def fired() -> list[str]:
        """Runs of the schedule that began."""
        begun = ui.runs(toy, "PENDING", "RUNNING", "COMPLETED")
        return [run["id"] for run in begun if run["auto_scheduled"] and run["id"] not in before]

    def due() -> list[str]:
        return [run["id"] for run in ui.runs(toy, "SCHEDULED")]

    wait_for(due, 30)
    off = due()[-1]  # the farthest: it cannot have begun before we call it off
    assert ui.ask(f"flow_runs/{off}/set_state", state={"type": "CANCELLED", "name": "Cancelled"})["status"] == "ACCEPT"
    wait_for(lambda: len(fired()) >= 2, 120)
    ui.ask(f"deployments/{toy}/schedules/{made['id']}", "PATCH", active=False)
    first = fired()
    wait_for(lambda: due() == [], 30)
    for run in first:
        ui.ends(run, "Completed")
    time.sleep(5)
    wait_for(lambda: ui.runs(toy, "PENDING", "RUNNING") == [], 120)
    paused = fired()
    assert due() == [], "a schedule that is paused plans nothing"
    ui.ask(f"deployments/{toy}/schedules/{made['id']}", "PATCH", active=True)
    wait_for(lambda: len(fired()) > len(paused), 120)
    ui.ask(f"deployments/{toy}/schedules/{made['id']}", "DELETE")
    wait_for(lambda: ui.runs(toy, "SCHEDULED", "PENDING", "RUNNING") == [], 180)
    assert ui.state(off) == "Cancelled"
    assert "services.scheduler" not in ui.told(), "it would be told if it raised, as it does beside SQLAlchemy 2.1"


class Sink(BaseHTTPRequestHandler):
    """Keeps what is posted."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(body.decode())  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def sink() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    server.got = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_alarm_of_the_page_is_raised(ui: Operated, toy: str, sink: ThreadingHTTPServer) -> None:
    """The code of docs/operate.md, word by word but for the address."""
    page = (ROOT / "docs/operate.md").read_text()
    (code,) = [code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "CallWebhook" in code]
    address = "https://hooks.example.org/millrace"
    assert code.count(address) == 1
    (ui.folder / "alarm.py").write_text(code.replace(address, f"http://127.0.0.1:{sink.server_address[1]}/hook"))
    environment = ui.cli.environment(PREFECT_API_URL=ui.url, PREFECT_API_AUTH_STRING=ui.pair)
    subprocess.run([sys.executable, "alarm.py"], cwd=ui.folder, env=environment, check=True, timeout=120)
    good, bad = ui.start(toy, {"TOY_SLEEP": "0"}), ui.start(toy, {"TOY_SLEEP": "0", "TOY_FAIL": "failure"})
    ui.ends(good, "Completed")
    ui.ends(bad, "Failed")
    got = sink.got  # type: ignore[attr-defined]
    wait_for(lambda: got, 60)
    time.sleep(2)
    assert [json.loads(one)["text"].split(",")[0] for one in got] == ["toy: crawl to model: Failed"]
    assert "the toy's failure" in got[0]


def test_a_run_that_is_killed_is_shown_for_what_it_is(ui: Operated, toy: str, tmp_path: Path) -> None:
    """The worker is there to see it; the next run goes on from its shards."""
    run = ui.start(toy)
    at_work(ui, run, tmp_path / "store")
    (engine,) = [pid for pid, line in ui.of_run(run).items() if "prefect.engine" in line]
    os.kill(engine, signal.SIGKILL)
    ui.ends(run, "Crashed", 30)
    wait_for(lambda: not ui.of_run(run), 10)
    shards = {path: path.stat().st_mtime_ns for path in tmp_path.glob("store/ingest/*/0000?.parquet")}
    assert shards
    ui.ends(ui.start(toy, {"TOY_SLEEP": "0"}), "Completed")
    assert shards == {path: path.stat().st_mtime_ns for path in shards}


def test_a_run_survives_the_server_s_death(ui: Operated, toy: str, tmp_path: Path) -> None:
    run = ui.start(toy)
    at_work(ui, run, tmp_path / "store")
    dead = ui.kill("uvicorn")
    wait_for(lambda: "Prefect's server is up again" in ui.told(), 120)
    assert f"Prefect's server ended (process {dead}, SIGKILL" in ui.told()
    ui.ends(run, "Completed")
    assert ui.process.poll() is None


def test_cancel_ends_the_pool_and_leaves_nothing(ui: Operated, toy: str, tmp_path: Path) -> None:
    """After the server's restart, too: the worker listens for cancels over a connection that was lost with it."""
    run = ui.start(toy)
    at_work(ui, run, tmp_path / "store")
    pids = set(ui.of_run(run))
    assert len(pids) >= 3, "the run and its two workers"
    began = time.monotonic()
    ui.cancel(run)
    took = ui.leaves_nothing(run, tmp_path / "store", began, pids)
    print(f"pool cancelled: {took:.1f} s")
    ui.ends(run, "Cancelled", 60)
    ui.ends(ui.start(toy, {"TOY_SLEEP": "0"}), "Completed")


def test_a_run_ends_with_its_worker_and_the_next_goes_on(ui: Operated, toy: str, tmp_path: Path) -> None:
    run = ui.start(toy)
    at_work(ui, run, tmp_path / "store")
    dead, pids, began = ui.kill("prefect worker start"), set(ui.of_run(run)), time.monotonic()
    ui.ends(run, "Crashed", 60)
    ui.leaves_nothing(run, tmp_path / "store", began, pids)
    wait_for(lambda: "the worker is started again" in ui.told(), 60)
    assert f"the worker ended (process {dead}, SIGKILL" in ui.told()
    shards = {path: path.stat().st_mtime_ns for path in tmp_path.glob("store/ingest/*/0000?.parquet")}
    ui.ends(ui.start(toy, {"TOY_SLEEP": "0"}), "Completed")
    assert shards and shards == {path: path.stat().st_mtime_ns for path in shards}


TRAINING = """\
store: {folder}/store
validation: 0.1
sources:
  a: {{kind: jsonl, files: "{folder}/a.jsonl"}}
tokenizer: {{vocabulary: 300}}
models:
  tiny: {{preset: demo, tokens: 500M, layers: 1, width: 32, context: 32, batch: 256, threads: 1, device: cpu}}
"""


def texts(folder: Path) -> None:
    rows = [f"{number} texts of which each says a little more than the one before " * 3 for number in range(60)]
    (folder / "a.jsonl").write_text("\n".join(json.dumps({"text": row}) for row in rows))


def test_cancel_ends_a_trainer_and_leaves_nothing(ui: Operated, tmp_path: Path) -> None:
    texts(tmp_path)
    (tmp_path / "training.yaml").write_text(TRAINING.format(folder=tmp_path))
    run = ui.start(ui.deployment("pretrain", "demo"), conf=str(tmp_path / "training.yaml"), workers=2)
    steps = "store/.work/pretrain/tiny-*/metrics.jsonl"
    wait_for(lambda: any(path.stat().st_size for path in tmp_path.glob(steps)) or final(ui, run), 240)
    assert ui.state(run) == "Running", (ui.home / "worker.log").read_text()[-3000:]
    processes = ui.of_run(run)
    assert any("model.train" in line for line in processes.values())
    began = time.monotonic()
    ui.cancel(run)
    took = ui.leaves_nothing(run, tmp_path / "store", began, set(processes))
    print(f"trainer cancelled: {took:.1f} s")
    ui.ends(run, "Cancelled", 60)


@pytest.mark.spark
def test_cancel_ends_spark_and_leaves_nothing(ui: Operated, toy: str, tmp_path: Path) -> None:
    """The toy's shards on Spark's executors: a JVM, its daemon and its Python workers."""
    conf = ui.folder / "spark.yaml"
    conf.write_text((ui.folder / "toy.yaml").read_text() + 'engine: {spark: {master: "local[2]"}}\n')
    run = ui.start(toy, {"TOY_SLEEP": "5"}, conf=str(conf))
    at_work(ui, run, tmp_path / "store")
    processes = ui.of_run(run)
    assert any("java" in line for line in processes.values())
    began = time.monotonic()
    ui.cancel(run)
    took = ui.leaves_nothing(run, tmp_path / "store", began, set(processes))
    print(f"Spark cancelled: {took:.1f} s")
    ui.ends(run, "Cancelled", 60)


def test_a_killed_run_of_the_command_line_is_crashed_by_its_heartbeat(ui: Operated, toy: str, tmp_path: Path) -> None:
    """No worker sees this one die: the automation does, 90 s after its last heartbeat."""
    drive = Cli(ui.folder, ui.home, [str(Path(__file__).with_name("flows_drive.py"))])
    process = drive.start("run", "toy.yaml", TOY_SLEEP="600", MILLRACE_TEST=str(tmp_path))
    whole = {"parent_task_run_id": {"is_null_": True}}  # no box of a run
    known = {run["id"] for run in ui.ask("flow_runs/filter", flow_runs=whole)}
    wait_for(lambda: list(tmp_path.glob("store/ingest/*")), 60)
    runs = ui.ask("flow_runs/filter", flow_runs=whole)
    (run,) = [one["id"] for one in runs if one["id"] not in known or one["state_name"] == "Running"]
    time.sleep(3)  # its first heartbeat is sent as it begins
    process.kill()
    process.communicate()
    assert ui.state(run) == "Running"
    ui.ends(run, "Crashed", 200)


def final(ui: Operated, run: str) -> bool:
    return ui.state(run) in ("Completed", "Failed", "Crashed", "Cancelled")
