"""Whatever is damaged, lost or in the way: every command ends with a sentence that names it, never with `unexpected`.

The toy DAG of tests/flows stands for any; each file of its store is damaged in each way, before each command.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

sys.path.append(str(Path(__file__).resolve().parents[1] / "flows"))

import flows_toy
from commands import TOY

import flows
from flows import cli
from tasks.runtime import artifact as artifacts
from tasks.runtime.errors import REMEDIES, of_system

COMMANDS = {
    "run": ["run", "toy.yaml", "--workers", "1"],
    "plan": ["plan", "toy.yaml"],
    "status": ["status", "toy.yaml"],
    "verify": ["verify", "toy.yaml"],
    "repair": ["repair", "toy.yaml", "--workers", "1"],
    "explain": ["explain", "toy.yaml", f"web:{5:032x}"],
    "by url": ["explain", "toy.yaml", f"https://example.org/books:{5:032x}"],
    "gc": ["gc", "toy.yaml"],
    "sample": ["sample", "toy.yaml", "none", "x"],
    "next": ["next", "toy.yaml", "none", "x"],
    "export-model": ["export-model", "toy.yaml", "none", "out", "--to", "hf"],
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with toy.yaml and its store, built."""
    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.yaml").write_text(TOY)
    with pytest.MonkeyPatch.context() as patch:
        toys(patch, folder)
        status, told = invoke("run")
    assert status == 0, told
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    toys(monkeypatch, copy)
    return copy


def toys(patch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in ("dag", "page"):
        patch.setitem(sys.modules, f"flows.{name}", flows_toy)
        patch.setattr(flows, name, flows_toy, raising=False)
    patch.setenv("MILLRACE_HOME", str(folder / "home"))
    patch.delenv("PREFECT_API_URL", raising=False)
    patch.chdir(folder)


def invoke(command: str) -> tuple[int, str]:
    artifacts._manifest.cache_clear()
    artifacts._files.cache_clear()
    answer = CliRunner().invoke(cli.app, COMMANDS[command])
    return answer.exit_code, answer.output


def told(command: str, what: str) -> str:
    """What a command says; it ends well, or with a sentence."""
    status, output = invoke(command)
    assert status in (0, 1, 2), (command, what, output)
    assert "unexpected" not in output and "Traceback" not in output, (command, what, output)
    if status:
        last = output.strip().splitlines()[-1]
        assert "millrace: " in output and len(last) > 30, (command, what, output)
    return output


def kinds(store: Path) -> Iterator[Path]:
    """A file of each kind."""
    seen = set()
    for path in sorted(store.rglob("*")):
        kind = (path.relative_to(store).parts[0], path.name.lstrip("0123456789"))
        if path.is_file() and not path.relative_to(store).parts[0].startswith(".") and kind not in seen:
            seen.add(kind)
            yield path.relative_to(store)


def damages(data: bytes) -> Iterator[tuple[str, bytes | None]]:
    yield "emptied", b""
    yield "cut", data[: len(data) // 2]
    yield "overwritten", b"\x00\xff" * 500
    yield "a folder", None
    if data[:1] in b"{[":
        yield "other JSON", b'{"a": [1]}'
        yield "a JSON list", b"[1]"
        yield "JSON null", b"null"
        yield "an object of lists", json.dumps({key: [] for key in json.loads(data)}).encode()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_file_of_the_store_damaged_in_every_way(folder: Path, command: str) -> None:
    store = folder / "store"
    files = list(kinds(store))
    assert len(files) >= 12, files
    for name in files:
        data = (store / name).read_bytes()
        for how, content in damages(data):
            if command in ("run", "repair"):  # they change what they find
                shutil.copytree(store, folder / "whole")
            path = store / name
            if content is None:
                path.unlink()
                path.mkdir()
            else:
                path.write_bytes(content)
            told(command, f"{name} {how}")
            if command in ("run", "repair"):
                shutil.rmtree(store)
                (folder / "whole").rename(store)
            else:
                if content is None:
                    path.rmdir()
                path.write_bytes(data)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_store_is_in_the_way_or_gone(folder: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.move(folder / "store", folder / "aside")
    told(command, "the store is gone")
    if (folder / "store").exists():
        shutil.rmtree(folder / "store")
    (folder / "store").write_text("a file")
    output = told(command, "the store is a file")
    assert str(folder / "store") in output.replace("\n", "") or command not in ("run", "repair")
    (folder / "store").unlink()
    (folder / "store").symlink_to("store")
    told(command, "the store is a link to itself")
    (folder / "store").unlink()
    (folder / "store").symlink_to("/proc/self")
    told(command, "the store can be written by nobody")


@pytest.mark.parametrize("command", COMMANDS)
def test_no_home_and_no_folder_for_temporary_files(folder: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "MILLRACE_HOME", "MILLRACE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda number: (_ for _ in ()).throw(KeyError(number)))
    told(command, "no home")
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc"])
    told(command, "no folder for temporary files")


def test_the_store_removed_while_a_stage_is_at_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is asked for what is to be published."""
    from tasks.runtime.local_store import LocalStore

    shutil.rmtree(folder / "store")
    publish, met = LocalStore.publish, []

    def removed(self: LocalStore, name: str, path: Path, replace: bool = False) -> bool:
        met.append(name)
        if len(met) == 3:
            shutil.rmtree(folder / "store")
        return publish(self, name, path, replace)

    monkeypatch.setattr(LocalStore, "publish", removed)
    output = told("run", "removed in mid-run")
    assert len(met) >= 3 and "it is not there any more" in output.replace("\n", " ")
    monkeypatch.undo()


def test_every_word_of_the_system_has_a_remedy() -> None:
    for number in REMEDIES:
        told = of_system(OSError(number, "no", "/a/file"))
        assert told.startswith("/a/file: ") and len(told) > 40
    assert of_system(OSError(71, "Protocol error", "/a")) == (
        "/a: Protocol error; check the file and its disk, then run again: finished work is kept"
    )
    assert of_system(OSError(28, "No space"), "/store").startswith("/store: the disk is full")
    assert "TMPDIR" in of_system(FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"))
