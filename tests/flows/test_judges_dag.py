"""The DAG of judges: samples -> label -> examples, and what is told of models; of models that learned nothing."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from corpora import Counted, counts
from examples_made import tokenizer_made

from conf.load import load
from conf.pipeline import Pipeline
from flows.dag import crawl_to_model
from flows.dag.built import Built
from flows.dag.evaluation import placed
from flows.dag.examples import needed, show_examples
from flows.dag.judges import align
from flows.run_stage import PLACEABLE
from model import checkpoint
from model.config import Architecture
from model.gpt import GPT
from tasks.judges.win_rate import Won
from tasks.models.files import MODEL_FILES
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage

sys.path.append(str(Path(__file__).resolve().parents[1]))

OWN = [{"without": ["zebra"]}, {"with": ["zebra"], "weight": 3}]
YAML = """\
store: {folder}/store
validation: 0.3
sources:
  web: {{kind: text, files: "{folder}/*.txt"}}
examples:
  prompts: {{files: "{folder}/prompts.jsonl", form: prompt}}
  demos: {{files: "{folder}/demos.jsonl", form: chat}}
  bad: {{files: "{folder}/bad.jsonl", form: prompt}}
  pairs: {{form: compare, samples: {{model: sft, prompts: prompts, answers: 4, tokens: 6}}, judge: polite}}
judges:
  polite: {{rules: [{{ends_with: e}}, {{words: [1, 3], weight: 2}}]}}
  task: {{own: rules}}
  refusal:
    model: sft
    rubric:
      question: "Which?"
      classes:
        a: {{says: no, rules: [{{starts_with: no}}]}}
        b: {{says: rude, rules: [{{with: [rude]}}]}}
        c: {{says: bad, rules: [{{with: [bomb]}}]}}
        d: {{says: good}}
models:
  small: {{preset: demo, layers: 1, width: 16, heads: 2, context: 96, tokens: 1600}}
  sft: {{from: small, objective: sft, data: demos}}
  other: {{from: sft, objective: sft, data: demos, epochs: 2}}
evaluate:
  alignment:
    prompts: prompts
    judges: [polite, task]
    against: sft
    answers: 2
    tokens: 5
    closed: prompts
    people: "{folder}/people.jsonl"
    refusals: {{disallowed: bad, safe: prompts, judge: refusal, tokens: 4}}
    steering: {{system: "end with e", prompts: prompts, judge: polite, turns: 2, tokens: 4}}
