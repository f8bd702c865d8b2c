"""The whole DAG on a small sample: the same bytes whatever the workers, the engine and the kills; cached when built."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from conf.load import load
from conf.pipeline import Pipeline
from flows import dag
from tasks.decontaminate.hits import Met
from tasks.demo.sample import planted_in
from tasks.evaluation.overlap import Overlapped
from tasks.runtime.artifact import FILES, MANIFEST, Artifact, counted
from tasks.runtime.decisions import decided
from tasks.runtime.engine import Engine, LocalEngine
from tasks.runtime.job import Silent
from tasks.runtime.run import Run
from tasks.runtime.shards import read_column
from tasks.sources.ingest import Ingested

DEMO = Path(__file__).resolve().parents[2] / "conf" / "demo.yaml"


def write_conf(folder: Path, **changes: object) -> Path:
    """The demo, made small: 3 MB of crawl, 600 tokens of vocabulary, a model of a few thousand parameters."""
    content = yaml.safe_load(DEMO.read_text())
    content |= {"store": str(folder / "store"), "sample": {"megabytes": 2}, "validation": 0.1}
    content |= {"tokenizer": {"vocabulary": 600, "sample": "300k"}}
    model = {"preset": "demo", "tokens": "8k", "layers": 1, "width": 32, "context": 32, "batch": 256}
    content |= {"models": {"small": model | {"checkpoint_every": 4, "threads": 1}}}
    content["quality"] = content["quality"] | {"keep": {"pareto": 1}} | changes
    path = folder / "demo.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


class Told(Silent):
    def __init__(self) -> None:
        self.fresh: list[str] = []

    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
        if not cached:
            self.fresh.append(artifact.stage)


def build(pipeline: Pipeline, engine: Engine, side_by_side: int = 1) -> tuple[Run, list[str]]:
    told = Told()
    run = Run(Path(pipeline.store_url()), engine, told, side_by_side=side_by_side)
    try:
        dag.crawl_to_model(run, pipeline)
        run.wait()
        return run, told.fresh
    finally:
        run.close()


def contents(store: Path) -> dict[str, bytes]:
    """Every file of every artifact, manifests included, by its path below the store."""
    found = {}
    for manifest in sorted(store.glob("*/*/manifest.json")):
        folder = manifest.parent
        for path in folder.rglob("*"):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and (counted(name) or name in (MANIFEST, FILES)):
                found[path.relative_to(store).as_posix()] = path.read_bytes()
    return found


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A store built by one worker, without a pool, and all its bytes."""
    folder = tmp_path_factory.mktemp("baseline")
    pipeline = load(write_conf(folder))
    build(pipeline, LocalEngine(1))
    return folder, contents(Path(pipeline.store_url()))


def assert_same(found: dict[str, bytes], expected: dict[str, bytes]) -> None:
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "side_by_side"), [(2, 1), (3, 3)])
def test_the_same_bytes_on_any_number_of_workers(
    baseline: tuple[Path, dict[str, bytes]], tmp_path: Path, workers: int, side_by_side: int
) -> None:
    pipeline = load(write_conf(tmp_path))
    build(pipeline, LocalEngine(workers), side_by_side)
    assert_same(contents(Path(pipeline.store_url())), baseline[1])


