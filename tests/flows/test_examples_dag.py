"""The DAG of `examples`: what a pipeline's keys ask for, leaks that leave, and what plan, status and explain say."""

import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from corpora import counts
from rich.console import Console

from conf.load import load
from conf.pipeline import Pipeline
from flows import dag
from flows.budget import Asked, make
from flows.cli import followed
from flows.explain import show
from flows.plan import show as show_plan
from flows.status import show as show_status
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run
from tasks.runtime.shards import read

LEAKED = "the quick otter carried seven silver spoons across the frozen lake before breakfast on a monday morning"
COMMON = "all rights are reserved and nothing of it may be copied without the leave of whoever wrote it down"
YAML = """\
store: {folder}/store
validation: 0.2
sources:
  web: {{kind: jsonl, files: "{folder}/web.jsonl"}}
benchmarks:
  quiz: {{files: "{folder}/quiz.jsonl", text: [text]}}
tokenizer: {{vocabulary: 300}}
examples:
  mood: {{files: "{folder}/mood*.tsv", form: classify, text: sentence, classes: [bad, good]}}
  demos: {{files: "{folder}/demos.jsonl", form: chat, context: 40, validation: "{folder}/held-out.jsonl"}}
models:
  tiny: {{preset: demo, layers: 1, width: 16, heads: 2, context: 24, tokens: 1600, batch: 480}}
  long: {{preset: demo, layers: 1, width: 16, heads: 2, context: 20, tokens: 1600, batch: 480}}
  tuned: {{from: tiny, objective: classify, data: mood, epochs: 2, batch: 8}}
"""


