"""The store: files appear whole, leases follow their holders, seals find damage, and disks are full for real."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
import runtime_toys as toys

from tasks.runtime import store
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.stage import Silent

DRIVE = "import runtime_toys; runtime_toys.drive()"


class Listener(Silent):
    """Keeps what a run says; `on_log` is called with each line."""

    def __init__(self, on_log=lambda text: None):
        self.lines, self.cached, self.on_log = [], [], on_log

    def log(self, text):
        self.lines.append(text)
        self.on_log(text)

    def finished(self, artifact, cached, seconds):
        self.cached.append(cached)


def folder_of(root: Path) -> Path:
    [folder] = [path for path in (root / "numbers").iterdir() if path.is_dir()]
    return folder


# --- publish ---


def test_publish_shows_nothing_before_its_end(tmp_path):
    path = tmp_path / "weights.npz"
    with store.publish(path) as file:
        file.write(b"half")
        file.flush()
        assert not path.exists()
        file.write(b" and half")
    assert path.read_bytes() == b"half and half"
    assert list(tmp_path.iterdir()) == [path]


def test_publish_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "weights.npz"
    path.write_bytes(b"before")
    with pytest.raises(ZeroDivisionError), store.publish(path) as file:
        file.write(b"after")
        _ = 1 / 0
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_publish_that_is_killed_leaves_what_was_there(start, tmp_path):
    path = tmp_path / "weights.npz"
    path.write_bytes(b"before")
    process = start(
        "import os, sys; from pathlib import Path; from tasks.runtime.store import publish\n"
        "with publish(Path(sys.argv[1])) as file:\n"
        "    file.write(b'after'); file.flush(); os.kill(os.getpid(), 9)",
        path,
    )
    assert process.wait(60) == -signal.SIGKILL
    assert path.read_bytes() == b"before"
    assert [left.suffix for left in tmp_path.iterdir() if left != path] == [".tmp"]  # hidden; the next build sweeps it


def test_two_writers_of_one_file_do_not_mix(tmp_path):
    """A worker that was given up for lost may still be writing what its replacement writes."""
    path = tmp_path / "00000.parquet"
    with store.publish(path) as lost:
        lost.write(b"same ")
        with store.publish(path) as replacement:
            replacement.write(b"same bytes")
        assert path.read_bytes() == b"same bytes"
        lost.write(b"bytes")
    assert path.read_bytes() == b"same bytes"


# --- lease ---


def test_a_second_run_waits_and_finds_it_built(start, until, tmp_path):
    first = start(DRIVE, tmp_path, 2, 4, 100, TOY_PAUSE="0.3")
    until(lambda: list(tmp_path.glob("numbers/*/run.made")))
    ear = Listener()
    artifact = toys.build_numbers(tmp_path, 1, 4, 100, reporter=ear)
    assert ear.lines == [f"another run is writing {artifact.folder}; waiting for it"]
    assert ear.cached == [True]
    assert sorted(toys.made(artifact.folder)) == [f"{n:05d}" for n in range(4)]
    assert first.wait(60) == 0


def test_a_killed_runs_lease_is_taken_over(start, until, tmp_path):
    first = start(DRIVE, tmp_path, 2, 4, 100, TOY_PAUSE="60")
    until(lambda: list(tmp_path.glob("numbers/*/run.made")))
    ear = Listener(on_log=lambda text: first.kill())  # while we wait for it
    begin = time.monotonic()
    artifact = toys.build_numbers(tmp_path, 1, 4, 100, reporter=ear)
    assert len(ear.lines) == 1 and ear.cached == [False]
    assert time.monotonic() - begin < 30
    assert store.damage(artifact) == []


# --- seal and damage ---


def test_damage_finds_missing_altered_and_extra_files(tmp_path):
    artifact = toys.build_numbers(tmp_path, 1, 3, 100)
    assert store.damage(artifact) == []
    listed = {row["file"]: row for row in artifact.files()}
    assert sorted(listed) == [
        "00000.parquet",
        "00000.rejects.parquet",
        "00001.parquet",
        "00001.rejects.parquet",
        "00002.parquet",
        "00002.rejects.parquet",
        "notes.txt",
    ]
    assert (listed["00001.parquet"]["rows"], listed["00001.rejects.parquet"]["rows"]) == (100, 1)
    assert listed["notes.txt"]["rows"] is None and listed["notes.txt"]["bytes"] == len("made once\n")
    assert [shard.key for shard in artifact.shards()] == ["00000", "00001", "00002"]

    folder = artifact.folder
    (folder / "00000.parquet").unlink()
    path = folder / "00001.parquet"
    path.write_bytes(path.read_bytes()[:50] + b"\x00\x01" + path.read_bytes()[52:])
    with (folder / "notes.txt").open("ab") as file:
        file.write(b"!")
    (folder / "sub").mkdir()
    (folder / "sub" / "stranger").touch()
    for outside in ("run.later.json", ".scratch"):  # beside the checksums
        (folder / outside).touch()
    assert store.damage(artifact) == [
        f"{folder}/00000.parquet is missing",
        f"{folder}/00001.parquet has another checksum than its manifest says",
        f"{folder}/notes.txt has 11 bytes, its manifest says 10",
        f"{folder}/sub/stranger is not in its manifest",
    ]
    (folder / "files.parquet").unlink()
    [said] = store.damage(artifact)
    assert said.startswith(f"{folder}/files.parquet cannot be read")


def test_what_is_not_built_says_so(tmp_path):
    artifact = store.Artifact("numbers", "toy", "0" * 16, tmp_path / "nowhere")
    assert not artifact.built
    with pytest.raises(Failure, match=r"is not built: .*millrace run"):
        _ = artifact.statistics


# --- disks ---


@pytest.mark.parametrize("below", ["", "store"])
def test_a_file_in_the_stores_way_is_a_mistake(tmp_path, below):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Mistake, match=r"cannot be written .*give `store:` a folder"):
        store.open_store(tmp_path / "file" / below)


def test_open_store_makes_folders_and_leaves_nothing(tmp_path):
    root = store.open_store(tmp_path / "a" / "b")
    assert root.is_dir() and not list(root.iterdir())


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
    assert toys.contents(artifact.folder) == toys.contents(other.folder)


def test_a_file_past_its_allowed_size_is_a_failure(start, tmp_path):
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); " + DRIVE
    process = start(limited, tmp_path, 1, 3, 20_000)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.startswith("Failure: stage numbers of toy: ") and "ulimit -f" in said and said.count("\n") == 1
    assert not list(folder_of(tmp_path).glob(".*.tmp"))


def test_a_read_only_store_is_a_failure_with_a_sentence(disk):
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(Failure, match="the file system is read-only"):
        toys.build_numbers(disk, 1, 1, 10)
    with pytest.raises(Mistake, match="Read-only file system"):
        store.open_store(disk / "store")
    assert list(disk.iterdir()) == []