@pytest.mark.slow
@pytest.mark.spark
def test_the_same_bytes_on_spark(baseline: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    from tasks.runtime.spark import SparkEngine

    pipeline = load(write_conf(tmp_path))
    build(pipeline, SparkEngine("local[2]"))
    assert_same(contents(Path(pipeline.store_url())), baseline[1])


@pytest.mark.long  # 40 s; faults/test_kills.py kills a small pipeline 20 times
def test_the_same_bytes_after_kills_at_random_moments(baseline: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    conf = write_conf(tmp_path)
    command = [sys.executable, "-m", "flows.cli", "run", str(conf), "--workers", "2"]
    environment = {**os.environ, "MILLRACE_HOME": str(tmp_path / "home")}
    environment.pop("PREFECT_API_URL", None)
    moments = random.Random(20261123)
    for _ in range(3):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(2, 12))
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert_same(contents(tmp_path / "store"), baseline[1])


def test_the_second_run_only_looks(baseline: tuple[Path, dict[str, bytes]]) -> None:
    pipeline = load(baseline[0] / "demo.yaml")
    files = {path: path.stat().st_mtime_ns for path in Path(pipeline.store_url()).rglob("*") if path.is_file()}
    run, fresh = build(pipeline, LocalEngine(1))
    assert fresh == []
    assert len(run.artifacts) > 40
    assert {path: path.stat().st_mtime_ns for path in Path(pipeline.store_url()).rglob("*") if path.is_file()} == files


@pytest.mark.slow
def test_another_alpha_runs_quality_and_what_follows(baseline: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    shutil.copytree(baseline[0] / "store", tmp_path / "store")
    pipeline = load(write_conf(tmp_path, keep={"pareto": 1.5}))
    _, fresh = build(pipeline, LocalEngine(1))
    read_text_once = {"sample", "ingest", "classifier", "score", "signatures", "benchmark", "grams", "hits"}
    assert not read_text_once & set(fresh)
    assert fresh.count("keep") == 1  # of the scored source alone
    assert {"survivors", "frequent", "cuts", "tokenizer", "tokens", "mixture", "pretrain", "report"} <= set(fresh)


def test_what_was_planted_is_found(baseline: tuple[Path, dict[str, bytes]]) -> None:
    """The sample's own list of what it planted, against what the columns say."""
    pipeline = load(baseline[0] / "demo.yaml")
    run = Run(Path(pipeline.store_url()), None)
    built = dag.crawl_to_model(run, pipeline)
    assert built.sample and built.overlap and built.report
    planted = planted_in(built.sample)
    rejects = built.documents["crawl"].counts(Ingested).rejects
    damage = sum(rejects.get(reason, 0) for reason in ("gzip", "header", "http", "truncated", "length"))
    assert damage == len(planted["damaged"])
    by_rule = built.overlap.counts(Overlapped).rules
    assert by_rule["gpt3"] and all(audited.dirty == 0 for audited in by_rule["gpt3"].values())
    # What the filter's rule does not see, another paper's may: leaks without spaces, with a word changed, paraphrased.
    unlike = sum(leak["form"] in ("respaced", "changed", "paraphrased") for leak in planted["leaks"])
    assert all(sum(audited.dirty for audited in of_rule.values()) <= unlike for of_rule in by_rule.values())
    touched = sum(artifact.counts(Met).touched for artifact in built.measured("hits").values())
    # The other forms need not hold 13 words of the item in a row
    assert touched >= sum(leak["form"] in ("whole", "deep", "rewrapped") for leak in planted["leaks"])


def test_a_sources_decisions_are_a_list_in_order(baseline: tuple[Path, dict[str, bytes]]) -> None:
    """Each takes the one before, so that what left stays away: no document comes back, and the counts meet."""
    pipeline = load(baseline[0] / "demo.yaml")
    run = Run(Path(pipeline.store_url()), None)
    built = dag.crawl_to_model(run, pipeline)
    for name, source in built.sources.items():
        assert [decision.stage for decision in source.decisions] == ["keep", "survivors", "cuts"]
        assert built.decided[name] is source.last is source.decisions[-1]
        told = [decided(decision) for decision in source.decisions]
        assert told[0].documents == source.documents.counts(Ingested).documents
        assert [after.documents for after in told[1:]] == [before.kept for before in told[:-1]]
        for shard in source.documents.shards():
            kept = [read_column(decision, shard, ["keep"]).column("keep").to_pylist() for decision in source.decisions]
            assert all(before or not after for pair in pairwise(kept) for before, after in zip(*pair, strict=True))
    assert {artifact.label for artifact in run.artifacts} >= {source.last.label for source in built.sources.values()}
