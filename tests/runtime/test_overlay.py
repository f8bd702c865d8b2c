"""A store over another one: what lies above is found first, what lies beneath is only read."""

from pathlib import Path

import pytest

from tasks.runtime.local_store import LocalStore
from tasks.runtime.overlay import Overlay
from tasks.runtime.store import Damaged


def put(store: LocalStore, name: str, content: str) -> None:
    with store.scratch() as folder:
        (folder / "x").write_text(content)
        assert store.publish(name, folder / "x")


@pytest.fixture
def overlay(tmp_path: Path) -> Overlay:
    base, top = LocalStore(tmp_path / "base"), LocalStore(tmp_path / "top")
    base.prepare()
    put(base, "a/both", "beneath")
    put(base, "a/beneath", "beneath alone")
    made = Overlay(base, top)
    made.prepare()
    put(top, "a/both", "above")
    put(top, "b/above", "above alone")
    return made


def test_what_is_above_is_found_first(overlay: Overlay) -> None:
    assert overlay.read("a/both") == b"above" and overlay.read("a/beneath") == b"beneath alone"
    assert [overlay.exists(name) for name in ("a/both", "a/beneath", "b/above", "b/none")] == [True, True, True, False]
    assert overlay.where("a/both") == str(overlay.top.root / "a/both") == str(overlay.local("a/both"))
    assert overlay.where("a/beneath") == str(overlay.base.root / "a/beneath") == str(overlay.local("a/beneath"))
    assert overlay.stamp("a/both") == overlay.top.stamp("a/both") != overlay.base.stamp("a/both")
    assert overlay.sha256("a/both") == overlay.top.sha256("a/both") != overlay.base.sha256("a/both")
    assert overlay.url == overlay.base.url
    with pytest.raises(FileNotFoundError):
        overlay.read("b/none")


def test_a_checksum_is_asked_of_the_one_that_holds_it(overlay: Overlay) -> None:
    above, beneath = overlay.top.sha256("a/both"), overlay.base.sha256("a/both")
    assert overlay.local("a/both", above) == overlay.top.root / "a/both"
    with pytest.raises(Damaged):
        overlay.local("a/both", beneath)
    assert overlay.local("a/both", beneath, check=False) == overlay.top.root / "a/both"


def test_a_list_has_each_name_once_in_order_as_it_is_above(overlay: Overlay) -> None:
    assert [(entry.name, entry.bytes) for entry in overlay.list("")] == [
        ("a/beneath", 13), ("a/both", 5), ("b/above", 11),
    ]  # fmt: skip
    assert [entry.name for entry in overlay.list("a")] == ["a/beneath", "a/both"]


def test_nothing_beneath_is_written_or_removed(overlay: Overlay) -> None:
    before = {entry.name: (entry, overlay.base.read(entry.name)) for entry in overlay.base.list("")}
    with overlay.scratch() as folder, overlay.lease("a/new", print):
        assert folder.is_relative_to(overlay.top.root) and (overlay.top.root / ".lease/a/new").exists()
        (folder / "x").write_text("new")
        assert overlay.publish("a/beneath", folder / "x")
        (folder / "y").write_text("newer")
        assert not overlay.publish("a/beneath", folder / "y")
        assert overlay.publish("a/beneath", folder / "y", replace=True)
    assert overlay.read("a/beneath") == b"newer"
    overlay.delete("a/beneath")
    overlay.delete("a/both")
    assert overlay.read("a/beneath") == b"beneath alone" and overlay.read("a/both") == b"beneath"
    work = overlay.workspace("a/work")
    (work / "x").touch()
    assert work.is_relative_to(overlay.top.root)
    overlay.clear("a/work")
    assert not work.exists()
    assert {entry.name: (entry, overlay.base.read(entry.name)) for entry in overlay.base.list("")} == before
