"""The engine's two verbs on PySpark: any master, `local[2]` as well as a cluster. Same rows as the local engine.

Items, statistics and Arrow streams cross the JVM as opaque bytes; workers read and write shards themselves, so no text
does. What a shuffle moves are Arrow streams: every fixed-width Arrow type passes, Spark needs no schema before it has
run `emit`, and order is the shuffle's own. (mapInArrow would move the same columns as rows; it asks for pandas and for
a schema beforehand, and refuses unsigned and fixed-size binary types.) The emitted rows stay with the executors, in
memory or on their disks, until it is known how many bytes and so how many partitions there are; then they are cut and
moved. The driver sees counts, and the reduced tables one after another.

An exception in a task is carried to the driver and raised there as it is; Spark's own retry is for lost workers only.
"""

import pickle
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.runtime import spark_launch
from tasks.runtime.engine import Progress
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.preflight import Check, surroundings
from tasks.runtime.shuffle import partitions_for
from tasks.runtime.spark_launch import check_master, find_java, local_workers
from tasks.runtime.spark_tasks import (
    News,
    cut_pieces,
    emit_items,
    map_items,
    reduce_partition,
    rest,
    table_of,
    telling,
)

POLL = 0.05  # seconds between two looks at what has been finished
WAVES = 8  # tasks a core of one map at most: the last wave idles a sixteenth of the time on average


