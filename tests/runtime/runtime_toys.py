"""Toy stages and shard functions, in a module of their own so that worker processes can import them.

The environment, never a parameter, says how slow a toy is: it must not enter the fingerprint. `run.made` in the
artifact's folder (outside of its checksums) gets a line for each shard that is really made.
"""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.runtime import shuffle
from tasks.runtime.artifact import FILES, MANIFEST, Artifact, Shard, counted
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.job import Job
from tasks.runtime.local_store import LocalStore
from tasks.runtime.run import Run
from tasks.runtime.shards import Output, read
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.runtime.store import Store, open_store


@statistics
class Numbers:
    documents: int = 0
    parity: tuple[int, int] = (0, 0)


@statistics
class Rows:
    rows: int = 0


@stage("numbers", kind="input", version="1")
def numbers(job: Job, *, shards: int, rows: int) -> Numbers:
    counts = job.total(numbers_shard, [(f"{n:05d}", n) for n in range(shards)], rows=rows)
    with job.publish("notes.txt") as file:
        file.write(b"made once\n")
    job.timing["noise"] = time.time()
    return counts


def numbers_shard(out: Output, number: int, *, rows: int) -> Numbers:
    if isinstance(out.artifact.store, LocalStore):
        folder = out.artifact.folder
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "run.made").open("a") as file:
            file.write(f"{out.key} {os.getpid()}\n")
    time.sleep(float(os.environ.get("TOY_PAUSE", "0")))
    values = np.random.default_rng(number).integers(0, 2**60, rows)
    out.write(pa.table({"value": values[: rows // 2]}))
    out.write(pa.table({"value": values[rows // 2 :]}))
    with out.open("rejects.parquet") as file:
        pq.write_table(pa.table({"reason": ["odd"] * (number % 2)}), file)
    return Numbers(rows, (number % 2, 1 - number % 2))


@stage("halves", kind="measure", version="1")
def halves(job: Job, *, documents: Artifact) -> Rows:
    return job.total(halves_shard, [(shard.key, shard) for shard in documents.shards()])


def halves_shard(out: Output, shard: Shard) -> Rows:
    out.of(shard)
    out.write(pa.table({"half": pc.divide(read(shard, ["value"])["value"], 2)}))
    return Rows(shard.rows)


@stage("picky", kind="measure", version="1")
def picky(job: Job, *, items: list[int]) -> Rows:
    return job.total(picky_shard, [(f"{n:05d}", n) for n in items])


def picky_shard(out: Output, number: int) -> Rows:
    if number == 1:
        raise Mistake("crawl/7.warc.gz, record 3 is wrong; mend it")
    out.write(pa.table({"value": [number]}))
    return Rows(1)


def made(folder: Path) -> list[str]:
    """Keys in the order in which they were made, again and again if so."""
    path = folder / "run.made"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def contents(artifact: Artifact) -> dict[str, bytes]:
    """The bytes that must not depend on how they came to be: counted files, the listing, the manifest."""
    return whole(artifact.store, artifact.label)


def whole(store: Store, prefix: str = "") -> dict[str, bytes]:
    """The same of everything below a name."""
    names = [entry.name for entry in store.list(prefix)]
    return {name: store.read(name) for name in names if counted(name) or name.endswith((f"/{MANIFEST}", f"/{FILES}"))}


def build_numbers(root: Path | str, workers: int, shards: int, rows: int, **other: object) -> Artifact:
    engine = LocalEngine(workers)
    try:
        return Run(open_store(str(root)), engine, **other)(numbers, "toy", shards=shards, rows=rows)  # type: ignore[arg-type]
    finally:
        engine.close()


def drive() -> None:
    """`python -c 'import runtime_toys; runtime_toys.drive()' ROOT WORKERS SHARDS ROWS`: a run to be killed."""
    try:
        build_numbers(sys.argv[1], *(int(word) for word in sys.argv[2:]))
    except Failure as failure:
        sys.exit(f"Failure: {failure}")


# --- functions for the engines ------------------------------------------------------------------------------------


def square(x: int) -> dict:
    return {"square": x * x}


def process_number(x: int) -> int:
    time.sleep(0.1)
    return os.getpid()


def linger(x: int) -> int:
    """Tell the process's number in a file, then stay."""
    (Path(os.environ["TOY_FOLDER"]) / f"pid-{os.getpid()}").touch()
    time.sleep(300)
    return x


def refuse(x: int) -> dict:
    if x == 1:
        raise Mistake("item 1 is wrong; mend it")
    return {}


def fill(x: int) -> dict:
    raise OSError(28, "No space left on device", "/full/disk")


class Odd(Exception):
    """Can be pickled, can not be read again."""

    def __init__(self, one: int, two: int):
        super().__init__(f"{one} and {two}")


def raise_odd(x: int) -> dict:
    raise Odd(1, 2)


def die(task: tuple[int, str | None]) -> int:
    """Kill the worker over item 2: always, or only if the flag's file is not there yet."""
    number, flag = task
    if number == 2 and not (flag and Path(flag).exists()):
        if flag:
            Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.3)  # an innocent neighbour is running whenever the worker dies
    return number


def span(task: tuple[object, int]) -> tuple[object, int, float, float]:
    """The item, and from when to when it was at work (CLOCK_MONOTONIC is one for all processes)."""
    start = time.monotonic()
    time.sleep(0.1)
    return (*task, start, time.monotonic())


def wait_if_first(task: tuple[int, str]) -> int:
    """The first item waits for the gate's file to go; the others are short."""
    number, gate = task
    time.sleep(0.05)
    while number == 0 and Path(gate).exists():
        time.sleep(0.01)
    return number


def die_by_name(task: tuple[str, None]) -> None:
    time.sleep(0.1)
    if task[0] == "guilty":
        os.kill(os.getpid(), signal.SIGKILL)


def in_company(task: tuple[str, int]) -> int:
    """A neighbour: its file says that it is at work."""
    mark = Path(task[0]) / f"at-work-{os.getpid()}"
    mark.touch()
    time.sleep(0.3)
    mark.unlink()
    return task[1]


def die_in_company(folder: str) -> str:
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        if any(Path(folder).glob("at-work-*")):
            with (Path(folder) / "died").open("a") as file:
                file.write("x")
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.02)
    return "alone"


def refuse_or_write(task: tuple[int, str]) -> None:
    """Item 1 is refused when the other one is writing; that goes on for ever."""
    number, folder = task
    if number == 1:
        while not any(Path(folder).iterdir()):
            time.sleep(0.01)
        refuse(1)
    for name in range(3000):
        (Path(folder) / f"{name:05}").touch()
        time.sleep(0.01)


class Unreadable:
    """Can be pickled and not read again."""

    def __reduce__(self):
        return (refuse_to_read, ())


def refuse_to_read():
    raise ValueError("this cannot be read")


def give_unreadable(x: int) -> Unreadable:
    return Unreadable()


def executor(x: int) -> tuple[int, int]:
    """A Spark worker's process and its executor's JVM: the parent of the daemon that forked it."""
    time.sleep(0.2)
    parent = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[1]
    return os.getpid(), int(parent)


def compiled(x: int) -> tuple[str, int, int]:
    """Where the kernels were imported from, and how many functions came compiled and had to be."""
    from tasks.kernels import minhash, words

    functions = [minhash._signatures, words.mix] if hasattr(minhash, "_signatures") else [words.mix]
    stats = [function.stats for function in functions]
    return words.__file__, sum(len(s.cache_hits) for s in stats), sum(len(s.cache_misses) for s in stats)


def sight() -> dict:
    """A probe: what stands in the store's token."""
    return {"token": (Path(os.environ["TOY_FOLDER"]) / "token").read_text()}


def emit_table(table: pa.Table) -> pa.Table:
    return table


def emit_random(number: int) -> pa.Table:
    draw = np.random.default_rng(number)
    return pa.table({"key": draw.integers(-20, 20, 200), "value": draw.integers(0, 5, 200)})


def emit_and_die(number: int) -> pa.Table:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("not reached")


def emit_and_die_once(number: int) -> pa.Table:
    """Item 2's first attempt dies when the spill has been begun."""
    flag = Path(os.environ["TOY_FOLDER"]) / "died"
    if number == 2 and not flag.exists():
        flag.touch()

        def torn(table: pa.Table, scratch: Path) -> str:
            (scratch / "left.arrow").write_bytes(b"torn")
            os.kill(os.getpid(), signal.SIGKILL)
            return ""

        shuffle._write = torn
    return emit_random(number)


def emit_text(number: int) -> pa.Table:
    return pa.table({"key": [number], "name": ["of any length"]})


def emit_keyless(number: int) -> pa.Table:
    return pa.table({"number": [number]})


def emit_refused(number: int) -> pa.Table:
    raise Mistake("nothing to emit; give more")


def same(table: pa.Table) -> pa.Table:
    return table


def first_of_each(table: pa.Table) -> pa.Table:
    """The first row of each key: right only if all rows of the key are here, in order."""
    keys = table["key"].to_numpy()
    return table.filter(pa.array(np.append(True, keys[1:] != keys[:-1])[: len(keys)]))


def reduce_refused(table: pa.Table) -> pa.Table:
    raise Mistake("nothing to reduce; give more")
