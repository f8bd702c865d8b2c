"""Generated benchmarks in a pipeline: their text leaves it; small models are asked before the one they foretell."""

from pathlib import Path

import pytest

from conf.load import load
from conf.pipeline import Pipeline
from flows import dag
from flows.dag.evaluation import placed
from tasks.evaluation.generated.table import GENERATED
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.runtime.shards import read, read_column

LADDER = """
models:
  large: {preset: demo, tokens: 4M}
ladder:
  preset: demo
  sizes: [{layers: 1, width: 16, heads: 1}, {layers: 1, width: 24, heads: 1}, {layers: 1, width: 32},
          {layers: 2, width: 32}]
  tokens: 4x
  predict: large
  pass_rates: [number-questions]
evaluate: {tasks: [{task: number-questions, items: 100}, hindsight-neglect], on: gpus}
"""
PIPELINE = """
store: {folder}/store
sources:
  books: {{kind: text, files: "{folder}/*.txt"}}
benchmarks:
  hindsight-neglect: {{generate: hindsight-neglect, items: 40}}
  number-questions: {{generate: number-questions, items: 40}}
tokenizer: {{vocabulary: 300}}
"""


def pipeline(folder: Path, more: str = "") -> Pipeline:
    path = folder / "conf.yaml"
    path.write_text(PIPELINE.format(folder=folder) + more)
    return load(path)


def test_generated_text_leaves_the_corpus(tmp_path: Path) -> None:
    """A question stands in one of two books: that book is cut, at the question."""
    p = pipeline(tmp_path)
    question = list(GENERATED["hindsight-neglect"].records(p.seed, 8))[-1]["question"]
    before, after = "A quiet tale of a long day.\n" * 20, "\nThe end came late and was of no importance." * 20
    (tmp_path / "leak.txt").write_text(before + question + after)
    (tmp_path / "clean.txt").write_text("It was a fine morning, and nobody thought of a game of chance. " * 20)
    built = dag.build_corpus(Run(p.store_url(), LocalEngine(1)), p)
    cuts = {}
    for shard in built.documents["books"].shards():
        decided = read_column(built.decided["books"], shard, ["cuts"])["cuts"].to_pylist()
        cuts |= {
            text.partition(" ")[0]: cut for text, cut in zip(read(shard)["text"].to_pylist(), decided, strict=True)
        }
    assert not cuts["It"]
    start, end = cuts["A"][0]["start"], cuts["A"][-1]["end"]
    assert start <= len(before) and end >= len(before + question)


def test_small_models_are_asked_before_the_model_that_they_foretell(tmp_path: Path) -> None:
    p = pipeline(tmp_path, LADDER)
    run = Run(tmp_path / "absent", None)
    dag.evaluate(run, p)
    order = [(artifact.stage, artifact.name) for artifact in run.artifacts]
    assert len(set(order)) == len(order)  # nothing is asked twice
    small = p.small()
    assert len(small) == 4
    at = {one: place for place, one in enumerate(order)}
    foretold = at["pass-rates", "large.number-questions"]
    assert all(at["scores", f"{name}.number-questions"] < foretold for name in small)
    assert foretold < at["pretrain", "large"] < at["pass-verdict", "large.number-questions"]
    large = run.artifacts[at["pretrain", "large"]]
    assert large.recipe["inputs"]["pass_rates"] == {"number-questions": run.artifacts[foretold].label}
    # The small models are asked what is foretold and nothing else; one model alone shows no trend.
    assert {name for stage, name in order if stage == "scores"} == {
        *(f"{name}.number-questions" for name in small),
        "large.number-questions",
        "large.hindsight-neglect",
    }
    assert not [name for stage, name in order if stage == "trend"]
    asked = {name for stage, name in placed(p) if stage == "answers"}
    assert asked == {name for stage, name in order if stage == "answers"}


def test_trends_of_every_task_where_the_ladder_is_asked(tmp_path: Path) -> None:
    p = pipeline(tmp_path, LADDER.replace("on: gpus", "ladder: true"))
    run = Run(tmp_path / "absent", None)
    dag.evaluate(run, p)
    assert [artifact.name for artifact in run.artifacts if artifact.stage == "trend"] == [
        "number-questions",
        "hindsight-neglect",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  predict: large\n", "", "ladder.pass_rates are of the model that `ladder.predict` names"),
        ("pass_rates: [number-questions]", "pass_rates: [sums]", "sums, which is none of evaluate.tasks"),
        ("pass_rates: [number-questions]", "pass_rates: [hindsight-neglect]", "whose task file draws one text an item"),
    ],
)
def test_pass_rates_that_cannot_be(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(Mistake, match=said):
        pipeline(tmp_path, LADDER.replace(old, new))
