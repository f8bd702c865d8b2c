"""Spark's standalone cluster of a master and two workers on loopback: kills, checks, and what executors get of us."""

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import runtime_toys as toys
from test_shuffle import listed

from tasks.runtime import shuffle, spark
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.runtime.spark import SparkEngine

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.long]
HERE = Path(__file__).parent


class Cluster:
    """A master and workers of one core each, as processes of this test."""

    def __init__(self, folder: Path):
        from pyspark.find_spark_home import _find_spark_home

        self.folder, self.home = folder, Path(_find_spark_home())
        self.processes: list[subprocess.Popen] = []
        self.url = ""
        self.url = self._start("master.Master", ["--port", "0"], r"Starting Spark master at (spark://\S+)")[1]
        self.workers = [self.worker() for _ in range(2)]

    def worker(self) -> subprocess.Popen:
        arguments = ["-c", "1", "-m", "1g", "-d", str(self.folder / "work"), self.url]
        return self._start("worker.Worker", arguments, r"(Successfully registered)")[0]

    def _start(self, name: str, arguments: list[str], pattern: str) -> tuple[subprocess.Popen, str]:
        log = self.folder / f"{len(self.processes)}.log"
        variables = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1"}
        variables |= {"PYTHONPATH": str(HERE), "SPARK_LOCAL_DIRS": str(self.folder)}
        command = [self.home / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", "--host", "127.0.0.1"]
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*command, "--webui-port", "0", *arguments], stdout=file, stderr=file, env={**os.environ, **variables}
            )
        self.processes.append(process)
        end = time.monotonic() + 60
        while not (found := re.search(pattern, log.read_text())):
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        return process, found[1]

    def engine(self, **conf: str) -> SparkEngine:
        here = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        return SparkEngine(self.url, {"spark.executor.memory": "512m", **here, **conf})

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


def executors(engine: SparkEngine) -> set[int]:
    return {jvm for _, jvm in engine.map(toys.executor, list(range(8)))}


def test_a_cluster_does_the_work_and_loses_an_executor_and_a_worker(cluster, local, tmp_path, monkeypatch, alive):
    """One engine's life: the kernels come compiled, the rows are the local engine's, kills cost no answer."""
    monkeypatch.setenv("TOY_FOLDER", str(tmp_path))
    (tmp_path / "token").write_text("this store")
    cache = tmp_path / "executors-cache"
    engine = cluster.engine(**{
        "spark.executorEnv.TOY_FOLDER": str(tmp_path), "spark.executorEnv.MILLRACE_CACHE": str(cache)
    })  # fmt: skip
    monkeypatch.setattr(shuffle, "PARTITION", 2000)
    expected = listed(list(local[1].shuffle(toys.emit_random, toys.first_of_each, list(range(6)))))
    try:
        engine.preflight(toys.sight)
        assert engine.map(toys.square, list(range(7))) == [{"square": x * x} for x in range(7)]
        assert engine.workers == 2
        [(place, hits, misses)] = engine.map(toys.compiled, [1])
        assert place.startswith(str(cache)) and hits and not misses  # from the zip, and compiled by us
        assert listed(list(engine.shuffle(toys.emit_random, toys.first_of_each, list(range(6))))) == expected

        both = executors(engine)
        assert len(both) == 2
        killer = threading.Timer(0.7, os.kill, (min(both), signal.SIGKILL))
        killer.start()
        assert len(engine.map(toys.executor, list(range(12)))) == 12  # 1.2 s on two
        assert not alive(min(both))
        assert listed(list(engine.shuffle(toys.emit_random, toys.first_of_each, list(range(6))))) == expected

        killer = threading.Timer(0.5, cluster.workers[0].kill)
        killer.start()
        assert [x["square"] for x in engine.map(toys.square, list(range(5)))] == [x * x for x in range(5)]
        killer.join()
        cluster.workers[0].wait()
        assert listed(list(engine.shuffle(toys.emit_random, toys.first_of_each, list(range(6))))) == expected
    finally:
        engine.close()
        cluster.workers[0] = cluster.worker()


DRIVER = """
import os, sys
from pathlib import Path
import runtime_toys as toys
from test_spark_cluster import Run, SparkEngine
if __name__ == "__main__":
    conf = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.executor.memory": "512m",
            "spark.executorEnv.TOY_PAUSE": "0.5"}
    Run(Path(sys.argv[2]), SparkEngine(sys.argv[1], conf))(toys.numbers, "toy", shards=9, rows=1000)
"""


def test_a_killed_driver_and_a_fresh_run_that_goes_on(cluster, tmp_path, start, until):
    alone = Run(tmp_path / "alone", LocalEngine(1))(toys.numbers, "toy", shards=9, rows=1000)
    driver = start(DRIVER, cluster.url, tmp_path / "store")
    finished = lambda: list((tmp_path / "store").glob("numbers/*/?????.parquet"))  # noqa: E731
    until(lambda: len(finished()) >= 3 or driver.poll() is not None, seconds=180)
    driver.kill()
    assert driver.wait() == -signal.SIGKILL
    before = len(finished())
    assert 3 <= before < 9
    engine = cluster.engine()
    try:
        made = Run(tmp_path / "store", engine)(toys.numbers, "toy", shards=9, rows=1000)
    finally:
        engine.close()
    assert toys.contents(made) == toys.contents(alone)


def test_an_executor_that_differs_is_a_mistake_with_a_remedy(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_FOLDER", str(tmp_path))
    (tmp_path / "token").write_text("this store")
    other = tmp_path / "other"
    other.mkdir()
    engine = cluster.engine(**{"spark.executorEnv.TOY_FOLDER": str(other)})
    host = re.escape(socket.gethostname())
    try:
        engine.preflight(toys.sight)
        with pytest.raises(
            Mistake, match=rf"executor on {host} does not see the store \(FileNotFoundError: .*mounted at the same path"
        ):
            engine.map(toys.square, [1])
        (other / "token").write_text("another store")
        with pytest.raises(Mistake, match=r"\(token is 'another store' there and 'this store' here\): every executor"):
            engine.map(toys.square, [1])
        versions = spark.surroundings()
        monkeypatch.setattr(spark, "surroundings", lambda: {**versions, "numpy": "0.1"})
        engine.preflight(toys.sight)
        with pytest.raises(Mistake, match=rf"executor on {host} has numpy {versions['numpy']}, and the driver 0\.1:"):
            list(engine.shuffle(toys.emit_random, toys.same, [1]))
    finally:
        engine.close()


def test_executors_of_a_local_cluster_share_the_work(local):
    engine = SparkEngine("local-cluster[2,1,1024]", {"spark.executorEnv.PYTHONPATH": str(HERE)})
    try:
        assert len(executors(engine)) == 2
        found = listed(list(engine.shuffle(toys.emit_random, toys.same, [1, 2, 3])))
    finally:
        engine.close()
    assert found == listed(list(local[1].shuffle(toys.emit_random, toys.same, [1, 2, 3])))
