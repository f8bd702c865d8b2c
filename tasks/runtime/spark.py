"""The engine's two verbs on PySpark: any master, `local[2]` as well as a cluster. Same bytes as the local engine.

Items, statistics and Arrow streams cross the JVM as opaque bytes; workers read and write shards themselves, so no text
does. What a shuffle moves are Arrow streams, one an (item, partition): every Arrow type passes, Spark needs no schema
before it has run `emit`, and order is Arrow's own, the local engine's. (mapInArrow would move the same columns as
rows; it asks for pandas and for a schema beforehand, and refuses unsigned and fixed-size binary types.)

An exception in a task is carried to the driver and raised there as it is; Spark's own retry is for lost workers only.
On a cluster, memory and queues are spark-defaults.conf's business, and the store is a folder that every worker has.
"""

import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.runtime.engine import ATTEMPTS, PARTITIONS, Progress, sort_in_full
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.spark_tasks import News, emit_item, map_items, reduce_partition, table_of

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("conf", "flows", "model", "tasks")
POLL = 0.05  # seconds between two looks at what has been finished
# Our JVM only moves bytes: a start, a map and a shuffle cost 6 s of CPU so, and 10 s with the optimising compiler.
LIGHT = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
JAVA = "install Java 17 or later (Debian: apt install openjdk-17-jre-headless), or set `engine: local`"


class SparkEngine:
    """PySpark on `master`; the JVM starts at the first `map` or `shuffle` and ends with `close` or this process.

    Raises:
        Mistake: no Spark master looks so, or there is no Java (at once); Spark does not start (at the first call).
    """

    def __init__(self, master: str):
        self.master = master
        self.workers = local_workers(master) or 1  # of a cluster: known when it has answered
        self._context: Any = None
        self._process: Any = None  # the JVM, where we started it
        self._scratch: Path | None = None
        if not re.match(r"local(\[.*\])?$|local-cluster\[|spark://|yarn$|k8s://", master):
            raise Mistake(f"{master!r} is no Spark master; say local[4], spark://host:7077, yarn or k8s://https://host")
        find_java()

    def map(self, function: Callable[[Any], Any], items: list[Any], progress: Progress | None = None) -> list[Any]:
        """Results in the items' order; a task an item.

        Raises:
            Failure: a worker died three times over the same item, or Spark itself gave up.
            whatever `function` raises.
        """
        if not items:
            return []
        context = self._open()
        news = context.accumulator([], News())
        tasks = context.parallelize(list(enumerate(items)), len(items))
        return self._collect(
            tasks.mapPartitions(partial(map_items, function=function, news=news)), news, items, progress
        )

    def shuffle(
        self, emit: Callable[[Any], pa.Table], reduce: Callable[[pa.Table], pa.Table], items: list[Any]
    ) -> pa.Table:
        """Rows that share an int64 `key` (the first column) meet in one `reduce` call, sorted by all columns."""
        context = self._open()
        partitions = max(PARTITIONS, 4 * context.defaultParallelism)
        news = context.accumulator([], News())
        emitted = context.parallelize(list(enumerate(items)), max(1, len(items))).mapPartitions(
            partial(emit_item, emit=emit, partitions=partitions, news=news)
        )
        reduced = emitted.partitionBy(partitions, int).mapPartitions(
            partial(reduce_partition, reduce=reduce, news=news)
        )
        return sort_in_full(pa.concat_tables(table_of(piece) for piece in self._collect(reduced, news)))

    def close(self) -> None:
        """Stop the context, its executors and the JVM."""
        if self._scratch is None:
            return
        from py4j.protocol import Py4JError
        from pyspark import SparkContext

        if self._context is not None:
            for _ in range(2):  # of a dead JVM's context the first call raises, and the second clears up
                with suppress(Py4JError, OSError):
                    self._context.stop()
            self._context = None
        if self._process is not None:
            gateway, SparkContext._gateway, SparkContext._jvm = SparkContext._gateway, None, None
            if gateway is not None:
                with suppress(Py4JError, OSError):
                    gateway.shutdown()
            self._process.stdin.close()
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch = None

    def _collect(
        self, tasks: Any, news: Any, items: list[Any] | None = None, progress: Progress | None = None
    ) -> list[Any]:
        """Run the job in a thread of its own; in this one, tell of progress, and stop at the first exception."""
        from py4j.protocol import Py4JError

        context, group = self._context, f"millrace-{news.aid}"
        outcome: dict[str, Any] = {}

        def work() -> None:
            try:
                context.setJobGroup(group, "millrace", interruptOnCancel=True)
                outcome["rows"] = tasks.collect()
            except Exception as error:  # noqa: BLE001 - raised again below, in the caller's thread
                outcome["error"] = error

        thread = threading.Thread(target=work, name=group, daemon=True)
        thread.start()
        told, alive = 0, True
        try:
            while alive:
                thread.join(POLL)
                alive = thread.is_alive()
                for result, error in news.value[told:]:
                    if error is not None:
                        raise pickle.loads(error)
                    told += 1
                    if progress and items is not None:
                        progress(told, len(items), result)
        except BaseException:
            if alive:
                with suppress(Py4JError, OSError):
                    context.cancelJobGroup(group)
                thread.join(10)
            raise
        finally:
            news.value.clear()
        if "error" in outcome:
            raise self._failure(outcome["error"], items) from outcome["error"]
        return outcome["rows"]

    def _failure(self, error: Exception, items: list[Any] | None) -> Exception:
        """A sentence for what Spark says in two pages; those stay in its log."""
        from py4j.protocol import Py4JError, Py4JJavaError
        from pyspark.errors import PySparkException

        if not isinstance(error, Py4JError | PySparkException | OSError | EOFError):
            return error
        where = ""
        if self._process is not None and self._scratch is not None:
            where = f"; Spark's log: {shutil.copy(self._scratch / 'spark.log', f'{self._scratch}.log')}"
        text = str(getattr(error, "java_exception", None) or error)
        lost = re.search(r"Task (\d+) in stage \S+ failed (\d+) times", text)
        if lost and ("exited unexpectedly" in text or "ExecutorLostFailure" in text):
            what = f"{items[int(lost[1])]!r:.300}" if items is not None else f"part {lost[1]} of a shuffle"
            return Failure(
                f"a worker died {lost[2]} times over {what}; if it was killed for memory (dmesg says so), "
                f"give executors more, or run with fewer workers{where}"
            )
        if self._process is not None and not isinstance(error, Py4JJavaError):  # the line is dead; the JVM, too?
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            status = self._process.returncode
            self.close()
            return Failure(f"Spark's JVM was lost (status {status}); run again: finished work is kept{where}")
        return Failure(f"Spark gave up: {_gist(text)}{where}")

    def _open(self) -> Any:
        if self._context is not None:
            return self._context
        from py4j.protocol import Py4JError
        from pyspark import SparkConf, SparkContext
        from pyspark.errors import PySparkException
        from pyspark.java_gateway import launch_gateway

        if SparkContext._active_spark_context is not None:
            raise Failure("this process has a Spark context already; stop it (context.stop()) before Millrace's own")
        self._scratch = Path(tempfile.mkdtemp(prefix="millrace-spark-"))
        settings = conf(self.master, self._scratch)
        before = list(sys.path)
        handler = signal.getsignal(signal.SIGINT)
        log = self._scratch / "spark.log"
        try:
            gateway = SparkContext._gateway
            if gateway is None:
                with log.open("wb") as file:
                    # A session of its own: Ctrl-C and a signal to our process group are ours to pass on.
                    streams = {"stdout": file, "stderr": file, "start_new_session": True}
                    gateway = launch_gateway(SparkConf(False).setAll(settings), popen_kwargs=streams)
                self._process = gateway.proc  # type: ignore[attr-defined]
            configured = SparkConf(False, _jvm=gateway.jvm).setAll(settings)
            self._context = SparkContext(conf=configured, gateway=gateway)
            if local_workers(self.master) or "PYSPARK_PYTHON" not in os.environ:
                self._context.pythonExec = sys.executable  # a cluster may have its Python elsewhere
            if not local_workers(self.master):
                self._context.addPyFile(str(pack(self._scratch / "millrace.zip")))
        except (Py4JError, PySparkException, OSError) as error:
            said = _gist(str(getattr(error, "java_exception", None) or error), log)
            self.close()
            raise Mistake(f"Spark did not start with master {self.master!r}: {said}; Spark 4 needs Java 17+") from error
        finally:
            sys.path[:] = before  # the context puts its zip before our own modules
            if handler is not None and threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, handler)  # its handler speaks to the JVM from inside a signal
        self.workers = local_workers(self.master) or self._context.defaultParallelism
        return self._context


