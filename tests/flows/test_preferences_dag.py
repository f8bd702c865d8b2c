"""The DAG of SFT and reward models: from another project's files to the step that is taken, and the page."""

import json
from pathlib import Path

import pytest

from conf.load import load
from flows import dag
from model.reward import Reward
from tasks.models.chosen_step import Chosen
from tasks.models.files import model_folder
from tasks.models.reward_accuracy import Accuracy
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
  demos: {{files: "{folder}/demos.jsonl", form: chat, prompts: {{prefix: null}}}}
  pairs: {{files: "{folder}/pairs.jsonl", form: compare, format: hh-rlhf}}
models:
  tiny: {{preset: demo, layers: 1, width: 16, heads: 2, context: 48, tokens: 1600, batch: 480}}
  sft: {{from: tiny, objective: sft, data: demos, epochs: 2, batch: 16, learning_rate: 0.01, threads: 1}}
  reward: {{from: sft, objective: reward, data: pairs, batch: 16, learning_rate: 0.01, threads: 1}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("preferences")
    texts = [{"text": f"The mill {n} races {n * n} and the water runs to the sea. " * 3} for n in range(60)]
    demos = [{"prompt": f"mill {n}?", "answer": f"it races {n}", "user": n % 3} for n in range(60)]
    demos[7]["prompt"] = "ask joe@example.org"
    asked = [f"\n\nHuman: mill {n}?\n\nAssistant:" for n in range(60)]
    pairs = [{"chosen": f"{one} yes {n}", "rejected": f"{one} no"} for n, one in enumerate(asked)]
    for name, rows in (("web", texts), ("demos", demos), ("pairs", pairs)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "conf.yaml").write_text(YAML.format(folder=folder))
    return folder


def test_from_files_to_the_step_that_is_taken(folder: Path) -> None:
    pipeline = load(folder / "conf.yaml")
    run = Run(pipeline.store_url(), LocalEngine(1))
    built = dag.crawl_to_model(run, pipeline)

    def of(stage: str) -> dict[str, Artifact]:
        return {artifact.name: artifact for artifact in run.artifacts if artifact.stage == stage}

    models = of("train")
    sft, reward = (json.loads(models[name].read("model.json")) for name in ("sft", "reward"))
    assert sft["architecture"]["residual_dropout"] == 0.2 and reward["architecture"]["residual_dropout"] == 0
    assert len(sft["snapshots"]) == 2 and not reward["snapshots"] and reward["head"]["kind"] == "reward"
    assert sft["training"]["beta2"] == 0.95 and sft["training"]["warm_up"] == 0
    assert models["reward"].manifest["inputs"]["demonstrations"] == built.examples["demos"].label
    Reward(model_folder(models["reward"]))
    assert of("prompts")["demos"].manifest["statistics"]["reasons"]["personal-data"] == 1
    accuracy = of("reward-accuracy")["reward"].counts(Accuracy)
    assert accuracy.prompts == accuracy.all.pairs > 3 and list(accuracy.by_answers) == ["2"]
    chosen = built.chosen["sft"].counts(Chosen)
    assert str(chosen.step) in chosen.steps and len(chosen.steps) == 2
    assert {artifact.name for artifact in run.artifacts if artifact.stage == "perplexity"} >= {"tiny"}
    assert built.report is not None
    content = json.loads(built.report.read("report.json"))["sections"]["rewards"]
    assert list(content["accuracies"]) == ["reward"] and list(content["chosen"]) == ["sft"]
    assert [of["kind"] for of in content["data"]] == ["comparisons", "demonstrations"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{from: tiny, objective: sft, data: pairs}", "have the form compare, and sft learns from chat"),
        ("{from: sft, objective: reward, data: demos}", "have the form chat, and reward learns from compare"),
        ("{from: sft, objective: reward, data: pairs, auxiliary: 1}", "auxiliary belongs to GPT-1's objectives"),
        ("{from: tiny, objective: sft, data: demos, recipe: instructgpt-2b}", "instructgpt-1.3b"),
        ("{from: tiny, tokens: 1000, recipe: instructgpt-6b}", "recipe: belongs to a model with an `objective`"),
    ],
)
def test_what_cannot_be_is_refused(folder: Path, line: str, said: str) -> None:
    (folder / "wrong.yaml").write_text(YAML.format(folder=folder) + f"  wrong: {line}\n")
    with pytest.raises(Mistake, match=said):
        load(folder / "wrong.yaml")


def test_a_recipe_is_a_papers_size(folder: Path) -> None:
    lines = "  other: {from: tiny, objective: sft, data: demos, recipe: instructgpt-175b, dropout: 0.1}\n"
    (folder / "other.yaml").write_text(YAML.format(folder=folder) + lines)
    pipeline = load(folder / "other.yaml")
    training, epochs = pipeline.models["other"].tuning(1)
    assert (training["learning_rate"], training["batch"], training["floor"], epochs) == (5.03e-6, 8, 0.1, 16)
    architecture, _ = pipeline.filled("other", {})
    assert (architecture.dropout, architecture.residual_dropout) == (0.1, 0.2)
    assert pipeline.models["reward"].tuning(1)[1] == 1
