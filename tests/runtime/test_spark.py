"""The Spark engine: the local engine's answers and bytes, its exceptions, and nothing left behind."""

import os
import shlex
import subprocess
import sys
import tempfile
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
import runtime_toys as toys
from hypothesis import HealthCheck, given, settings
from test_shuffle import inputs, listed, tables

from conf.engine import Engine
from tasks.runtime import preflight, shuffle, spark_launch, spark_tasks
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.run import Run
from tasks.runtime.spark import SparkEngine

with_java = pytest.mark.spark
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def engine():
    made = SparkEngine("local[2]")
    yield made
    made.close()


class TestWithJava:
    pytestmark = with_java

    def test_map_keeps_the_items_order_and_tells_of_each(self, engine):
        seen = []
        results = engine.map(toys.square, list(range(9)), lambda *news: seen.append(news))
        assert results == [{"square": x * x} for x in range(9)]
        assert [(done, total) for done, total, _ in seen] == [(done, 9) for done in range(1, 10)]
        assert sorted(part["square"] for *_, part in seen) == [x * x for x in range(9)]
        assert engine.map(toys.square, []) == []
        assert engine.workers == 2

    def test_exceptions_arrive_as_they_are(self, engine):
        with pytest.raises(Mistake, match=r"^item 1 is wrong; mend it\n") as caught:
            engine.map(toys.refuse, [0, 1, 2, 3])
        assert "runtime_toys.py" in caught.value.__notes__[0]  # the worker's traceback
        with pytest.raises(OSError, match="No space left") as full:
            engine.map(toys.fill, [0, 1])
        assert (full.value.errno, full.value.filename) == (28, "/full/disk")
        with pytest.raises(Failure, match=r"^Odd: 1 and 2$"):
            engine.map(toys.raise_odd, [0])
        with pytest.raises(Mistake, match="nothing to emit"):
            list(engine.shuffle(toys.emit_refused, toys.same, [1, 2]))
        with pytest.raises(Mistake, match="nothing to reduce"):
            list(engine.shuffle(toys.emit_random, toys.reduce_refused, [1, 2]))

    def test_a_worker_lost_once_is_made_up_for(self, engine, tmp_path):
        flag = str(tmp_path / "died")
        assert engine.map(toys.die, [(x, flag) for x in range(5)]) == list(range(5))
        assert (tmp_path / "died").exists()

    @pytest.mark.parametrize("of", ["artifact", "column"])
    def test_an_artifact_has_the_same_bytes_with_any_engine(self, engine, local, tmp_path, of):
        found = []
        for number, any_engine in enumerate([engine, *local.values()]):
            run = Run(tmp_path / str(number), any_engine)
            made = run(toys.numbers, "toy", shards=5, rows=1000)
            if of == "column":
                made = run(toys.halves, "toy", documents=made)
            found.append(toys.contents(made))
        assert len(found) == 4 and len(found[0]) > 6
        assert found[1:] == found[:1] * 3

    def test_a_mistake_in_a_stage_is_a_mistake_with_the_stages_name(self, engine, tmp_path):
        with pytest.raises(Mistake, match=r"^stage picky of toy: crawl/7.warc.gz, record 3 is wrong; mend it\n"):
            Run(tmp_path, engine)(toys.picky, "toy", items=[0, 1, 2])

    @settings(
        max_examples=2, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(inputs)
    def test_shuffle_gives_the_local_engines_rows(self, engine, local, lists):
        items = tables(lists)
        for reduce in (toys.same, toys.first_of_each):
            expected = listed(list(local[1].shuffle(toys.emit_table, reduce, items)))
            for size in (500, 10**9):
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(shuffle, "PARTITION", size)
                    assert listed(list(engine.shuffle(toys.emit_table, reduce, items))) == expected

    def test_callers_in_many_threads(self, engine):
        with ThreadPoolExecutor(3) as threads:
            maps = [threads.submit(engine.map, toys.square, list(range(n, n + 5))) for n in range(3)]
            shuffled = threads.submit(lambda: listed(list(engine.shuffle(toys.emit_random, toys.same, [1, 2, 3]))))
            assert [one.result() for one in maps] == [[{"square": x * x} for x in range(n, n + 5)] for n in range(3)]
        assert shuffled.result() == listed(list(engine.shuffle(toys.emit_random, toys.same, [3, 2, 1])))

    def test_three_lost_workers_over_one_item_fail_and_name_it(self, engine):
        with pytest.raises(Failure, match=r"died 3 times over \(2, None\);.*log: /\S+\.log") as caught:
            engine.map(toys.die, [(x, None) for x in range(4)])
        log = Path(str(caught.value).rpartition(" ")[2])
        assert "exited unexpectedly" in log.read_text()
        log.unlink()
        assert engine.map(toys.square, [3]) == [{"square": 9}]  # and the engine serves on

    def test_a_second_context_is_refused(self, engine):
        engine.map(toys.square, [1])
        with pytest.raises(Failure, match="has a Spark context already"):
            SparkEngine("local[1]").map(toys.square, [1])

    def test_executors_import_from_the_zip_and_die_with_a_killed_driver(self, start, until, alive, tmp_path):
        """A cluster of one executor in a process of its own; functions of __main__ go with the task."""
        # pyspark warns of pandas 3 where that is installed (`datasets` brings it along); what else is said is a fault.
        quiet = {"PYTHONWARNINGS": "ignore::FutureWarning"}
        driver = start(CLUSTER, TOY_FOLDER=str(tmp_path), TMPDIR=str(tmp_path), **quiet)
        until(lambda: (tmp_path / "linger").exists() or driver.poll() is not None)
        if driver.poll() is not None:
            pytest.fail(driver.communicate()[1])
        origin, jvm, worker = (tmp_path / "linger").read_text().split()
        assert "millrace.zip" in origin
        assert alive(int(jvm)) and alive(int(worker))
        driver.kill()
        until(lambda: not alive(int(jvm)) and not alive(int(worker)), seconds=60)
        assert driver.communicate() == ("", "")  # not a word of Spark's on the terminal

    def test_a_killed_jvm_is_a_failure_that_says_so(self, engine):
        engine.map(toys.square, [1])
        threading.Timer(1, engine._process.kill).start()
        with pytest.raises(Failure, match=r"Spark's JVM was lost \(status -9\); run again: .*log: /\S+\.log") as caught:
            engine.map(toys.process_number, list(range(200)))
        Path(str(caught.value).rpartition(" ")[2]).unlink()
        assert engine.map(toys.square, [3]) == [{"square": 9}]  # on a new one

    def test_close_stops_the_jvm(self, engine, alive):
        engine.map(toys.square, [1])
        jvm, scratch = engine._process.pid, engine._scratch
        assert alive(jvm) and scratch.exists()
        engine.close()
        assert not alive(jvm) and not scratch.exists()
        engine.close()  # and again is nothing

    def test_sparks_own_settings_count(self, engine, monkeypatch, tmp_path):
        """Of four places each stands over the one before; what we must set, over all."""
        engine.close()
        (tmp_path / "spark-defaults.conf").write_text(
            "spark.master local[1]\nspark.a.file file\nspark.a.submitted file\nspark.a.pipeline file\n"
            "spark.driver.memory 300m\nspark.ui.showConsoleProgress true\nspark.task.maxFailures 2\n"
        )
        monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
        monkeypatch.setenv(
            "PYSPARK_SUBMIT_ARGS",
            "--conf spark.a.submitted=submitted --conf spark.a.pipeline=submitted --driver-memory 400m pyspark-shell",
        )
        mine = SparkEngine(conf={"spark.a.pipeline": "pipeline", "spark.driver.memory": "500m"})
        try:
            assert mine.map(toys.square, [3, 4]) == [{"square": 9}, {"square": 16}]
            get = mine._context.getConf().get
            assert [get(f"spark.a.{name}") for name in ("file", "submitted", "pipeline")] == [
                "file",
                "submitted",
                "pipeline",
            ]
            assert (get("spark.master"), get("spark.driver.memory"), mine.workers) == ("local[1,2]", "500m", 1)
            heap = mine._context._jvm.java.lang.Runtime.getRuntime().maxMemory() / 2**20
            assert 450 < heap <= 500
            assert os.environ["PYSPARK_SUBMIT_ARGS"].startswith("--conf spark.a.submitted=")  # as it was
        finally:
            mine.close()


CLUSTER = """
import os
from pathlib import Path
from tasks.runtime.spark import SparkEngine

engine = SparkEngine("local-cluster[1,1,1024]")

def look(x):
    import tasks.kernels.cache
    import tasks.runtime.store
    return {"from": tasks.runtime.store.__file__}

def linger(news):
    import time
    (Path(news["folder"]) / "new").write_text(f"{news['from']} {news['jvm']} {os.getpid()}")
    (Path(news["folder"]) / "new").rename(Path(news["folder"]) / "linger")
    time.sleep(300)

if __name__ == "__main__":
    [seen] = engine.map(look, [1])
    engine.map(linger, [{**seen, "folder": os.environ["TOY_FOLDER"], "jvm": engine._process.pid}])
"""


def test_no_java_is_a_mistake_with_a_remedy(monkeypatch, tmp_path):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Mistake, match=r"no java is on the PATH: install Java 17 .*openjdk-17-jre-headless"):
        SparkEngine("local[2]")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(Mistake, match=r"JAVA_HOME is .*, which has no bin/java: install Java 17"):
        SparkEngine("local[2]")