def group_bounds(items: int, most: int) -> list[tuple[int, int]]:
    """Contiguous groups of items, half-open, as equal as can be and at most `most` of them."""
    count = min(items, max(1, most))
    return [(items * number // count, items * (number + 1) // count) for number in range(count)]


class SparkEngine:
    """PySpark; the JVM starts at the first `map` or `shuffle` and ends with `close` or this process.

    `master` and `conf` stand over Spark's own settings (spark_launch.py); without a master Spark's own counts, else
    `local[*]`.

    Raises:
        Mistake: no Spark master looks so, or there is no Java (at once); Spark does not start, or an executor differs
            from this process (at the first call).
    """

    def __init__(self, master: str | None = None, conf: dict[str, str] | None = None):
        self.master, self.conf = master, dict(conf or {})
        self.workers = local_workers(master or "") or 1  # of a cluster: known when it has answered
        self._lock = threading.RLock()  # over starting and stopping
        self._context: Any = None
        self._process: Any = None  # the JVM, where we started it
        self._scratch: Path | None = None
        self._closed = False
        self._check: Check | None = None
        if master is not None:
            check_master(master)
        find_java()

    def map(self, function: Callable[[Any], Any], items: list[Any], progress: Progress | None = None) -> list[Any]:
        """As `Engine.map`; a task is tried again as often as spark.task.maxFailures says."""
        if not items:
            return []
        context, news = self._open()
        tasks = self._grouped(context, items).mapPartitions(self._task(partial(map_items, function=function), news))
        results: list[Any] = self._run(tasks.collect, news, items, progress)[0]
        return results

    def shuffle(
        self, emit: Callable[[Any], pa.Table], reduce: Callable[[pa.Table], pa.Table], items: list[Any]
    ) -> Iterator[pa.Table]:
        """As `Engine.shuffle`. What is emitted and reduced waits with the executors (MEMORY_AND_DISK)."""
        if not items:
            return
        from pyspark import StorageLevel

        context, news = self._open()
        emitted = self._grouped(context, items).mapPartitions(self._task(partial(emit_items, emit=emit), news))
        emitted.persist(StorageLevel.MEMORY_AND_DISK)
        reduced: Any = None
        try:
            # The JVM's own count: what is kept does not come back through Python. The news is one for all jobs: what
            # was lost with an executor is made again by a later one, and may fail there.
            _, sizes = self._run(emitted._jrdd.count, news, items)
            count = partitions_for(sum(dict(sizes).values()))  # by item: one that ran twice is told twice
            if count == 1:
                parts = emitted.coalesce(1)
            else:
                cut = self._task(partial(cut_pieces, count=count), news)
                tasks = emitted.coalesce(max(count, context.defaultParallelism)).mapPartitions(cut)
                parts = tasks.partitionBy(count, int).values()
            reduced = parts.mapPartitions(self._task(partial(reduce_partition, reduce=reduce), news))
            if count == 1:  # little was emitted: what is made of it may come at once, and a job is saved
                for piece in self._run(reduced.collect, news)[0]:
                    yield table_of(piece)
                return
            reduced.persist(StorageLevel.MEMORY_AND_DISK)
            self._run(reduced._jrdd.count, news)
            pieces = reduced.toLocalIterator()
            while (piece := self._next(pieces, news)) is not None:
                yield table_of(piece)
        finally:
            for kept in (emitted, reduced):
                if kept is not None and self._context is context:
                    with suppress(Exception):  # of a dead JVM there is nothing to free
                        kept.unpersist()

    def preflight(self, probe: Callable[[], dict[str, Any]]) -> None:
        """As `Engine.preflight`: the checks run when Spark starts, and in each worker before its first task."""
        self._check = Check(probe, surroundings(), probe(), uuid.uuid4().hex)

    def close(self) -> None:
        """Stop the context, its executors and the JVM; a call still going on in another thread gets a Failure."""
        self._closed = True
        with self._lock:
            if self._scratch is not None:
                self._stop()

    def _stop(self) -> None:
        assert self._scratch is not None
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

    def _next(self, pieces: Iterator[bytes], news: Any) -> bytes | None:
        try:
            piece = next(pieces, None)
        except Exception as error:
            raise self._failure(error, None) from error
        for _, told in news.value:
            if told is not None:
                raise pickle.loads(told)
        return piece

    def _grouped(self, context: Any, items: list[Any]) -> Any:
        """The items with their numbers, in their order, a group a task.

        A task costs 36 ms beside its work (measured, docs/lab-notes.md), and a decision on a shard less than that: so
        there are no more tasks than WAVES a core. Finished shards are kept, so a task tried again repeats one item.
        """
        numbered = list(enumerate(items))
        bounds = group_bounds(len(items), WAVES * context.defaultParallelism)
        groups = [numbered[start:end] for start, end in bounds]
        return context.parallelize(groups, len(groups))

    def _task(self, work: Callable[..., Iterator[Any]], news: Any) -> Callable[[Iterator[Any]], Iterator[Any]]:
        return partial(telling, work=work, news=news, check=self._check)

    def _run(
        self, job: Callable[[], Any], news: Any, items: list[Any] | None = None, progress: Progress | None = None
    ) -> tuple[Any, list[Any]]:
        """What the job gives, and all that its tasks told.

        The job runs in a thread of its own; this one tells of progress, and stops at the first exception.
        """
        from py4j.protocol import Py4JError

        context, group = self._context, f"millrace-{news.aid}"
        outcome: dict[str, Any] = {}

        def work() -> None:
            try:
                context.setJobGroup(group, "millrace", interruptOnCancel=True)
                context.setLocalProperty("spark.scheduler.pool", group)  # callers share by turns
                outcome["rows"] = job()
            except Exception as error:  # noqa: BLE001 - raised again below, in the caller's thread
                outcome["error"] = error

        thread = threading.Thread(target=work, name=group, daemon=True)
        thread.start()
        heard: list[Any] = []
        alive = True
        try:
            while alive:
                thread.join(POLL)
                alive = thread.is_alive()
                for result, error in news.value[len(heard) :]:
                    if error is not None:
                        raise pickle.loads(error)
                    heard.append(result)
                    if progress and items is not None:
                        progress(min(len(heard), len(items)), len(items), result)
        except BaseException:
            if alive:
                with suppress(Py4JError, OSError):
                    context.cancelJobGroup(group)
                thread.join(10)
            raise
        if "error" in outcome:
            raise self._failure(outcome["error"], items) from outcome["error"]
        return outcome["rows"], heard

    def _suspects(self, items: list[Any], task: int) -> str:
        parallelism = self._context.defaultParallelism if self._context is not None else len(items)
        start, end = group_bounds(len(items), WAVES * parallelism)[task]
        return f"{items[start]!r:.300}" + (f" or one of the {end - start - 1} after it" if end - start > 1 else "")

    def _failure(self, error: Exception, items: list[Any] | None) -> Exception:
        """A sentence for what Spark says in two pages; those stay in its log."""
        from py4j.protocol import Py4JError, Py4JJavaError
        from pyspark.errors import PySparkException

        if not isinstance(error, Py4JError | PySparkException | OSError | EOFError):
            return error
        if self._closed:  # our own doing, and no story for a log that outlives us
            return Failure("the engine was closed while a stage was at work")
        where = ""
        if self._process is not None and self._scratch is not None:
            where = f"; Spark's log: {shutil.copy(self._scratch / 'spark.log', f'{self._scratch}.log')}"
        text = str(getattr(error, "java_exception", None) or error)
        lost = re.search(r"Task (\d+) in stage \S+ failed (\d+) times", text)
        if lost and ("exited unexpectedly" in text or "ExecutorLostFailure" in text):
            what = self._suspects(items, int(lost[1])) if items is not None else f"part {lost[1]} of a shuffle"
            return Failure(
                f"a worker died {lost[2]} times over {what}; if it was killed for memory (dmesg says so), "
                f"give executors more, or run with fewer workers{where}"
            )
        missing = re.search(r"ModuleNotFoundError: No module named '([\w.]+)'", text)
        if "PYTHON_VERSION_MISMATCH" in text or missing:
            what = f"lacks the module {missing[1]}" if missing else "is of another version than the driver's"
            return Mistake(
                f"the executors' Python {what}: give both the same environment "
                f"(spark.pyspark.python, PYSPARK_PYTHON or one image){where}"
            )
        if not isinstance(error, Py4JJavaError):  # the line is dead; the JVM, too?
            with self._lock:
                status = "unknown"
                if self._process is not None:
                    with suppress(subprocess.TimeoutExpired):
                        self._process.wait(5)
                    status = self._process.returncode
                self.close()
            return Failure(f"Spark's JVM was lost (status {status}); run again: finished work is kept{where}")
        return Failure(f"Spark gave up: {_gist(text)}{where}")

    def _open(self) -> tuple[Any, Any]:
        """The context, started if need be, and an accumulator of news."""
        with self._lock:
            if self._context is None:
                self._start()
            context: Any = self._context
            return context, context.accumulator([], News())  # its number is counted without a lock

    def _preflight(self, context: Any) -> None:
        """A task for each slot, which are held until every executor has its own."""
        news = context.accumulator([], News())
        slots = context.defaultParallelism
        tasks = context.parallelize(range(slots), slots).mapPartitions(self._task(rest, news))
        try:
            self._run(tasks.collect, news)
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        from py4j.protocol import Py4JError
        from pyspark import SparkConf, SparkContext
        from pyspark.errors import PySparkException

        if SparkContext._active_spark_context is not None:
            raise Failure("this process has a Spark context already; stop it (context.stop()) before Millrace's own")
        self._closed = False
        self._scratch = Path(tempfile.mkdtemp(prefix="millrace-spark-"))
        before = list(sys.path)
        handler = signal.getsignal(signal.SIGINT)
        log = self._scratch / "spark.log"
        packed = compiling = None
        try:
            if not local_workers(self.master or "local"):
                packed = spark_launch.pack(self._scratch / "millrace.zip")
                compiling = spark_launch.add_compiled(packed, log)
            gateway = SparkContext._gateway
            if gateway is None:
                gateway = spark_launch.launch(self.master, self.conf, log)
                self._process = gateway.proc  # none where spark-submit has started us
            settings = SparkConf(_jvm=gateway.jvm)
            spark_launch.settle(settings, self.master, self.conf, self._scratch)
            context = self._context = SparkContext(conf=settings, gateway=gateway)
            context.pythonExec = spark_launch.python(settings)
            threads = local_workers(settings.get("spark.master") or "")
            if not threads:
                packed = packed or spark_launch.pack(self._scratch / "millrace.zip")
                compiling = compiling or spark_launch.add_compiled(packed, log)
                compiling.wait()
                context.addPyFile(str(packed))
        except (Py4JError, PySparkException, OSError) as error:
            said = _gist(str(getattr(error, "java_exception", None) or error), log)
            self.close()
            of = f"master {self.master!r}" if self.master else "its own settings"
            raise Mistake(f"Spark did not start with {of}: {said}; Spark 4 needs Java 17+") from error
        finally:
            if compiling is not None and compiling.poll() is None:
                compiling.kill()
                compiling.wait()
            sys.path[:] = before  # the context puts its zip before our own modules
            if handler is not None and threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, handler)  # its handler speaks to the JVM from inside a signal
        self.workers = threads or context.defaultParallelism
        if self._check and not threads:
            self._preflight(context)


def _gist(text: str, log: Path | None = None) -> str:
    """The line that says what went wrong: of a Python traceback the last, else the first, else an error of the log."""
    if log is not None and "JAVA_GATEWAY_EXITED" in text:
        text = log.read_text(encoding="utf-8", errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    python = [line for line in lines if re.match(r"(?!org\.|java)[\w.]*(Error|Exception): ", line)]
    java = [line for line in lines if re.search(r"Exception|Error", line)]
    return (python[-1:] or java[:1] or lines[:1] or ["it does not say why"])[0][:300]
