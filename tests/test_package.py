"""Millrace as a wheel: all files of its rooms are in it and no others, and it works where there is no clone.

Built without isolation and installed without its dependencies, which are those of the environment that runs the tests:
no network is needed. One test, marked long, installs the dependencies too.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import time
import urllib.request
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("conf", "flows", "model", "tasks")
PURELIB = sysconfig.get_path("purelib")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sdist and wheel, built from a copy: what setuptools leaves in build/ would enter the next wheel."""
    clone = tmp_path_factory.mktemp("build") / "clone"
    left = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info")
    for name in (*ROOMS, "tests", "bench", "docs"):
        shutil.copytree(ROOT / name, clone / name, ignore=left)
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "prefect.yaml"):
        shutil.copy(ROOT / name, clone / name, follow_symlinks=False)
    (clone / "store").mkdir()
    (clone / "store" / "secret.yaml").write_text("a: store that lies in the clone\n")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(clone / "dist"), str(clone)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return clone / "dist"


class Installed:
    """The wheel in an environment of its own, and a folder where nothing of ours lies, from which it is called."""

    def __init__(self, environment: Path, folder: Path):
        self.python = environment / "bin" / "python"
        self.millrace = environment / "bin" / "millrace"
        (self.packages,) = environment.glob("lib/python*/site-packages")
        self.folder = folder
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PREFECT_", "PYTHON", "MILLRACE_HOME", "XDG_STATE_HOME"))
        }
        self.environment = {**inherited, "XDG_STATE_HOME": str(folder / "state"), "PYTHONDONTWRITEBYTECODE": "1"}

    def __call__(self, *command: object) -> str:
        done = subprocess.run(
            list(map(str, command)), cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def files(self) -> dict[Path, int]:
        """What lies in site-packages, with its time."""
        return {path: path.stat().st_mtime_ns for path in self.packages.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def environment(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{PURELIB}\n")  # the .pth files in there, ours among them, are not read
    (wheel,) = distributions.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    return folder


@pytest.fixture
def installed(environment: Path, tmp_path: Path) -> Installed:
    return Installed(environment, tmp_path)


def test_the_wheel_holds_every_file_of_the_rooms_and_no_other(distributions: Path) -> None:
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}
    ours = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert shipped == ours
    assert shipped >= {
        "conf/demo.yaml",
        "flows/prefect.yaml",
        "tasks/report/html/page.html.j2",
        "tasks/report/html/page.css",
    }


def test_the_sdist_has_what_the_wheel_is_built_from_and_no_tests(distributions: Path) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        shipped = {name.partition("/")[2] for name in archive.getnames() if not name.endswith(".egg-info")}
    assert {"pyproject.toml", "README.md", "conf/demo.yaml", "flows/prefect.yaml"} <= shipped
    assert {name.partition("/")[0] for name in shipped} & {"tests", "bench", "store", "prefect.yaml"} == set()


@pytest.mark.parametrize("name", ["demo", "conf/demo.yaml"])
def test_it_finds_its_pipelines_anywhere_and_writes_nothing(installed: Installed, name: str) -> None:
    before = installed.files()
    assert "plan" in installed(installed.millrace, "--help")
    assert re.search(r"^0 of \d+ stages cached", installed(installed.millrace, "plan", name), re.MULTILINE)
    assert re.search(r"^0 done, 0 partial, \d+ to do", installed(installed.millrace, "status", name), re.MULTILINE)
    assert list(installed.folder.iterdir()) == []
    assert installed.files() == before


def pipeline(folder: Path, more: str = "") -> None:
    """mine.yaml and its 200 documents."""
    documents = [json.dumps({"text": f"{n} of many texts, each with its number {n * n}"}) for n in range(200)]
    (folder / "a.jsonl").write_text("\n".join(documents))
    (folder / "mine.yaml").write_text(
        "sources:\n  a: {kind: jsonl, files: a.jsonl}\ntokenizer: {vocabulary: 300}\n" + more
    )


def test_it_runs_a_pipeline_up_to_its_page(installed: Installed) -> None:
    before = installed.files()
    pipeline(installed.folder)
    assert "stages built, 0 cached" in installed(installed.millrace, "run", "mine.yaml")
    page = (installed.folder / "store/reports/mine.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and "<style>" in page
    assert installed.files() == before


def wait_for(happened: Callable[[], object], seconds: float) -> None:
    limit = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.2)


@pytest.mark.long
def test_its_dependencies_are_all_declared(distributions: Path, tmp_path: Path) -> None:
    """`pip install` of the wheel with its dependencies (2.5 GB, torch's), and a run up to a trained model."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    probe = [*pip, "download", "--no-deps", "--no-cache-dir", "--dest", str(tmp_path), "iniconfig"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no package registry can be reached")
    (wheel,) = distributions.glob("*.whl")
    try:
        venv.create(tmp_path / "environment", with_pip=False)
        installed = Installed(tmp_path / "environment", tmp_path)
        subprocess.run([*pip, "--python", str(installed.python), "install", str(wheel)], check=True)
        before = installed.files()
        pipeline(tmp_path, "models: {small: {preset: demo, tokens: 4096, context: 64, threads: 1}}\n")
        told = installed(installed.millrace, "run", "mine.yaml", "--record")
        assert "stages built, 0 cached" in told and "pretrain" in told
        assert installed.files() == before
    finally:
        shutil.rmtree(tmp_path / "environment")  # pytest keeps the folders of three runs


@pytest.mark.xdist_group("prefect")
def test_its_deployments_run_in_the_folder_of_the_ui(installed: Installed) -> None:
    """`millrace ui`, and build-corpus/demo as the packaged prefect.yaml has it, with conf=conf/demo.yaml."""
    before = installed.files()
    code = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
    port = installed(installed.python, "-c", code).strip()
    log = installed.folder / "ui.log"
    with log.open("w") as file:
        command = [str(installed.millrace), "ui", "--port", port]
        ui = subprocess.Popen(command, cwd=installed.folder, env=installed.environment, stdout=file, stderr=file)
    try:
        state = installed.folder / "state" / "millrace"
        wait_for(lambda: (state / "ui.json").exists() or ui.poll() is not None, 120)
        assert ui.poll() is None, log.read_text()
        api = json.loads((state / "ui.json").read_bytes())["url"]
        deployments = ask(api, "deployments/filter")
        (demo,) = (one for one in deployments if one["entrypoint"] == "flows.build_corpus.build_corpus")
        assert demo["parameters"] == {"conf": "conf/demo.yaml"}
        ask(api, f"deployments/{demo['id']}/create_flow_run")
        wait_for(lambda: list(installed.folder.glob("store/*/*")), 120)
    finally:
        ui.send_signal(signal.SIGTERM)
        ui.wait(60)
    assert ui.returncode == 143, log.read_text()
    assert installed.files() == before


def ask(api: str, path: str) -> Any:
    """POST to Prefect's API."""
    request = urllib.request.Request(f"{api}/{path}", b"{}", {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())
