"""Stages: caching by manifest, same bytes for any workers and any number of kills, handles that run nothing."""

import json
import random
from pathlib import Path

import pytest
import runtime_toys as toys
from test_store import DRIVE, folder_of

from tasks.runtime.damage import damage
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job, Silent
from tasks.runtime.run import Run
from tasks.runtime.stage import stage


def test_same_bytes_for_1_2_and_3_workers(local, tmp_path):
    found = []
    for workers, engine in local.items():
        run = Run(tmp_path / str(workers), engine)
        documents = run(toys.numbers, "toy", shards=5, rows=1000)
        halves = run(toys.halves, "toy", documents=documents)
        found.append((toys.contents(documents), toys.contents(halves)))
        assert not any(found.sentences for found in damage([documents, halves]).values())
    assert found[0] == found[1] == found[2]


def test_the_manifest_says_what_went_in_and_came_out(tmp_path):
    run = Run(tmp_path, LocalEngine(1))
    documents = run(toys.numbers, "toy", shards=3, rows=10)
    assert documents.counts(toys.Numbers) == toys.Numbers(documents=30, parity=(1, 2))
    assert documents.manifest["statistics"] == {"documents": 30, "parity": [1, 2]}
    halves = run(toys.halves, "toy", documents=documents)
    assert halves.manifest["inputs"] == {"documents": documents.label}
    assert halves.manifest["consumed"] == {documents.label: documents.content}
    assert documents.manifest["parameters"] == {"shards": 3, "rows": 10}
    assert documents.manifest["fingerprint"] == documents.fingerprint
    assert "noise" not in (documents.folder / "manifest.json").read_text()
    trace = json.loads((documents.folder / "run.json").read_text())
    assert trace["workers"] == 1 and "noise" in trace["timing"] and trace["peak_bytes"] > 1 << 20


def test_what_is_built_is_not_built_again(tmp_path):
    class Ear(Silent):
        def __init__(self):
            self.cached = []

        def finished(self, artifact, cached, seconds):
            self.cached.append(cached)

    ear = Ear()
    run = Run(tmp_path, LocalEngine(1), ear)
    first = run(toys.numbers, "toy", shards=3, rows=10)
    before = toys.contents(first)
    run(toys.numbers, "toy", rows=10, shards=3)  # the order of parameters is nothing
    run(toys.numbers, "toy", shards=3, rows=11)
    assert ear.cached == [False, True, False]
    assert toys.contents(first) == before
    assert toys.made(first.folder) == ["00000", "00001", "00002"]


def test_a_handle_runs_and_writes_nothing(tmp_path):
    run = Run(tmp_path / "store", None)
    documents = run(toys.numbers, "toy", shards=3, rows=10)
    halves = run(toys.halves, "toy", documents=documents)
    assert not documents.built and not halves.built and not (tmp_path / "store").exists()
    assert run.artifacts == [documents, halves]
    assert run(toys.halves, "toy", documents=run(toys.numbers, "toy", shards=4, rows=10)) != halves


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_killed_at_random_goes_on_and_gives_the_same_bytes(start, until, alive, tmp_path, seed):
    """SIGKILL once a random number of shards is there; the next run makes the others only."""
    process = start(DRIVE, tmp_path / "killed", 2, 12, 500, TOY_PAUSE="0.05")
    enough = random.Random(seed).randrange(1, 9)
    until(lambda: len(list(tmp_path.glob("killed/numbers/*/?????.parquet"))) >= enough)
    process.kill()
    process.wait()
    folder = folder_of(tmp_path / "killed")
    children = {int(line.split()[1]) for line in (folder / "run.made").read_text().splitlines()}
    until(lambda: not any(alive(child) for child in children))
    finished = {path.stem for path in folder.glob("?????.parquet")}
    before = toys.made(folder)
    assert enough <= len(finished) < 12 and not (folder / "manifest.json").exists()

    again = toys.build_numbers(tmp_path / "killed", 1, 12, 500)
    whole = toys.build_numbers(tmp_path / "whole", 1, 12, 500)
    assert again.folder.name == whole.folder.name
    assert toys.contents(again) == toys.contents(whole)
    assert sorted(toys.made(folder)[len(before) :]) == sorted({f"{n:05d}" for n in range(12)} - finished)
    assert damage([again])[again.label].sentences == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_mistake_has_the_stages_name_and_keeps_finished_shards(tmp_path, local, workers, capfd):
    run = Run(tmp_path, local[workers])
    with pytest.raises(Mistake) as caught:
        run(toys.picky, "toy", items=[0, 1, 2])
    assert str(caught.value) == "stage picky of toy: crawl/7.warc.gz, record 3 is wrong; mend it"
    folder = run.artifacts[0].folder
    assert (folder / "00000.parquet").exists() or workers == 2
    assert not run.artifacts[0].built and not (folder / "00001.parquet").exists()
    assert capfd.readouterr().err == ""


def test_a_judging_parameter_is_not_in_the_fingerprint(tmp_path: Path) -> None:
    @stage("judged", kind="measure", version="1", judges=("limit",))
    def judged(job: Job, *, limit: float, size: int) -> toys.Rows:
        return toys.Rows()

    run = Run(tmp_path, None)
    one, other = run(judged, "x", limit=0.1, size=1), run(judged, "x", limit=0.5, size=1)
    assert one.fingerprint == other.fingerprint
    assert "limit" not in one.recipe["parameters"]
    assert run(judged, "x", limit=0.1, size=2).fingerprint != one.fingerprint
