"""Disks that are full, read-only, or in the way, for real: a sentence each, and finished shards stay."""

import subprocess
from pathlib import Path

import pytest
import runtime_toys as toys
from test_store import DRIVE, folder_of

from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.run import Run
from tasks.runtime.store import open_store, store_at


@pytest.mark.parametrize("below", ["", "store"])
def test_a_file_in_the_stores_way_is_a_mistake(tmp_path, below):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Mistake, match=r"cannot be written .*give `store:` a folder"):
        open_store(str(tmp_path / "file" / below))


def test_open_store_makes_folders_and_leaves_nothing(tmp_path):
    root = Path(open_store(str(tmp_path / "a" / "b")).url)
    assert root.is_dir() and not [path for path in root.rglob("*") if path.is_file()]


@pytest.fixture
def disk(tmp_path):
    """A file system of 1 MiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a tmpfs needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_a_failure_that_keeps_finished_shards(disk, tmp_path):
    with pytest.raises(Failure, match=r"^stage numbers of toy: .*the disk is full; make room") as caught:
        toys.build_numbers(disk, 2, 12, 20_000)  # 150 KB a shard
    assert not isinstance(caught.value, OSError)
    folder = folder_of(disk)
    finished = {path.stem for path in folder.glob("?????.parquet")}
    assert 2 <= len(finished) < 8
    assert not (folder / "manifest.json").exists()

    subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
    before = toys.made(folder)
    artifact = toys.build_numbers(disk, 2, 12, 20_000)
    assert finished.isdisjoint(toys.made(folder)[len(before) :])
    other = toys.build_numbers(tmp_path / "other", 1, 12, 20_000)
    assert toys.contents(artifact) == toys.contents(other)


def test_a_file_past_its_allowed_size_is_a_failure(start, tmp_path):
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); " + DRIVE
    process = start(limited, tmp_path, 1, 3, 20_000)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.startswith("Failure: stage numbers of toy: ") and "ulimit -f" in said and said.count("\n") == 1
    assert not list((tmp_path / ".scratch").iterdir())


def test_a_read_only_store_is_a_failure_with_a_sentence(disk):
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(Failure, match="the file system is read-only"):
        Run(store_at(str(disk)), LocalEngine(1))(toys.numbers, "toy", shards=1, rows=10)
    with pytest.raises(Mistake, match="Read-only file system"):
        open_store(str(disk / "store"))
    assert list(disk.iterdir()) == []
