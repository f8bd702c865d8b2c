"""`millrace ui` itself is killed with a run at work: nothing outlives it, and the next one notes what was lost."""

import json
import os
import signal
from pathlib import Path

import pytest
from commands import Cli, wait_for
from operated import operated

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.served, pytest.mark.xdist_group("prefect")]


def test_what_a_killed_ui_leaves(tmp_path: Path) -> None:
    home, first, second = tmp_path / "home", tmp_path / "first", tmp_path / "second"  # a home that no other test meets
    first.mkdir()
    second.mkdir()
    with pytest.raises(BrokenPipeError), operated(first, home, TOY_SLEEP="3") as ui:  # raised below, past its end
        ui.prefect("deploy", "--all", "--prefect-file", "toy-deployment.yaml")
        run = ui.start(ui.deployment("crawl-to-model", "toy"))
        wait_for(lambda: list(first.glob("store/ingest/web-*/0000?.parquet")), 120)
        pids = set(ui.of_run(run))
        assert len(pids) >= 3
        os.kill(ui.process.pid, signal.SIGKILL)
        wait_for(lambda: not ui.processes(f"MILLRACE_HOME={home}"), 120)
        raise BrokenPipeError
    assert json.loads((home / "ui.json").read_bytes())["pid"] == ui.process.pid, "it could not take it back"
    assert "Not recorded" in Cli(first, home, [str(Path(__file__).with_name("flows_drive.py"))])("run", "toy.yaml").out
    (home / "ui.json").unlink()  # `operated` waits for the next one's
    with operated(second, home) as ui:
        assert ui.state(run) == "Crashed", "noted by the run itself, by its heartbeat's automation, or by this start"
