"""`millrace ui` with its records in PostgreSQL: a real one, started for the test and ended after it."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Cli
from operated import operated

from flows.server import free_port

PASSWORD, QUOTED = "hunter/2 of the tests", "hunter%2F2%20of%20the%20tests"
pytestmark = [
    pytest.mark.long,
    pytest.mark.served,
    pytest.mark.slow,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.skipif(not (shutil.which("initdb") and shutil.which("pg_ctl")), reason="there is no PostgreSQL here"),
]


class Postgres:
    """A PostgreSQL on loopback, that wants a password; it does not run as root."""

    def __init__(self, folder: Path):
        self.folder, self.data, self.port = folder, folder / "data", free_port()
        self.user: list[str] = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            self.user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        word = folder / "word"
        word.write_text(PASSWORD)
        word.chmod(0o644)
        self("initdb", "-D", self.data, "-U", "miller", "-A", "scram-sha-256", f"--pwfile={word}", "-E", "UTF8")

    def __call__(self, *command: object) -> None:
        arguments = [*self.user, *map(str, command)]
        with (self.folder / "said").open("ab") as said:
            done = subprocess.run(arguments, stdout=said, stderr=said, cwd=self.folder, timeout=120)
        assert done.returncode == 0, (self.folder / "said").read_text()

    def control(self, verb: str) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        extra = [] if verb == "stop" else ["-o", options, "-l", self.folder / "log"]
        mode = [] if verb == "start" else ["-m", "fast"]
        self("pg_ctl", verb, "-w", *mode, "-D", self.data, *extra)

    def ask(self, query: str) -> Any:
        import asyncpg

        async def fetch() -> Any:
            connection = await asyncpg.connect(
                host="127.0.0.1", port=self.port, user="miller", password=PASSWORD, database="postgres"
            )
            try:
                return await connection.fetchval(query)
            finally:
                await connection.close()

        return asyncio.run(fetch())

    @property
    def url(self) -> str:
        return f"postgresql://miller:{QUOTED}@127.0.0.1:{self.port}/postgres"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="millrace-postgres-"))
    try:
        made = Postgres(folder)
        made.control("start")
        yield made
        made.control("stop")
    finally:
        shutil.rmtree(folder)


def test_records_in_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    """By one setting; over a restart of the database; for `--record`, too; the password shows nowhere."""
    home = tmp_path / "home"
    folder = tmp_path / "ui"
    folder.mkdir()
    with operated(folder, home, MILLRACE_DATABASE=postgres.url) as ui:
        ui.prefect("deploy", "--all", "--prefect-file", "toy-deployment.yaml")
        toy = ui.deployment("crawl-to-model", "toy")
        ui.ends(ui.start(toy), "Completed")
        ended = "select count(*) from flow_run where state_type = 'COMPLETED' and parent_task_run_id is null"
        assert postgres.ask(ended) == 1
        assert not (home / "prefect/prefect.db").exists()
        ours = ui.processes(f"MILLRACE_HOME={home}")
        assert len(ours) >= 3 and not any("hunter" in line for line in ours.values())
        postgres.control("restart")
        ui.ends(ui.start(toy), "Completed")
        assert ui.process.poll() is None
        whole = "select count(*) from flow_run where parent_task_run_id is null"
        before = postgres.ask(whole)
    drive = Cli(folder, home, [str(Path(__file__).with_name("flows_drive.py"))])
    answer = drive("run", "toy.yaml", "--record", MILLRACE_DATABASE=postgres.url)
    assert answer.status == 0, answer
    assert postgres.ask(whole) == before + 1
    for path in (*home.glob("*.log*"), folder / "told.txt", home / "server.log"):
        assert "hunter" not in path.read_text(), path


def test_a_database_that_is_not_there_is_told_with_the_server_s_last_words(tmp_path: Path) -> None:
    cli = Cli(tmp_path, tmp_path / "home", ["-m", "flows.cli"])
    answer = cli("ui", "--port", free_port(), MILLRACE_DATABASE=f"postgresql://miller:{QUOTED}@127.0.0.1:9/none")
    assert answer.status == 1
    assert "Prefect's server" in answer.err and "Connect call failed ('127.0.0.1', 9)" in answer.err
    assert "hunter" not in answer.out + answer.err + (tmp_path / "home/server.log").read_text()
    assert cli.left_behind() == []
    refused = cli("ui", "--database", "postgresql://miller:hunter2@host/name")
    assert refused.status == 2 and "set MILLRACE_DATABASE to the URL instead" in refused.err