def test_what_is_no_master_is_a_mistake():
    with pytest.raises(Mistake, match="'lokal' is no Spark master; say local"):
        SparkEngine("lokal")


def test_java_that_does_not_start_is_a_mistake(monkeypatch, tmp_path):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'Error: no room for the heap' >&2\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(Mistake, match=r"did not start with master 'local\[1\]': Error: no room for the heap"):
        SparkEngine("local[1]").map(toys.square, [1])
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "--conf 'spark.x=a b' --master local[2] pyspark-shell"),
        ("--master yarn pyspark-shell", "--master yarn --conf 'spark.x=a b' --master local[2] pyspark-shell"),
        ("--queue 'two words'", "--queue 'two words' --conf 'spark.x=a b' --master local[2] pyspark-shell"),
    ],
)
def test_submit_arguments_keep_what_was_given_and_ours_come_last(given, expected):
    made = spark_launch.submit_arguments("local[2]", {"spark.x": "a b"}, given)
    assert shlex.split(made) == shlex.split(expected)


@pytest.mark.parametrize("named", ["spark", {"spark": "local[3]"}, {"spark": {"master": "local[3]", "conf": {"spark.x": "1"}}}, {"spark": {}}])  # fmt: skip  # noqa: E501
def test_every_way_to_name_the_engine(named, monkeypatch):
    monkeypatch.setattr("tasks.runtime.spark.find_java", lambda: "java")
    spark = Engine.model_validate(named).spark
    made = SparkEngine(spark.master, spark.conf)
    settings = named["spark"] if isinstance(named, dict) else {}
    settings = {"master": settings} if isinstance(settings, str) else settings
    assert (made.master, made.conf) == (settings.get("master"), settings.get("conf", {}))


