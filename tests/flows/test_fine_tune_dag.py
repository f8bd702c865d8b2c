"""The DAG of models that learn from examples: GPT-1's ablation, from a YAML to a table in the report."""

import json
from pathlib import Path

import pytest

from conf.load import load
from flows import dag
from tasks.evaluation.scores import Scored
from tasks.models.train import Tuned
from tasks.report.page import render
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

YAML = """\
store: {folder}/store
validation: 0.2
sources:
  web: {{kind: jsonl, files: "{folder}/web.jsonl"}}
tokenizer: {{vocabulary: 300}}
examples:
  mood: {{files: "{folder}/mood.tsv", form: classify, text: sentence, classes: [bad, good]}}
models:
  tiny: {{preset: demo, layers: 2, width: 16, heads: 2, context: 24, tokens: 1600, batch: 480, snapshots: [2]}}
  cells: {{preset: demo, layers: 3, width: 16, heads: 2, context: 24, tokens: 1600, batch: 480, trunk: lstm}}
  mood: {{from: tiny, objective: classify, data: mood, epochs: 4, batch: 8, learning_rate: 0.01, threads: 1}}
  mood-more: {{from: mood, objective: classify, data: mood, updates: 3, batch: 8}}
  mood-bare: {{preset: demo, layers: 2, width: 16, heads: 2, context: 24, objective: classify, data: mood, epochs: 1,
    auxiliary: 0}}
  mood-one: {{from: tiny, objective: classify, data: mood, epochs: 1, layers_transferred: 1}}
  mood-cells: {{from: cells, objective: classify, data: mood, epochs: 1}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuned")
    texts = [{"text": f"The mill {n} races {n * n} and the water runs to the sea. " * 3} for n in range(60)]
    (folder / "web.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts))
    rows = [(f"mill {n} is {('slow', 'fine')[n % 2]}", ("bad", "good")[n % 2]) for n in range(40)]
    (folder / "mood.tsv").write_text("sentence\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows))
    (folder / "conf.yaml").write_text(YAML.format(folder=folder))
    return folder


@pytest.fixture(scope="module")
def made(folder: Path) -> tuple[Run, dag.Built]:
    pipeline = load(folder / "conf.yaml")
    run = Run(pipeline.store_url(), LocalEngine(1))
    return run, dag.crawl_to_model(run, pipeline)


def of(run: Run, stage: str) -> dict[str, Artifact]:
    return {artifact.name: artifact for artifact in run.artifacts if artifact.stage == stage}


def test_every_model_is_trained_and_scored(made: tuple[Run, dag.Built]) -> None:
    run, built = made
    tuned = of(run, "train")
    assert list(tuned) == ["mood-bare", "mood", "mood-one", "mood-cells", "mood-more"]  # behind starts
    starts = {name: (model.manifest["inputs"].get("start") or "/-").partition("/")[2] for name, model in tuned.items()}
    assert {name: start.rpartition("-")[0] for name, start in starts.items()} == {
        "mood": "tiny", "mood-more": "mood", "mood-bare": "", "mood-one": "tiny",
        "mood-cells": "cells",
    }  # fmt: skip
    assert tuned["mood"].counts(Tuned).epochs == 4 and tuned["mood-more"].counts(Tuned).updates == 3
    assert {run.groups[model.label].kind for model in tuned.values()} == {"fine-tuning"}
    assert all(built.scores[name]["mood"].counts(Scored).ways["0"].all.items > 3 for name in tuned)
    asked = {artifact.name for artifact in run.artifacts if artifact.stage == "perplexity"}
    assert asked == {"tiny"}  # a head's model, or an LSTM, is not asked as a language model


def test_the_report_has_the_table_and_the_figure(made: tuple[Run, dag.Built]) -> None:
    _, built = made
    assert built.report is not None
    content = json.loads(built.report.read("report.json"))["sections"]["fine-tuning"]
    variants = {row["model"]: row["variant"] for row in content["models"]}
    assert variants == {
        "mood": "full", "mood-more": "full", "mood-bare": "no pretraining, no auxiliary loss",
        "mood-one": "1 of 2 layers", "mood-cells": "LSTM",
    }  # fmt: skip
    assert list(content["ablation"]) == ["no pretraining, no auxiliary loss", "full", "LSTM"]
    assert [point[0] for point in content["layers"]["mood"]] == [1, 2]
    page = render(built.report, [])
    assert "What the method's parts are worth" in page.replace("&#39;", "'")
    assert (
        "Tuned mood-bare on mood (classify; from nothing; no pretraining, no auxiliary loss)"
        in built.report.read("summary.txt").decode()
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{from: tiny, objective: classify}", "learns from examples: name them, `data`"),
        ("{from: tiny, data: mood}", "data: belongs to a model with an `objective`"),
        ("{from: tiny, objective: classify, data: moo}", "none of `examples` .there are mood.; did you mean mood"),
        ("{from: tiny, objective: choose, data: mood}", "have the form classify, and choose learns from choose"),
        ("{from: tiny, objective: classify, data: mood, epochs: 2, updates: 3}", "one of epochs, tokens and updates"),
        ("{from: tiny, objective: classify, data: mood, layers: 3}", "its start's architecture: layers must go"),
        ("{from: tiny, objective: guess, data: mood}", "'lm', 'classify'"),
        ("{preset: demo, objective: classify, data: mood, layers_transferred: 1}", "that begins `from` another"),
        ("{from: mood, tokens: 1000}", "learns on as a language model, and mood, which it goes on from, has tokens"),
    ],
)
def test_what_cannot_be_is_refused(folder: Path, line: str, said: str) -> None:
    (folder / "wrong.yaml").write_text(YAML.format(folder=folder) + f"  wrong: {line}\n")
    with pytest.raises(Mistake, match=said):
        load(folder / "wrong.yaml")
