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

from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.shards import Output, add, read
from tasks.runtime.stage import Artifact, Job, Run, Shard, stage


@stage("numbers", version="1")
def numbers(job: Job, *, shards: int, rows: int) -> dict:
    parts = job.map(numbers_shard, [(f"{n:05d}", n) for n in range(shards)], rows=rows)
    with job.publish("notes.txt") as file:
        file.write(b"made once\n")
    job.timing["noise"] = time.time()
    return add(parts)


def numbers_shard(out: Output, number: int, *, rows: int) -> dict:
    with (out.folder / "run.made").open("a") as file:
        file.write(f"{out.key} {os.getpid()}\n")
    time.sleep(float(os.environ.get("TOY_PAUSE", "0")))
    values = np.random.default_rng(number).integers(0, 2**60, rows)
    out.write(pa.table({"value": values[: rows // 2]}))
    out.write(pa.table({"value": values[rows // 2 :]}))
    with out.open("rejects.parquet") as file:
        pq.write_table(pa.table({"reason": ["odd"] * (number % 2)}), file)
    return {"documents": rows, "by": {"parity": [number % 2, 1 - number % 2]}}


@stage("halves", version="1")
def halves(job: Job, *, documents: Artifact) -> dict:
    return add(job.map(halves_shard, [(shard.key, shard) for shard in documents.shards()]))


def halves_shard(out: Output, shard: Shard) -> dict:
    out.of(shard)
    out.write(pa.table({"half": pc.divide(read(shard)["value"], 2)}))
    return {"rows": shard.rows}


@stage("picky", version="1")
def picky(job: Job, *, items: list[int]) -> dict:
    return add(job.map(picky_shard, [(f"{n:05d}", n) for n in items]))


def picky_shard(out: Output, number: int) -> dict:
    if number == 1:
        raise Mistake("crawl/7.warc.gz, record 3 is wrong; mend it")
    out.write(pa.table({"value": [number]}))
    return {}


def made(folder: Path) -> list[str]:
    """Keys in the order in which they were made, again and again if so."""
    path = folder / "run.made"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes that must not depend on how they came to be."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("run.")
    }


def build_numbers(root: Path, workers: int, shards: int, rows: int, **other: object) -> Artifact:
    engine = LocalEngine(workers)
    try:
        return Run(root, engine, **other)(numbers, "toy", shards=shards, rows=rows)  # type: ignore[arg-type]
    finally:
        engine.close()


def drive() -> None:
    """`python -c 'import runtime_toys; runtime_toys.drive()' ROOT WORKERS SHARDS ROWS`: a run to be killed."""
    try:
        build_numbers(Path(sys.argv[1]), *(int(word) for word in sys.argv[2:]))
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


def emit_table(table: pa.Table) -> pa.Table:
    return table


def emit_random(number: int) -> pa.Table:
    draw = np.random.default_rng(number)
    return pa.table({"key": draw.integers(-20, 20, 200), "value": draw.integers(0, 5, 200)})


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