def find_java() -> str:
    """The java that Spark's launcher will use.

    Raises:
        Mistake: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(Path(home) / "bin" / "java" if home else "java")
    if found is None:
        where = f"JAVA_HOME is {home}, which has no bin/java" if home else "no java is on the PATH"
        raise Mistake(f"the Spark engine needs Java, and {where}: {JAVA}")
    return found


def local_workers(master: str) -> int | None:
    """Threads of a `local` master; None for a cluster."""
    found = re.fullmatch(r"local(\[(\d+|\*)(,\d+)?\])?", master.replace(" ", ""))
    if not found:
        return None
    return len(os.sched_getaffinity(0)) if found[2] == "*" else int(found[2] or 1)


def conf(master: str, scratch: Path) -> list[tuple[str, str]]:
    """Spark's settings for a master: only what must differ from its defaults."""
    settings = {
        "spark.app.name": "millrace",
        "spark.master": master,
        "spark.ui.enabled": "false",
        "spark.task.maxFailures": str(ATTEMPTS),
    }
    if master.startswith("local"):
        settings |= {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.memory": "4g",  # a limit, not a reservation
            "spark.driver.maxResultSize": "2g",
            "spark.local.dir": str(scratch),
            "spark.driver.extraJavaOptions": LIGHT,
            "spark.executor.extraJavaOptions": LIGHT,
        }
    threads = local_workers(master)
    if threads:
        # Plain local[n] never retries. Its workers are children of this machine and import what this process can.
        settings["spark.master"] = master if "," in master else f"local[{threads},{ATTEMPTS}]"
        path = [str(Path(entry).resolve()) for entry in sys.path if Path(entry).exists()]
        settings["spark.executorEnv.PYTHONPATH"] = os.pathsep.join(dict.fromkeys(path))
    return sorted(settings.items())


def pack(path: Path) -> Path:
    """The project's packages as a zip, which executors import from."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in PACKAGES:
            for file in sorted((ROOT / package).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    archive.write(file, file.relative_to(ROOT).as_posix())
    return path


def _gist(text: str, log: Path | None = None) -> str:
    """The line that says what went wrong: of a Python traceback the last, else the first, else an error of the log."""
    if log is not None and "JAVA_GATEWAY_EXITED" in text:
        text = log.read_text(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    python = [line for line in lines if re.match(r"(?!org\.|java)[\w.]*(Error|Exception): ", line)]
    java = [line for line in lines if re.search(r"Exception|Error", line)]
    return (python[-1:] or java[:1] or lines[:1] or ["it does not say why"])[0][:300]