"""


@stage("train", kind="fit", version="untrained")
def untrained(job: Job, *, examples: Artifact | None, tokenizer: Artifact, seed: int) -> Counted:
    """A model of the examples' tokenizer, or of the pipeline's own."""
    from tasks.tokens.tokenizer import tokenizer_file

    path = job.workspace / "own-tokenizer.json"
    path.write_bytes(
        examples.read("tokenizer.json") if examples is not None else tokenizer_file(tokenizer).read_bytes()
    )
    from tokenizers import Tokenizer

    library = Tokenizer.from_file(str(path))
    shape = Architecture(layers=1, width=16, heads=2, context=96, vocabulary=library.get_vocab_size())
    end = library.token_to_id("<|endoftext|>")
    checkpoint.publish(job.workspace, GPT(shape).initialise(seed), path, "fingerprint", end, asdict(shape))
    for name in MODEL_FILES:
        job.put(name, job.workspace / name)
    return Counted()


def written(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Pipeline, Built]:
    folder = tmp_path_factory.mktemp("judges")
    written(folder / "prompts.jsonl", [{"prompt": f"what is mill {n}?", "rules": OWN} for n in range(20)])
    written(folder / "bad.jsonl", [{"prompt": f"break mill {n}"} for n in range(20)])
    written(folder / "demos.jsonl", [{"prompt": f"and mill {n}?", "answer": f"a mill {n}"} for n in range(20)])
    row = {"id": "p", "prompt": "say", "labeler": "ann", "judge": "human"}
    written(folder / "people.jsonl", [row | {"answers": ["a mile", "four words that end"], "ranks": [1, 2]}])
    (folder / "conf.yaml").write_text(YAML.format(folder=folder))
    p = load(folder / "conf.yaml")
    run = Run(p.store_url(), LocalEngine(1))
    built = Built(tokenizer=tokenizer_made(run))
    show_examples(run, p, built)
    for seed, name in enumerate(p.models):
        data = None if name == "small" else built.examples["demos"]
        built.models[name] = run(untrained, name, examples=data, tokenizer=built.tokenizer, seed=seed)
    for name in p.examples:
        needed(run, p, built, name)
    align(run, p, built, list(p.models))
    return run, p, built


def test_samples_are_labelled_and_become_examples(made: tuple[Run, Pipeline, Built]) -> None:
    run, _, built = made
    stages = [artifact.stage for artifact in run.artifacts if artifact.name == "pairs"]
    assert stages == ["completions", "judged", "label", "labelled", "index", "examples"]
    of = {artifact.stage: artifact for artifact in run.artifacts if artifact.name == "pairs"}
    told = counts(of["label"])
    assert told["prompts"] == 20 and told["answers"] == 80 and 0 < told["pairs"] < 120
    assert counts(of["labelled"])["documents"] == 20 and not counts(of["labelled"])["rejects"]
    about = json.loads(built.examples["pairs"].read("examples.json"))
    assert about["form"] == "compare" and about["rows"] == 4
    assert built.examples["pairs"].read("tokenizer.json") == built.examples["prompts"].read("tokenizer.json")
    shards = built.examples["pairs"].shards()
    rows = [
        row for s in shards for row in pq.read_table(built.examples["pairs"].folder / f"{s.key}.parquet").to_pylist()
    ]
    assert len(rows) == 80 and {row["label"][0] for row in rows} >= {1.0, 2.0}
    prompts = json.loads(built.examples["prompts"].read("examples.json"))["shards"]
    assert sum(s["train_examples"] for s in about["shards"]) == sum(s["train_examples"] for s in prompts), (
        "a comparison is of the part that its prompt is of"
    )


def test_what_is_told_of_models(made: tuple[Run, Pipeline, Built]) -> None:
    run, p, _ = made
    named = {(artifact.stage, artifact.name): artifact for artifact in run.artifacts}
    won = {name: named["win-rate", f"{name}.polite"].counts(Won) for name in p.models}
    assert won["sft"].rate is None and won["sft"].method == "sft" and won["small"].method == "lm"
    assert won["other"].rate is not None and won["other"].rate.of == 2 * won["other"].rate.clusters > 0
    assert won["small"].alone == 0 and won["small"].rate is not None, "a model without roles is asked in plain text"
    assert all(one.agreement is not None and one.agreement.value == 1 for one in won.values())
    task = named["win-rate", "other.task"].counts(Won)
    assert task.value.value == 0.25 and task.obeyed is not None and task.obeyed.value == 0 and task.agreement is None
    assert {name: of.value for name, of in task.rules} == {"without": 1, "with": 0}
    refused = counts(named["refusals", "other"])
    assert refused["asks"] == "sft" and refused["disallowed"]["right"]["of"] > 0
    assert {name for at, name in named if at == "steering"} == {"sft", "other"}
    assert {name for at, name in named if at == "grounded"} == set(p.models)


def test_what_asks_a_model_can_be_placed(made: tuple[Run, Pipeline, Built]) -> None:
    run, p, _ = made
    here = {place for place in placed(p) if place[0] in ("completions", "judged", "steering")}
    asks = {
        (a.stage, a.name)
        for a in run.artifacts
        if a.stage in ("completions", "steering") or (a.stage == "judged" and "refusal" in a.name)
    } - {("completions", "pairs")}
    assert here >= asks and {"completions", "judged", "steering"} <= set(PLACEABLE)
    assert here - asks == {("steering", "small")}, "which has no roles, and is not asked"


def test_models_stand_behind_what_they_are_sampled_of(made: tuple[Run, Pipeline, Built], tmp_path: Path) -> None:
    text = YAML.format(folder=tmp_path).replace(
        "  other: {from: sft, objective: sft, data: demos, epochs: 2}\n",
        "  other: {from: small, objective: sft, data: demos}\n",
    )
    (tmp_path / "conf.yaml").write_text(text)
    p = load(tmp_path / "conf.yaml")
    assert p.needs("sft") == ["small"] and p.learning() == ["sft", "other"]


LOOP = """\
store: {folder}/store
validation: 0.3
sources:
  web: {{kind: jsonl, files: "{folder}/web.jsonl"}}
