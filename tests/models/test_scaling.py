"""Scaling and prediction over toy models with planted losses; the prediction comes before the model it foretells."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from model.config import PF_DAY, Architecture, Training, training_flops
from tasks.models.prediction import prediction
from tasks.models.scaling import FILE, envelope, scaling
from tasks.models.validation_loss import curve, weights_of
from tasks.models.verdict import verdict
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

GROUPS = [
    {"group": "web", "weight": .75, "sources": [{"source": "a", "validation": 9}, {"source": "b", "validation": 0}]},
    {"group": "books", "weight": .25, "sources": [{"source": "c", "validation": 5}, {"source": "d", "validation": 15}]},
]  # fmt: skip
SIZES = [(1, 16), (1, 32), (2, 32), (2, 48), (2, 64)]


@statistics
class Nothing:
    rows: int = 0


@stage("mixture", kind="decision", version="1")
def mixed(job: Job) -> Nothing:
    with job.publish("mixture.json") as file:
        file.write(json.dumps({"groups": GROUPS}).encode())
    return Nothing()


@stage("pretrain", kind="fit", version="1")
def trained(
    job: Job, *, mixture: Artifact, architecture: dict, training: dict, prediction: Artifact | None = None
) -> Nothing:
    """Loss as planted: L = .3 C^-.1 + 1 in PF-days at half and whole budget; source c is .4 above, d .4 / 3 below."""
    whole = training_flops(Architecture(**architecture), Training(**training)) / PF_DAY
    rows = []
    for step, part in enumerate((0.25, 0.5, 1.0), 1):
        loss = 0.3 * (whole * part) ** -0.1 + 1
        row = {"step": step, "tokens": int(training["tokens"] * part), "loss": loss}
        rows.append(
            row
            if step == 1
            else row | {f"validation_{s}": loss + d for s, d in zip("acd", (0, 0.4, -0.4 / 3), strict=True)}
        )
    with job.publish("metrics.jsonl") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows).encode())
    return Nothing()


def recipe(layers: int, width: int, tokens: int = 4096) -> dict:
    a = Architecture(layers=layers, width=width, heads=1, context=32, vocabulary=300)
    return {"architecture": asdict(a), "training": asdict(Training(tokens=tokens, batch=256))}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path, LocalEngine(1))


def ladder(run: Run) -> dict[str, dict[str, Artifact]]:
    mixture = run(mixed, "all")
    names = {f"{layers}x{width}": (layers, width) for layers, width in SIZES}
    models = {name: run(trained, name, mixture=mixture, **recipe(*size)) for name, size in names.items()}
    return {"models": models, "mixtures": dict.fromkeys(models, mixture)}


TARGET = recipe(8, 128, 262_144)


def test_a_loss_is_weighted_as_the_mixture(run):
    rungs = ladder(run)
    assert weights_of(rungs["mixtures"]["1x16"]) == {"a": 0.75, "b": 0.0, "c": 0.0625, "d": 0.1875}
    points = curve(rungs["models"]["1x16"], rungs["mixtures"]["1x16"])
    # c and d cancel: 5 x .4 = 15 x .4 / 3
    whole = (
        training_flops(Architecture(**recipe(1, 16)["architecture"]), Training(**recipe(1, 16)["training"])) / PF_DAY
    )
    assert points == [
        (2048, pytest.approx(0.3 * (whole / 2) ** -0.1 + 1)),
        (4096, pytest.approx(0.3 * whole**-0.1 + 1)),
    ]


def test_laws_of_a_ladder(run):
    made = run(scaling, "ladder", **ladder(run))
    about = json.loads(made.read(FILE))
    assert about["laws"].keys() == {"compute", "compute_without_embeddings", "parameters"}, "tokens are all the same"
    assert -0.1 < about["laws"]["compute_without_embeddings"]["b"] < -0.05
    assert about["laws"]["parameters"]["paper"] == -0.076
    assert [len(points) for points in about["curves"].values()] == [2] * 5
    losses = [loss for _, loss in about["envelope"]]
    assert losses == sorted(losses, reverse=True)


def test_an_envelope_is_what_nothing_cheaper_reached():
    assert envelope([(3, 2.0), (1, 4.0), (2, 4.5), (2, 3.0), (4, 2.0)]) == [(1, 4.0), (2, 3.0), (3, 2.0)]


def foretold(run: Run, rungs: dict, share: float = 0.01) -> Artifact:
    return run(prediction, "large", **rungs, **TARGET, share=share, seed=1)


def test_a_planted_law_is_foretold_and_judged(run):
    rungs = ladder(run)
    told = foretold(run, rungs)
    said = json.loads(told.read("prediction.json"))
    assert said["c"] == pytest.approx(1, abs=1e-3) and said["b"] == pytest.approx(-0.1, abs=1e-4)
    assert said["runs"] == 5 and said["share"] < 0.01
    model = run(trained, "large", mixture=rungs["mixtures"]["1x16"], prediction=told, **TARGET)
    judged = run(verdict, "large", prediction=told, model=model, mixture=rungs["mixtures"]["1x16"])
    counts = judged.manifest["statistics"]
    assert counts["realised"] == pytest.approx(counts["predicted"], abs=1e-4)


def test_a_prediction_made_after_its_model_is_refused(run):
    rungs = ladder(run)
    model = run(trained, "large", mixture=rungs["mixtures"]["1x16"], **TARGET)
    with pytest.raises(Failure, match=r"was not trained after prediction/large-.*a prediction made afterwards is none"):
        run(verdict, "large", prediction=foretold(run, rungs), model=model, mixture=rungs["mixtures"]["1x16"])


def test_runs_that_cost_too_much_are_refused(run):
    with pytest.raises(Failure, match=r"2x64 took .* % of the compute of large, .* from 0.01 % at most"):
        foretold(run, ladder(run), share=0.0001)


def test_too_few_sizes_are_refused_with_a_sentence(run):
    rungs = ladder(run)
    few = {key: dict(list(rungs[key].items())[:3]) for key in rungs}
    with pytest.raises(Failure, match=r"large cannot be foretold: .*give ladder.sizes more small sizes"):
        foretold(run, few)
