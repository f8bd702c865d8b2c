"""The demo's DAG on a small sample, by one worker, for processes that are killed: build(FOLDER)."""

from pathlib import Path

from test_dag import write_conf

from conf.load import load
from flows import dag
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run
from tasks.runtime.store import open_store


def build(folder: str) -> Run:
    """Into FOLDER/store."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    pipeline = load(write_conf(Path(folder)))
    run = Run(open_store(pipeline.store_url()), LocalEngine(1))
    dag.crawl_to_model(run, pipeline)
    return run