tokenizer: {{vocabulary: 300}}
examples:
  demos: {{files: "{folder}/demos.jsonl", form: chat}}
  prompts: {{files: "{folder}/prompts.jsonl", form: prompt}}
  pairs: {{form: compare, samples: {{model: sft, prompts: prompts, answers: 4, tokens: 6}}, judge: polite}}
judges:
  polite: {{rules: [{{ends_with: e}}, {{words: [1, 3]}}]}}
  taste: {{reward: reward}}
models:
  reward: {{from: sft, objective: reward, data: pairs, batch: 8, learning_rate: 0.01, threads: 1}}
  sft: {{from: tiny, objective: sft, data: demos, epochs: 2, batch: 16, learning_rate: 0.01, threads: 1}}
  taught:
    {{from: sft, objective: ppo, reward: polite, data: prompts, ppo: {{episodes: 32, batch: 16, minibatch: 8, gamma: 0,
      answer_tokens: 6, learning_rate: 0.001, value_learning_rate: 0.001, warm_up: 0, threads: 1}}}}
  tiny: {{preset: demo, layers: 1, width: 16, heads: 2, context: 48, tokens: 1600, batch: 480}}
evaluate:
  alignment: {{prompts: prompts, judges: [polite, taste], against: tiny, tokens: 6}}
"""


def test_the_loop_from_yaml_to_report(tmp_path: Path) -> None:
    """sft -> samples -> label -> examples -> reward -> which judges sft at the step that it chose, beside the rules."""
    written(tmp_path / "web.jsonl", [{"text": f"The mill {n} races to the sea. " * 3} for n in range(60)])
    written(tmp_path / "demos.jsonl", [{"prompt": f"mill {n}?", "answer": f"it is {n}"} for n in range(40)])
    written(tmp_path / "prompts.jsonl", [{"prompt": f"wheel {n}?"} for n in range(30)])
    (tmp_path / "conf.yaml").write_text(LOOP.format(folder=tmp_path))
    p = load(tmp_path / "conf.yaml")
    run = Run(p.store_url(), LocalEngine(1))
    built = crawl_to_model(run, p)
    named = {(artifact.stage, artifact.name): artifact for artifact in run.artifacts}
    assert named["train", "reward"].manifest["inputs"]["examples"] == built.examples["pairs"].label
    of_labels, evaluated = named["completions", "pairs"], named["completions", "sft.prompts"]
    assert "chosen" not in of_labels.manifest["inputs"], "what rewards are learned from waits for no reward"
    assert evaluated.manifest["inputs"]["chosen"] == built.chosen["sft"].label
    assert counts(named["reward-accuracy", "reward"])["by_labeler"].keys() == {"polite"}
    assert {name for at, name in named if at == "win-rate"} == {
        f"{model}.{judge}" for model in ("sft", "taught", "tiny") for judge in ("polite", "taste")
    }
    assert built.report is not None
    content = json.loads(built.report.read("report.json"))["sections"]["alignment"]
    assert {(row["judge"], row["kind"]) for row in content["won"]} == {("polite", "rules"), ("taste", "reward model")}
    assert sum(row["rate"] is not None for row in content["won"]) == 4, "two against tiny, by each judge"
    assert named["ppo", "taught"].manifest["inputs"].get("reward") is None, "a judge of rules is its own reward"
    ppo = json.loads(built.report.read("report.json"))["sections"]["ppo"]["models"]["taught"]
    assert [episodes for episodes, _ in ppo["score"]] == [16, 32]
    assert all(0 <= score <= 2 for _, score in ppo["score"]) and "lm_loss" not in ppo
