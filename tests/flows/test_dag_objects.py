"""The whole DAG on a store of objects: the same bytes as in a folder, and few objects."""

from pathlib import Path

import pytest
from test_dag import write_conf

from conf.load import load
from flows import dag
from flows.state import Past, state
from tasks.runtime.artifact import FILES, MANIFEST, counted
from tasks.runtime.damage import damage
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run
from tasks.runtime.store import CacheSettings, Store, open_store

OBJECTS = 20  # a WARC file over all stages: 56,000 files of a crawl make about a million


def build(url: str, conf: Path, workers: int, cache: Path) -> Run:
    engine = LocalEngine(workers)
    run = Run(open_store(url, CacheSettings(cache, 10**9)), engine)
    try:
        dag.crawl_to_model(run, load(conf))
    finally:
        engine.close()
    return run


def whole(store: Store) -> dict[str, bytes]:
    names = [entry.name for entry in store.list("")]
    return {name: store.read(name) for name in names if counted(name) or name.endswith((f"/{MANIFEST}", f"/{FILES}"))}


@pytest.mark.long  # 50 to 75 s; faults/test_kills.py and runtime/test_object_store.py have a small pipeline on objects
def test_the_same_bytes_on_a_store_of_objects(s3: str, tmp_path: Path) -> None:
    conf = write_conf(tmp_path)
    here = build(str(tmp_path / "store"), conf, 1, tmp_path / "none")
    there = build(f"{s3}/{tmp_path.name}", conf, 2, tmp_path / "cache")
    expected, found = whole(here.store), whole(there.store)
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []
    assert not any(damaged.sentences for damaged in damage(there.artifacts).values())
    assert all(state(artifact, Past(there.store)).built for artifact in there.artifacts)
    assert not (tmp_path / "none").exists()
    # Another machine, without a copy, finds it all and reads it.
    again = Run(open_store(there.store.url, CacheSettings(tmp_path / "fresh", 10**9)), LocalEngine(1))
    dag.crawl_to_model(again, load(conf))
    assert [artifact.label for artifact in again.artifacts] == [artifact.label for artifact in there.artifacts]
    assert [artifact.files() for artifact in again.artifacts] == [artifact.files() for artifact in here.artifacts]
    crawl = next(artifact for artifact in there.artifacts if (artifact.stage, artifact.name) == ("ingest", "crawl"))
    for shard in crawl.shards():  # of a WARC file, or several
        of_shard = [name for name in found if name.split("/")[1].startswith("crawl-") and f"/{shard.key}." in name]
        print(f"{len(of_shard)} objects of {shard.key}: {[name.split('-')[0] + name[-20:] for name in of_shard]}")
        assert len(of_shard) < OBJECTS