def written(folder: Path, name: str, rows: list[dict]) -> None:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Pipeline, dag.Built]:
    folder = tmp_path_factory.mktemp("examples")
    written(folder, "web.jsonl", [{"text": f"{COMMON}. The mill {n} races {n * n}. " * 3} for n in range(60)])
    written(folder, "quiz.jsonl", [{"text": LEAKED}, {"text": COMMON}])
    rows = [(f"mill {n}", "good" if n % 3 else "bad") for n in range(40)]
    rows[7] = (f"They say {LEAKED.upper()}!", "good")
    rows[9] = (f"{COMMON} 9", "bad")
    (folder / "mood1.tsv").write_text("sentence\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows))
    (folder / "mood2.tsv").write_text("sentence\tlabel\nfine\tgod\n")
    demos = [{"prompt": f"what is mill {n}?", "answer": f"a mill {n}"} for n in range(10)]
    demos[3]["prompt"] *= 20
    written(folder, "demos.jsonl", demos)
    written(folder, "held-out.jsonl", [{"prompt": "and then?", "answer": f"as they say, {LEAKED}"}, *demos[:2]])
    (folder / "conf.yaml").write_text(YAML.format(folder=folder))
    pipeline = load(folder / "conf.yaml")
    run = Run(pipeline.store_url(), LocalEngine(1))
    return run, pipeline, dag.train_tokenizer(run, pipeline)


def test_what_is_asked_for(made: tuple[Run, Pipeline, dag.Built]) -> None:
    run, _, built = made
    of = {(artifact.stage, artifact.name) for artifact in run.artifacts if artifact.name in ("mood", "demos")}
    stages = ("labelled", "index", "hits", "cleared", "examples")
    assert of == {(stage, name) for stage in stages for name in ("mood", "demos")}
    groups = {run.groups[a.label] for a in run.artifacts if a.name == "mood"}
    assert [(group.kind, group.name) for group in groups] == [("examples", "mood")]
    assert set(built.examples) == {"mood", "demos"}
    abouts = {name: json.loads((one.folder / "examples.json").read_text()) for name, one in built.examples.items()}
    assert {name: about["context"] for name, about in abouts.items()} == {"mood": 24, "demos": 40}


def test_a_planted_leak_leaves_and_what_is_frequent_stays(made: tuple[Run, Pipeline, dag.Built]) -> None:
    run, _, built = made
    found = {(a.stage, a.name): a for a in run.artifacts}
    left = counts(found["cleared", "mood"])
    assert left["reasons"] == {"contaminated": 1} and left["documents"] == 40 and left["kept"] == 39
    (shard,) = built.examples["mood"].shards()
    ids = pq.read_table(built.examples["mood"].folder / f"{shard.key}.parquet").column("id").to_pylist()
    (records,) = found["labelled", "mood"].shards()
    rows = read(records, ["id", "line", "text"]).to_pylist()
    assert {row["line"] for row in rows} - {row["line"] for row in rows if row["id"] in ids} == {9}
    assert any(COMMON in row["text"] for row in rows if row["id"] in ids)
    assert counts(built.examples["mood"])["decided"] == 1
    demos = counts(built.examples["demos"])
    assert demos["decided"] == 1 and demos["rejects"] == {"too-long": 1}
    assert demos["train"]["examples"] == 9 and demos["validation"]["examples"] == 2


def said(run: Run, asked: str) -> str:
    out = io.StringIO()
    show(Console(file=out, width=400), run, asked)
    return out.getvalue()


def test_explain_tells_of_a_record(made: tuple[Run, Pipeline, dag.Built]) -> None:
    run = made[0]
    (records,) = next(a for a in run.artifacts if (a.stage, a.name) == ("labelled", "mood")).shards()
    rows = {row["line"]: row["id"] for row in read(records, ["id", "line"]).to_pylist()}
    told = said(run, rows[2])
    assert "line 2 of mood1.tsv" in told and '"sentence": "mill 0"' in told
    assert "example 0 of " in told and "label [0.0]" in told and "hits      none" in told
    told = said(run, rows[9])
    assert "dropped: contaminated" in told and "quiz item" in told and "none: a decision left it out" in told
    (demos, _) = next(a for a in run.artifacts if (a.stage, a.name) == ("labelled", "demos")).shards()
    rows = {row["line"]: row["id"] for row in read(demos, ["id", "line"]).to_pylist()}
    told = said(run, rows[4])
    assert "its file is all train" in told and "rejected (too-long): line 4: " in told
    assert "dropped" in said(run, "seven silver spoons")


def test_explain_tells_the_steps_that_read_a_record_and_no_models_of_the_corpus(
    made: tuple[Run, Pipeline, dag.Built],
) -> None:
    run, pipeline, built = made
    looked = Run(run.store, None)
    dag.crawl_to_model(looked, pipeline)
    (shard,) = built.examples["mood"].shards()
    rows = read(shard, ["id", "split"]).to_pylist()
    told = said(looked, next(row["id"] for row in rows if row["split"] == "train"))
    assert "tuned: 2 of " in told and "tiny" not in told and "long" not in told
    told = said(looked, next(row["id"] for row in rows if row["split"] == "validation"))
    assert "tuned: no step of " in told


def test_plan_and_status_speak_of_it(made: tuple[Run, Pipeline, dag.Built], tmp_path: Path) -> None:
    run, pipeline, _ = made
    out = io.StringIO()
    looked = Run(run.store, None)
    dag.crawl_to_model(looked, pipeline)
    show_status(Console(file=out, width=200), looked)
    assert "examples" in out.getvalue() and "mood" in out.getvalue()
    text = YAML.format(folder=Path(pipeline.store).parent).replace("/store\n", "/another\n", 1)
    (tmp_path / "new.yaml").write_text(text)
    fresh = load(tmp_path / "new.yaml")
    plan = make(followed(fresh), fresh, Asked())
    out = io.StringIO()
    show_plan(Console(file=out, width=240), fresh, plan, True)
    assert "cleared" in out.getvalue()
    amounts = {(row.key, row.artifact.name): row.work for row in plan.rows if row.artifact.name in ("mood", "demos")}
    assert len(amounts) == 10


def test_another_label_makes_the_examples_anew_and_nothing_else(
    made: tuple[Run, Pipeline, dag.Built], tmp_path: Path
) -> None:
    run, pipeline, built = made
    classes = {"examples": {**pipeline.examples, "mood": pipeline.examples["mood"].model_copy(update={"context": 16})}}
    other = Run(run.store, None)
    again = dag.train_tokenizer(other, pipeline.model_copy(update=classes))
    assert again.examples["mood"].label != built.examples["mood"].label and not again.examples["mood"].built
    assert again.examples["demos"].label == built.examples["demos"].label
    assert all(
        artifact.built for artifact in other.artifacts if (artifact.stage, artifact.name) != ("examples", "mood")
    )
