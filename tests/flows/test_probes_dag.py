"""The DAG of probes and exams: which stages a pipeline's keys ask for, and that they run on a model as it comes."""

import csv
import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from conf.load import load
from conf.pipeline import Pipeline
from flows.dag.built import Built
from flows.dag.exams import examine
from flows.dag.probes import probe
from tasks.evaluation.exams import Exams
from tasks.evaluation.probes.bias import Biased
from tasks.runtime.run import Run

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation" / "probes"))
from small_models import made, run_in

HEAD = "sources:\n  web: {kind: text, files: 'web/*.txt'}\nmodels:\n  small: {preset: demo}\n"


def pipeline(folder: Path, evaluate: str) -> Pipeline:
    (folder / "p.yaml").write_text(f"{HEAD}evaluate:\n{evaluate}")
    return load(folder / "p.yaml")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return run_in(tmp_path / "store")


def probed(run: Run, p: Pipeline) -> dict[str, list[str]]:
    """The artifacts of probes, by stage."""
    built = Built(models={"small": made(run)})
    before = len(run.artifacts)
    probe(run, p, built, ["small"])
    found: dict[str, list[str]] = {}
    for artifact in run.artifacts[before:]:
        found.setdefault(artifact.stage, []).append(artifact.name)
    return found


def test_a_pipeline_that_asks_for_none_has_none(run: Run, tmp_path: Path) -> None:
    assert probed(run, pipeline(tmp_path, "  tasks: []\n")) == {}


def test_without_samples_only_likelihoods_are_asked(run: Run, tmp_path: Path) -> None:
    assert probed(run, pipeline(tmp_path, "  probes: {samples: 0}\n")) == {"probes": ["small"], "bias": ["small"]}


def test_everything_that_can_be_asked(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "rated.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["context", "sample", "toxicity"])
        rows.writerows([f"context {n % 8}", f"word{n % 5} and word{n % 3}", n % 10 / 10] for n in range(80))
    prompts = "".join(json.dumps({"prompt": {"text": f"The mill {n}"}}) + "\n" for n in range(9))
    (tmp_path / "prompts.jsonl").write_text(prompts)
    (tmp_path / "jobs.txt").write_text("miner\nnurse\n")
    p = pipeline(
        tmp_path,
        f"  probes:\n    samples: 2\n    tokens: 5\n    occupations: {tmp_path}/jobs.txt\n    toxicity:\n"
        f"      rated: {tmp_path}/rated.csv\n      prompts: {tmp_path}/prompts.jsonl\n      limit: 4\n",
    )
    assert probed(run, p) == {
        "toxicity-classifier": ["toxicity"],
        "probes": ["small"],
        "samples": ["small-people", "small-endings"],
        "bias": ["small"],
    }
    assert run.artifacts[-1].counts(Biased) == Biased(occupations=2, pairs=0, texts=56, endings=12)


def test_exams(run: Run, tmp_path: Path) -> None:
    sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
    from test_exams import rows, said

    exam = {"title": "Quiz", "sections": [{"kind": "choice", "weight": 10, "task": "quiz"}], "percentiles": {"5": 50}}
    (tmp_path / "exam.json").write_text(json.dumps(exam))
    p = pipeline(tmp_path, "  tasks: []\n")
    evaluate = p.evaluate.model_copy(update={"exams": [str(tmp_path / "exam.json")]})
    scores = run(said, "small.quiz", ways={"0": rows([1.0, 0.0, 1.0])}, chosen=None)
    assert pq.read_table(scores.local("items.parquet")).num_rows == 3
    examine(run, p.model_copy(update={"evaluate": evaluate}), Built(scores={"small": {"quiz": scores}}), ["small"])
    found = run.artifacts[-1].counts(Exams).exams["exam"].reported
    assert found.raw == pytest.approx(20 / 3, abs=1e-6) and found.percentile == 50.0
