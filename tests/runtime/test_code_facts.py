"""What is remembered of code is what walking it gives, and a cache that is damaged, or cannot be written, is none."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.runtime import fingerprint
from tasks.runtime.code_facts import Facts, Remembered, remembered

CODE = "from tasks.kernels import words\nimport unicodedata\n"
WALKED = fingerprint._found(ast.parse(CODE))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path / "cache"))
    yield tmp_path / "cache"
    remembered.cache_clear()


def never() -> Facts:
    raise AssertionError("it was walked again")


def test_another_process_walks_nothing_and_hashes_the_same(cache: Path) -> None:
    for read in (fingerprint._facts, fingerprint.imports, fingerprint.code_hashes, remembered):
        read.cache_clear()
    fresh = fingerprint.code_hashes("tasks.dedup.survivors")
    (file,) = cache.iterdir()
    known = Remembered(fingerprint._walk_version()).known
    assert set(fresh.values()) <= {facts.hash for facts in known.values()} and len(known) >= len(fresh) > 10
    assert Remembered("another walk").known == {} and file.name.startswith("code-")


def test_what_is_remembered_is_what_was_walked(cache: Path) -> None:
    first = Remembered("walk")
    assert first.facts(CODE, lambda: WALKED) == WALKED
    assert WALKED.unicode and not WALKED.silent and "tasks.kernels.words" in WALKED.names
    first.save()
    assert Remembered("walk").facts(CODE, never) == WALKED
    other = Facts("1" * 16, (), False, True)
    assert Remembered("walk").facts(CODE + "#", lambda: other) == other, "another text is another file"


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", "flipped", "binary"])
def test_a_damaged_cache_is_walked_anew(cache: Path, damage: str) -> None:
    first = Remembered("walk")
    first.facts(CODE, lambda: WALKED)
    first.save()
    text = first.path.read_text()
    if damage == "flipped":
        told = json.loads(text)
        next(iter(told["facts"].values()))["hash"] = "0" * 16
        text = json.dumps(told)
    first.path.write_bytes(b"\xff\xfe" if damage == "binary" else (text if damage == "flipped" else damage).encode())
    assert Remembered("walk").known == {}


def test_a_cache_that_cannot_be_written_is_done_without(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    first = Remembered("walk")
    assert first.facts(CODE, lambda: WALKED) == WALKED
    first.save()
    assert cache.read_text() == "a file where the folder should be"
