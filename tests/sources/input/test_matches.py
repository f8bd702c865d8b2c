"""Files of a pattern: as Python's glob finds them, but each real file once, whatever links there are."""

import glob
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.sources.input.matches import match

TREE = ("1.txt", "a/2.txt", "a/b/3.txt", "a/b/c/4.md", "a-b/5.txt", "x/6.txt", ".h/7.txt", ".8.txt", "x[1].txt")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    top = tmp_path_factory.mktemp("tree")
    for name in TREE:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    return top


def names(pattern: str, base: Path) -> list[str]:
    return [path.relative_to(base).as_posix() for path in match(pattern, base)]


@given(st.lists(st.sampled_from(["**", "*", "a", "b", "c", "x", "*b", "?", "[a-b]"]), max_size=4), st.sampled_from(["*", "*.txt", "**", "3.txt", ".*"]))  # fmt: skip  # noqa: E501
def test_without_links_it_is_pythons_glob(tree, parts, last):
    pattern = "/".join([*parts, last])
    expected = sorted(set(glob.glob(str(tree / pattern), recursive=True)))  # noqa: PTH207
    assert [str(path) for path in match(pattern, tree)] == [path for path in expected if Path(path).is_file()]


def test_links_to_where_one_is_multiply_nothing(tmp_path):
    """Two links to the folder itself made 2^40 paths, one to the parent 41 copies of each file."""
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "1.txt").write_text("1")
    (tmp_path / "a/b/2.txt").write_text("2")
    for link, to in {"l1": ".", "l2": ".", "a/up": "..", "a/b/top": "../..", "gone": "nowhere", "self": "self"}.items():
        (tmp_path / link).symlink_to(to)
    assert names(".", tmp_path) == names("**/*.txt", tmp_path) == ["1.txt", "a/b/2.txt"]
    assert names("**/b/*", tmp_path) == ["a/b/2.txt"]


def test_of_several_names_of_a_file_the_first_counts(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b/1.txt").write_text("1")
    (tmp_path / "b/2.txt").hardlink_to(tmp_path / "b/1.txt")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "c.txt").symlink_to("b/1.txt")
    assert names(".", tmp_path) == ["a/1.txt"]
    assert names("*/*.txt", tmp_path) == ["a/1.txt"]
    assert names("b*/**/*.txt", tmp_path) == ["b/1.txt"], "whatever other names lie beside"
    assert names("**/b/*.txt", tmp_path) == ["b/1.txt"]
    assert names("*.txt", tmp_path) == ["c.txt"]
    assert names("c.txt", tmp_path) == ["c.txt"]


def test_names_that_look_like_patterns_and_folders(tree):
    assert names("x[1].txt", tree) == ["x[1].txt"]
    assert names("a", tree) == names("a/", tree) == names("a/**", tree) == ["a/2.txt", "a/b/3.txt", "a/b/c/4.md"]
    assert names("nothing", tree) == names("nothing/**/*.txt", tree) == []
    assert match(str(tree / "1.txt"), Path("/elsewhere")) == [tree / "1.txt"]
