"""The DAG of `objective: ppo`: from demonstrations, comparisons and prompts to a model that is asked as others are."""

import json
from pathlib import Path

import pytest

from conf.load import load
from flows import dag
from flows.places import places_of
from model.config import total_windows
from tasks.models.ppo import Reinforced
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
  demos: {{files: "{folder}/demos.jsonl", form: chat, context: 40}}
  pairs: {{files: "{folder}/pairs.jsonl", form: compare, context: 40}}
  asked: {{files: "{folder}/asked.jsonl", form: prompt, context: 40}}
models:
  tiny: {{preset: demo, layers: 1, width: 16, heads: 2, context: 48, tokens: 1600, batch: 480}}
  sft: {{from: tiny, objective: sft, data: demos, epochs: 1, batch: 16, learning_rate: 0.01, threads: 1}}
  reward: {{from: sft, objective: reward, data: pairs, batch: 16, learning_rate: 0.01, threads: 1}}
  instruct: {{from: sft, objective: ppo, reward: reward, data: asked, mix: tiny, recipe: instructgpt-6b, on: gpu,
              ppo: {{episodes: 16, batch: 8, minibatch: 8, answer_tokens: 4, device: cpu, threads: 1}}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reinforced")
    rows = {
        "web": [{"text": f"The mill {n} races {n * n} and the water runs to the sea. " * 3} for n in range(60)],
        "demos": [{"prompt": f"mill {n}?", "answer": f"it races {n}"} for n in range(40)],
        "pairs": [{"prompt": f"mill {n}?", "answers": [f"yes {n}", "no"], "ranks": [1, 2]} for n in range(40)],
        "asked": [{"prompt": f"and mill {n}?"} for n in range(30)],
    }
    for name, lines in rows.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    (folder / "conf.yaml").write_text(YAML.format(folder=folder))
    return folder


@pytest.mark.long
def test_a_model_learns_from_rewards_in_the_dag(folder: Path) -> None:
    pipeline = load(folder / "conf.yaml")
    run = Run(pipeline.store_url(), LocalEngine(1))
    built = dag.pretrain(run, pipeline)
    model = built.models["instruct"]
    assert model.stage == "ppo" and model.counts(Reinforced).episodes == 16
    inputs, parameters = model.manifest["inputs"], model.manifest["parameters"]
    assert inputs["mixture"] == built.mixtures["tiny"].label and inputs["reward"] == built.models["reward"].label
    assert inputs["chosen"] == built.chosen["sft"].label  # it begins at the step that the reward model takes
    _, training = pipeline.filled("tiny", {})
    assert parameters["windows"] == {"seed": training.seed, "first": total_windows(training, 48)}
    keys = parameters["keys"]
    assert keys["value_learning_rate"] == 9e-6 and keys["gamma"] == 27.8 and keys["seed"] == pipeline.seed
    assert places_of(pipeline)["ppo", "instruct"] == "gpu"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{from: sft, objective: ppo, reward: sft, data: asked, mix: tiny}", "reward names sft, and can be reward"),
        ("{from: sft, objective: ppo, reward: reward, data: asked, mix: sft}", "mix names sft, and can be tiny"),
        (
            "{from: sft, objective: ppo, reward: reward, data: demos, mix: tiny}",
            "have the form chat, and ppo learns from",
        ),
        ("{from: reward, objective: ppo, reward: reward, data: asked, mix: tiny}", "give a model that speaks"),
        ("{from: sft, objective: ppo, reward: reward, data: asked}", "and there is no `mix` to take windows from"),
        ("{from: sft, objective: ppo, data: asked, mix: tiny}", "objective ppo needs reward"),
        ("{from: sft, objective: ppo, reward: reward, data: asked, mix: tiny, tokens: 10}", "tokens must go"),
        ("{from: sft, objective: ppo, reward: reward, data: asked, mix: tiny, ppo: {clip: 0}}", "clip is 0"),
        ("{from: tiny, objective: sft, data: demos, reward: reward}", "reward: belongs to a model whose `objective`"),
    ],
)
def test_what_cannot_be_is_refused(folder: Path, line: str, said: str) -> None:
    (folder / "wrong.yaml").write_text(YAML.format(folder=folder) + f"  wrong: {line}\n")
    with pytest.raises(Mistake, match=said):
        load(folder / "wrong.yaml")
