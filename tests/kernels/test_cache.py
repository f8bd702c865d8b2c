"""The compiled kernels' folder follows all sources, and several processes and a zip may use it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tasks.kernels import cache

ROOT = Path(__file__).parents[2]
USE = "import numpy as np; from tasks.kernels import words; print(words.mix(np.uint64(1)), words.__file__)"


def test_fingerprint_follows_every_file():
    modules = {"a.py": b"1", "b.py": b"2"}
    others = ({"a.py": b"1", "b.py": b"3"}, {"a.py": b"1", "c.py": b"2"}, {"a.py": b"1"}, {"a.py": b"12", "b.py": b""})
    assert len({cache.fingerprint(m) for m in (modules, *others)}) == 5
    names = set(cache.sources("tasks.kernels"))
    assert names == {path.name for path in (ROOT / "tasks/kernels").glob("*.py")} >= {"words.py", "tables.py"}


def test_folder_is_set_even_when_numba_came_first():
    command = "import numba; import tasks.kernels; print(numba.config.CACHE_DIR)"
    answer = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert Path(answer.stdout.strip()).name == f"numba-{cache.fingerprint(cache.sources('tasks.kernels'))}"


def test_the_first_use_says_once_that_it_compiles(tmp_path):
    said = []
    for _ in range(2):
        environment = {**os.environ, "MILLRACE_CACHE": str(tmp_path)}
        command = [sys.executable, "-c", "import tasks.kernels"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        said.append(done.stderr)
    mark = cache.fingerprint(cache.sources("tasks.kernels"))
    assert said[0].startswith("compiling kernels, once") and f"{tmp_path}/numba-{mark}" in said[0]
    assert said[1] == ""


@pytest.mark.slow
def test_processes_compile_at_once_from_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "millrace.zip", "w") as archive:
        archive.writestr("tasks/__init__.py", "")
        for name, content in cache.sources("tasks.kernels").items():
            archive.writestr(f"tasks/kernels/{name}", content)
    zipped = {**os.environ, "MILLRACE_CACHE": str(tmp_path), "PYTHONPATH": str(tmp_path / "millrace.zip")}
    started = [
        subprocess.Popen([sys.executable, "-c", USE], cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True)
        for env in (zipped, zipped)
    ]
    answers = [process.communicate()[0].split() for process in started]
    assert [process.returncode for process in started] == [0] * 2
    assert len({answer[0] for answer in answers}) == 1
    mark = cache.fingerprint(cache.sources("tasks.kernels"))
    assert Path(answers[0][1]) == Path(answers[1][1]) == tmp_path / f"kernels-{mark}" / "words.py"
    assert list((tmp_path / f"numba-{mark}").rglob("*.nbi"))
    assert not list((tmp_path / f"kernels-{mark}").glob("tmp*"))
