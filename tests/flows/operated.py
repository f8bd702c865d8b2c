"""A `millrace ui` that tests operate, with the toy DAG as a deployment: toy_deployment.py beside this file."""

import base64
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from commands import TOY, Cli, wait_for

from flows.server import free_port

DEPLOYMENT = """\
name: toy
deployments:
  - name: toy
    entrypoint: toy_deployment.crawl_to_model
    parameters: {conf: toy.yaml, workers: 2}
    work_pool: {name: millrace}
"""
QUICK = {"PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1", "PREFECT_WORKER_QUERY_SECONDS": "1"}


class Operated:
    """A `millrace ui` that is up."""

    def __init__(self, cli: Cli, process: subprocess.Popen[str], told: Path):
        self.cli, self.process, self.folder, self.home, self.told_file = cli, process, cli.folder, cli.home, told
        state = json.loads((cli.home / "ui.json").read_bytes())
        self.url, self.pair = state["url"], state["auth"]

    def ask(self, path: str, method: str = "POST", rows: list[Any] | None = None, **body: Any) -> Any:
        """Prefect's API, as the UI asks it; `rows`: where it takes a list."""
        head = {"content-type": "application/json"}
        if self.pair:
            head["Authorization"] = "Basic " + base64.b64encode(self.pair.encode()).decode()
        data = None if method == "GET" else json.dumps(body if rows is None else rows).encode()
        request = urllib.request.Request(f"{self.url}/{path}", data, head, method=method)
        for patience in range(6):
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                if error.code != 503 or patience == 5:  # the database is busy: Prefect's clients ask again, too
                    raise
                time.sleep(2**patience / 4)
        return None

    def told(self) -> str:
        return self.told_file.read_text()

    def prefect(self, *arguments: str) -> None:
        """Prefect's own command line, as a user calls it in another shell."""
        environment = self.cli.environment(PREFECT_API_URL=self.url, PREFECT_HOME=str(self.folder / "client"))
        if self.pair:
            environment["PREFECT_API_AUTH_STRING"] = self.pair
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    def deployment(self, flow: str, name: str) -> str:
        return str(self.ask(f"deployments/name/{flow}/{name}", "GET")["id"])

    def start(self, deployment: str, environment: dict[str, str] | None = None, **parameters: Any) -> str:
        """A flow run of it; `environment` is added to its process's."""
        variables = {"env": environment} if environment else {}
        made = self.ask(f"deployments/{deployment}/create_flow_run", parameters=parameters, job_variables=variables)
        return str(made["id"])

    def state(self, run: str) -> str:
        return str(self.ask(f"flow_runs/{run}", "GET")["state_name"])

    def runs(self, deployment: str, *states: str) -> list[Any]:
        wanted: dict[str, Any] = {"deployment_id": {"any_": [deployment]}}
        if states:
            wanted["state"] = {"type": {"any_": list(states)}}
        return self.ask("flow_runs/filter", flow_runs=wanted, sort="EXPECTED_START_TIME_ASC")  # type: ignore[no-any-return]

    def cancel(self, run: str) -> None:
        answer = self.ask(f"flow_runs/{run}/set_state", state={"type": "CANCELLING", "name": "Cancelling"})
        assert answer["status"] == "ACCEPT"

    def ends(self, run: str, state: str, seconds: float = 180) -> None:
        final = ("Completed", "Failed", "Crashed", "Cancelled")
        wait_for(lambda: self.state(run) in final, seconds)
        assert self.state(run) == state, self.ask(f"flow_runs/{run}", "GET")["state"]["message"]

    def processes(self, mark: str) -> dict[int, str]:
        """Processes of this ui in whose environment a variable's setting stands: their command lines."""
        found = {}
        wanted = {mark.encode(), f"MILLRACE_TEST={self.folder}".encode()}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                environment, state = (process / "environ").read_bytes(), (process / "stat").read_text()
                if wanted <= set(environment.split(b"\0")) and state.rpartition(")")[2].split()[0] != "Z":
                    found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # it ended as we looked
        return found

    def of_run(self, run: str) -> dict[int, str]:
        return self.processes(f"PREFECT__FLOW_RUN_ID={run}")

    def kill(self, what: str) -> int:
        """SIGKILL to the one child of this ui whose command line has these words; its number."""
        mine = self.processes(f"MILLRACE_HOME={self.home}")
        (pid,) = [pid for pid, line in mine.items() if what in line and "PREFECT__FLOW_RUN_ID" not in environ(pid)]
        os.kill(pid, signal.SIGKILL)
        return pid

    def leaves_nothing(self, run: str, store: Path, began: float, pids: set[int]) -> float:
        """Wait for a run's last process, see what it left, and say how long that took."""
        wait_for(lambda: not self.of_run(run), 60)  # seconds for a machine that is busy with other tests
        took = time.monotonic() - began
        for lease in (store / ".lease").rglob("*"):
            if lease.is_file():
                with lease.open("r+b") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where somebody holds it
        assert list((store / ".scratch").glob("*")) == []
        # Prefect's worker keeps folders of its own there (prefect-workspace-attempt-*, tmp*prefect), torch its cache.
        others = ("prefect", "runner_storage", "torchinductor")
        left = [path.name for path in self.scratch.iterdir() if not any(name in path.name for name in others)]
        assert left == []
        shared = [path.name for path in Path("/dev/shm").iterdir() if any(str(pid) in path.name for pid in pids)]
        assert shared == []
        return took

    @property
    def scratch(self) -> Path:
        """$TMPDIR of all its processes."""
        return self.folder / "scratch"


def environ(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return ""


@contextmanager
def operated(folder: Path, home: Path, *arguments: object, **environment: str) -> Iterator[Operated]:
    """Start `millrace ui` in a folder that holds toy.yaml, and end it by Ctrl-C: it leaves no process."""
    (folder / "toy.yaml").write_text(TOY)
    (folder / "toy-deployment.yaml").write_text(DEPLOYMENT)
    (folder / "scratch").mkdir()
    cli = Cli(folder, home, ["-m", "flows.cli"])
    told = folder / "told.txt"
    more = QUICK | {"TMPDIR": str(folder / "scratch")} | environment
    with told.open("w") as file:
        process = cli.start("ui", "--port", free_port(), *arguments, out=file, **more)
    try:
        wait_for(lambda: (home / "ui.json").exists() or process.poll() is not None, 180)
        if process.poll() is not None:
            logs = "\n".join(path.read_text()[-2000:] for path in home.glob("*.log"))
            pytest.fail(f"{told.read_text()}\n{logs}")
        yield Operated(cli, process, told)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=90)
        assert process.returncode == 130, told.read_text()
        assert not (home / "ui.json").exists()
        assert cli.left_behind() == []
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
