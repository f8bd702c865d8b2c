"""Which stages of the real DAG belong together."""

from pathlib import Path

import pytest

from conf.load import load
from flows import dag
from flows.leftovers import FLOWS, KINDS
from tasks.runtime.run import Group, Run


def followed(name: str, folder: Path) -> Run:
    run = Run(folder / "absent", None)
    dag.crawl_to_model(run, load(name))
    return run


@pytest.mark.parametrize("name", ["demo", "ladder", "gpt3"])
def test_every_stage_is_in_a_group_of_a_known_kind(name: str, tmp_path: Path) -> None:
    run = followed(name, tmp_path)
    assert {artifact.label for artifact in run.artifacts} == set(run.groups)
    assert {group.kind for group in run.groups.values()} <= set(KINDS)
    assert not set(KINDS) & set(FLOWS)


def test_the_demos_boxes(tmp_path: Path) -> None:
    run = followed("demo", tmp_path)
    boxes: dict[Group, set[str]] = {}
    for label, group in run.groups.items():
        boxes.setdefault(group, set()).add(label.split("/")[0])
    sources = {"webtext2", "books1", "books2", "wikipedia", "crawl"}
    assert {name for kind, name in boxes if kind == "corpus"} == sources
    assert boxes[Group("corpus", "crawl")] >= {"ingest", "score", "hits", "keep", "survivors", "cuts"}
    assert boxes[Group("training", "small")] == {"mixture", "pretrain", "ngrams"}
    assert boxes[Group("evaluation", "small")] == {"perplexity", "answers", "scores"}
    assert boxes[Group("tokens", "")] == {"tokenizer", "tokens"}
    assert boxes[Group("report", "")] == {"report"}
    assert len(boxes) == 13
