"""The whole DAG on a small sample: the same bytes whatever the workers, the engine and the kills; cached when built."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from conf.load import load
from conf.schema import Pipeline
from flows import dag
from tasks.runtime.engine import Engine, LocalEngine
from tasks.runtime.stage import Run, Silent
from tasks.runtime.store import Artifact, counted

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


def build(pipeline: Pipeline, engine: Engine) -> tuple[dag.Built, list[str]]:
    told = Told()
    try:
        return dag.crawl_to_model(Run(pipeline.root(), engine, told), pipeline), told.fresh
    finally:
        engine.close()


def contents(store: Path) -> dict[str, bytes]:
    """Every file of every artifact, manifests included, by its path below the store."""
    found = {}
    for manifest in sorted(store.glob("*/*/manifest.json")):
        folder = manifest.parent
        for path in folder.rglob("*"):
            if path.is_file() and (counted(path, folder) or path.name in ("manifest.json", "files.parquet")):
                found[path.relative_to(store).as_posix()] = path.read_bytes()
    return found


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A store built by one worker, without a pool, and all its bytes."""
    folder = tmp_path_factory.mktemp("baseline")
    pipeline = load(write_conf(folder))
    build(pipeline, LocalEngine(1))
    return folder, contents(pipeline.root())


def assert_same(found: dict[str, bytes], expected: dict[str, bytes]) -> None:
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3])
def test_the_same_bytes_on_any_number_of_workers(
    baseline: tuple[Path, dict[str, bytes]], tmp_path: Path, workers: int
) -> None:
    pipeline = load(write_conf(tmp_path))
    build(pipeline, LocalEngine(workers))
    assert_same(contents(pipeline.root()), baseline[1])


@pytest.mark.slow
@pytest.mark.spark
def test_the_same_bytes_on_spark(baseline: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    from tasks.runtime.spark import SparkEngine

    pipeline = load(write_conf(tmp_path))
    build(pipeline, SparkEngine("local[2]"))
    assert_same(contents(pipeline.root()), baseline[1])


@pytest.mark.slow
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
    files = {path: path.stat().st_mtime_ns for path in pipeline.root().rglob("*") if path.is_file()}
    built, fresh = build(pipeline, LocalEngine(1))
    assert fresh == []
    assert len(built.artifacts) > 40
    assert {path: path.stat().st_mtime_ns for path in pipeline.root().rglob("*") if path.is_file()} == files


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
    import json

    pipeline = load(baseline[0] / "demo.yaml")
    run = Run(pipeline.root(), None)
    built = dag.crawl_to_model(run, pipeline)
    assert built.sample and built.overlap and built.report
    planted = json.loads((built.sample.folder / "planted.json").read_bytes())
    rejects = built.documents["crawl"].statistics["rejects"]
    damage = sum(rejects.get(reason, 0) for reason in ("gzip", "header", "http", "truncated", "length"))
    assert damage == len(planted["damaged"])
    assert all(one["dirty"] == 0 for one in built.overlap.statistics["benchmarks"].values())
    touched = sum(artifact.statistics["touched"] for artifact in built.hits.values())
    assert touched >= len(planted["leaks"])
