"""Scratch folders and locks by themselves: who holds one, what a sweep takes, what it leaves."""

import hashlib
import io
import os
import time
from pathlib import Path

import pytest

from tasks.runtime import local_store, scratch
from tasks.runtime.local_store import file_sha256, sha256_of


def test_an_attempts_folder_is_empty_and_its_own_and_goes_with_its_lock(tmp_path: Path) -> None:
    top = tmp_path / "deep" / "top"
    with scratch.attempt(top) as first, scratch.attempt(top) as second:
        assert first != second and first.parent == second.parent == top
        assert not list(first.iterdir()) and sorted(path.suffix for path in top.iterdir()) == ["", "", ".lock", ".lock"]
        (first / "sub").mkdir()
        (first / "sub" / "x").touch()
    assert top.is_dir() and not list(top.iterdir())
    with pytest.raises(ZeroDivisionError), scratch.attempt(top):
        raise ZeroDivisionError
    assert not list(top.iterdir())


def test_a_sweep_takes_what_nobody_holds_and_leaves_what_somebody_does(tmp_path: Path) -> None:
    scratch.sweep(tmp_path / "none")  # nothing to sweep is nothing
    with scratch.attempt(tmp_path) as held:
        (held / "x").touch()
        for name in ("dead", "nobodys"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "x").touch()
        (tmp_path / "dead.lock").touch()
        (tmp_path / "alone.lock").touch()
        scratch.sweep(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {held.name, f"{held.name}.lock"}
        assert (held / "x").exists()


def test_a_lock_is_held_once_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    lock = scratch.locked(path)
    assert lock is not None and scratch.locked(path) is None
    os.close(lock)
    again = scratch.locked(path, wait=True)
    assert again is not None
    path.unlink()  # who holds a lock that is no more holds nothing that others see
    other = scratch.locked(path)
    assert other is not None
    os.close(again)
    os.close(other)


@pytest.mark.parametrize("piece", [1, 3, 1 << 20])
def test_a_checksum_of_a_range_is_that_of_its_bytes(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(local_store, "PIECE", piece)
    data = bytes(range(10))
    for low, high in ((0, None), (3, None), (0, 4), (2, 9), (5, 5), (8, 20)):
        assert sha256_of(io.BytesIO(data), low, high) == hashlib.sha256(data[low:high]).hexdigest()


def test_a_files_checksum_is_remembered_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read = tmp_path / "x", []
    real = local_store.sha256_of
    monkeypatch.setattr(local_store, "sha256_of", lambda file: read.append(1) or real(file))
    path.write_bytes(b"one")
    before = path.stat()
    assert file_sha256(path) == file_sha256(path) == hashlib.sha256(b"one").hexdigest() and len(read) == 1
    time.sleep(0.02)  # the kernel's clock of files ticks every 4 ms or so
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file_sha256(path) == hashlib.sha256(b"two").hexdigest() and len(read) == 2


def test_a_file_system_without_hard_links_serves_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = local_store.LocalStore(tmp_path / "store")
    store.prepare()
    refused = [95]  # EOPNOTSUPP

    def link(source: Path, target: Path) -> None:
        raise OSError(refused[0], "no links here")

    monkeypatch.setattr(os, "link", link)
    for content, published in (("first", True), ("second", False)):
        with store.scratch() as folder:
            (folder / "x").write_text(content)
            assert store.publish("a/b", folder / "x") is published
    assert store.read("a/b") == b"first"
    refused[0] = 28  # ENOSPC is no such thing
    with store.scratch() as folder, pytest.raises(OSError, match="no links here"):
        (folder / "x").touch()
        store.publish("a/c", folder / "x")
    assert not store.exists("a/c")
