"""Measures that are due together: one reading, as many artifacts, the bytes of each as if it had been made alone."""

import json
from pathlib import Path

import measure_toys as toys
import pytest
from runtime_toys import contents

from tasks.runtime.artifact import Artifact
from tasks.runtime.damage import damage
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure
from tasks.runtime.job import Silent
from tasks.runtime.repair import mend
from tasks.runtime.run import Run

SHARDS = 3


class Told(Silent):
    def __init__(self) -> None:
        self.done: list[tuple[str, bool]] = []
        self.lines: list[str] = []

    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
        self.done.append((artifact.stage, cached))

    def log(self, text: str) -> None:
        self.lines.append(text)


def asked(documents: Artifact, times: int = 1) -> list:
    shared = {"documents": documents, "times": times}
    return [(toys.letters, shared), (toys.size, {"documents": documents}), (toys.capitals, shared)]


def together(root: Path, engine=None, told: Silent | None = None, **how) -> list[Artifact]:
    run = Run(root, engine or LocalEngine(1), told, **how)
    try:
        made = run.together("toy", asked(run(toys.texts, "toy", shards=SHARDS)))
        run.wait()
        return made
    finally:
        run.close()


def alone(root: Path, *stages) -> list[Artifact]:
    run = Run(root, LocalEngine(1))
    documents = run(toys.texts, "toy", shards=SHARDS)
    return [run(what, "toy", **arguments) for what, arguments in asked(documents) if what in stages]


def read_for(artifact: Artifact) -> list[str]:
    path = artifact.folder / "run.read"
    return path.read_text().split("\n")[:-1] if path.exists() else []


def keys(stages: str, *numbers: int) -> list[str]:
    return [f"{number:05d} {stages}" for number in numbers]


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """The bytes of each measure, made alone."""
    stages = (toys.letters, toys.size, toys.capitals)
    return [contents(alone(tmp_path_factory.mktemp(what.name), what)[0]) for what in stages]


@pytest.mark.parametrize("side_by_side", [1, 3])
def test_one_reading_and_the_same_bytes(tmp_path: Path, single: list[dict], side_by_side: int) -> None:
    told = Told()
    letters, _, capitals = made = together(tmp_path, told=told, side_by_side=side_by_side)
    assert [contents(artifact) for artifact in made] == single
    assert read_for(letters) == read_for(capitals) == keys("letters+capitals", 0, 1, 2)
    assert capitals.counts(toys.Counted) == toys.Counted(15, 9)
    assert sorted(told.done) == [("capitals", False), ("letters", False), ("size", False), ("texts", False)]
    assert told.lines == ["letters of toy: capitals made in the same reading"]
    assert not any(found.sentences for found in damage(made).values())


@pytest.mark.slow
def test_in_worker_processes(tmp_path: Path, single: list[dict]) -> None:
    assert [contents(artifact) for artifact in together(tmp_path, LocalEngine(2))] == single


def test_what_is_there_is_not_made_again(tmp_path: Path, single: list[dict]) -> None:
    (before,) = alone(tmp_path, toys.capitals)
    letters, _, capitals = made = together(tmp_path)
    assert capitals == before
    assert read_for(capitals) == keys("capitals", 0, 1, 2)
    assert read_for(letters) == keys("letters", 0, 1, 2)
    told = Told()
    assert together(tmp_path, told=told) == made and all(cached for _, cached in told.done)
    assert [contents(artifact) for artifact in made] == single


def test_finished_files_of_each_are_kept(tmp_path: Path, single: list[dict], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_STOP", "00001")
    with pytest.raises(Failure, match="stage letters of toy: shard 00001 is where it stops"):
        together(tmp_path)
    monkeypatch.delenv("TOY_STOP")
    letters, _, capitals = Run(tmp_path, None).together("toy", asked(Run(tmp_path, None)(toys.texts, "toy", shards=3)))
    assert not letters.built and not capitals.built
    (capitals.folder / "00000.parquet").unlink()  # killed between the two
    made = together(tmp_path)
    assert read_for(letters) == keys("letters+capitals", 0, 1, 2)
    assert read_for(capitals) == [*keys("letters+capitals", 0), *keys("capitals", 0), *keys("letters+capitals", 1, 2)]
    assert [contents(artifact) for artifact in made] == single


def test_a_failure_names_the_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_STOP", "00001")
    run = Run(tmp_path, LocalEngine(1))
    documents = run(toys.texts, "toy", shards=SHARDS)
    with pytest.raises(Failure, match="stage capitals of toy: letters, made in the same reading: shard 00001"):
        run.together("toy", asked(documents)[::-1])


def test_damage_of_one_is_mended_alone(tmp_path: Path, single: list[dict]) -> None:
    letters, _, capitals = made = together(tmp_path)
    (capitals.folder / "00001.parquet").write_bytes(b"")
    engine = LocalEngine(1)
    arguments = asked(Run(tmp_path, None)(toys.texts, "toy", shards=SHARDS))[2][1]
    assert mend(capitals, toys.capitals, arguments, engine, Silent())
    assert read_for(capitals) == [*keys("letters+capitals", 0, 1, 2), *keys("capitals", 1)]
    assert read_for(letters) == keys("letters+capitals", 0, 1, 2)
    assert [contents(artifact) for artifact in made] == single


def test_each_has_its_share_of_the_seconds(tmp_path: Path) -> None:
    letters, _, capitals = together(tmp_path)
    share = json.loads((capitals.folder / "run.share.json").read_text())
    assert share == {"seconds": pytest.approx(letters.trace()["seconds"], abs=0.01), "with": letters.label}
    assert capitals.trace()["seconds"] >= round(share["seconds"], 3)