def test_the_local_engine_is_named_too():
    assert Engine.model_validate("local").spark is None


@pytest.mark.parametrize(
    ("master", "workers"),
    [("local", 1), ("local[3]", 3), ("local[4,2]", 4), ("spark://host:7077", None), ("local-cluster[1,1,512]", None)],
)
def test_workers_of_a_master(master, workers):
    assert spark_launch.local_workers(master) == workers


def test_the_zip_is_importable_and_complete(tmp_path):
    path = spark_launch.pack(tmp_path / "millrace.zip")
    names = set(zipfile.ZipFile(path).namelist())
    assert {f"{name}/__init__.py" for name in preflight.PACKAGES} <= names
    assert not any("__pycache__" in name for name in names)
    found = subprocess.run(
        [sys.executable, "-P", "-c", "import tasks.runtime.stage as s; print(s.__file__)"],
        env={"PYTHONPATH": str(path), "PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == f"{path}/tasks/runtime/stage.py", found.stderr


def test_long_tables_travel_in_pieces(monkeypatch):
    table = toys.emit_random(1)
    monkeypatch.setattr(spark_tasks, "PIECE", 1000)
    pieces = list(spark_tasks.streams(table))
    assert len(pieces) > 2
    assert pa.concat_tables(spark_tasks.table_of(piece) for piece in pieces).equals(table)
    assert [spark_tasks.table_of(piece).num_rows for piece in spark_tasks.streams(table.slice(0, 0))] == [0]
