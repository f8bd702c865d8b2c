"""Subprocesses that run toys, and engines that tests share."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lossy import Lossy

from tasks.runtime import object_client
from tasks.runtime.engine import LocalEngine
from tasks.runtime.object_store import ObjectStore
from tasks.runtime.store import CacheSettings, open_store

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}", **more}


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """start(code, *arguments, VARIABLE=...) -> a Python process, killed at the test's end if it is still there."""
    processes = []

    def go(code: str, *arguments: object, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            env=environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield go
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """until(condition): wait for it, a minute at most."""

    def wait(condition: Callable[[], object], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.01)

    return wait


def lives(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture(scope="session")
def alive() -> Callable[[int], bool]:
    return lives


@pytest.fixture(scope="session")
def local() -> Iterator[dict[int, LocalEngine]]:
    """Local engines of 1, 2 and 3 workers, whose pools tests share."""
    engines = {workers: LocalEngine(workers) for workers in (1, 2, 3)}
    yield engines
    for engine in engines.values():
        engine.close()


@pytest.fixture
def lossy(s3, monkeypatch) -> Iterator[Lossy]:
    """A proxy before the service; the environment names it. obstore does not retry."""
    proxy = Lossy(os.environ["AWS_ENDPOINT_URL"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    monkeypatch.setattr(object_client, "RETRIES", 0)
    object_client.client.cache_clear()
    yield proxy
    proxy.close()
    object_client.client.cache_clear()


@pytest.fixture
def store(s3, tmp_path) -> ObjectStore:
    """On s3, with a cache of its own of 1 MB."""
    return open_store(f"{s3}/{tmp_path.name}", CacheSettings(tmp_path / "cache", 1_000_000))
