"""SIGKILL at random moments: whatever was killed, the run that ends has the same bytes and leaves nothing."""

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import fault_toys as toys
import pytest
from nursery import Nursery

from tasks.runtime.damage import damage
from tasks.runtime.store import open_store

SEED = int(os.environ.get("MILLRACE_FAULT_SEED", "20261125"))
MEMORY = Path("/dev/shm")
SLOW = 60.0  # seconds in which a whole run of the demo's sample ends on a busy machine, or is killed


@pytest.fixture
def folder() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="kills-", dir=MEMORY if MEMORY.is_dir() else None))
    yield root
    shutil.rmtree(root)


def left(store: Path) -> list[Path]:
    return [path for name in (".scratch", ".lease", ".work") for path in (store / name).rglob("*") if path.is_file()]


@pytest.mark.parametrize("kills", [pytest.param(20, id="20"), pytest.param(1000, id="1000", marks=pytest.mark.long)])
def test_a_small_pipeline_killed_at_random_moments_in_a_folder(folder: Path, kills: int) -> None:
    expected = toys.whole(toys.build(str(folder / "whole")).store)
    draw, turn, killed = random.Random(SEED), 0, 0
    with Nursery("fault_toys") as nursery:
        begin = time.monotonic()
        assert nursery.kill_after(60, str(folder / "first")) == "done"
        length = time.monotonic() - begin
        while killed < kills:
            place = str(folder / str(turn))
            word = nursery.kill_after(draw.uniform(0, length), place)
            killed += word == "killed"
            assert word != "failed"
            if word == "done" or draw.random() < 0.2:
                run = toys.build(place)
                assert toys.whole(run.store) == expected
                assert not any(found.sentences for found in damage(run.artifacts).values())
                assert left(Path(place)) == []
                shutil.rmtree(place)
                turn += 1


@pytest.mark.parametrize("kills", [pytest.param(8, id="8"), pytest.param(200, id="200", marks=pytest.mark.long)])
def test_a_small_pipeline_killed_at_random_moments_on_a_store_of_objects(s3: str, folder: Path, kills: int) -> None:
    expected = toys.whole(toys.build(str(folder / "whole")).store)
    draw, turn, killed = random.Random(SEED), 0, 0
    with Nursery("fault_toys") as nursery:
        begin = time.monotonic()
        assert nursery.kill_after(60, f"{s3}/{folder.name}-first") == "done"
        length = time.monotonic() - begin
        while killed < kills:
            place = f"{s3}/{folder.name}-{turn}"
            word = nursery.kill_after(draw.uniform(0, length), place)
            killed += word == "killed"
            assert word != "failed"
            if word == "done" or draw.random() < 0.2:
                assert nursery.kill_after(60, place) == "done"
                store = open_store(place)
                assert toys.whole(store) == expected
                assert not any(found.sentences for found in damage(toys.build(store).artifacts).values())
                turn += 1


@pytest.mark.long
def test_the_demos_stages_killed_200_times(tmp_path: Path) -> None:
    """By one worker, in one process, so that a kill lands in a stage and not in a worker's start; every eighth moment
    is late enough for the longest stage to end."""
    draw, turn, killed, rounds = random.Random(SEED), 0, 0, 0
    with Nursery("demo_drive") as nursery:
        assert nursery.kill_after(600, str(tmp_path / "whole")) == "done"
        expected = toys.whole(open_store(str(tmp_path / "whole" / "store")))
        while killed < 200 or not rounds:
            late = (killed + turn) % 8 == 7
            word = nursery.kill_after(draw.uniform(0, SLOW) if late else draw.uniform(0, 2), str(tmp_path / str(turn)))
            killed += word == "killed"
            assert word != "failed"
            if word == "done":
                store = open_store(str(tmp_path / str(turn) / "store"))
                assert toys.whole(store) == expected
                assert left(tmp_path / str(turn) / "store") == []
                shutil.rmtree(tmp_path / str(turn))
                turn, rounds = turn + 1, rounds + 1
