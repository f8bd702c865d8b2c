"""The stages of probes, from a model to what its answers say: what they write, what runs again, and the same bytes."""

import json
from pathlib import Path
from typing import Any

import pytest
from corpora import contents
from planted_models import write
from small_models import made, run_in
from test_probed import PAIRS, SENTENCES
from test_toxicity import planted as ratings
from test_toxicity import write as write_rated

from tasks.evaluation.probes.bias import Biased, bias, bias_of
from tasks.evaluation.probes.occupations import OWN
from tasks.evaluation.probes.probes import Probed, probed, probes
from tasks.evaluation.probes.prompts import about_people
from tasks.evaluation.probes.samples import Sampled, sampled, samples
from tasks.evaluation.probes.toxicity import toxicity_classifier
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.run import Run

NONE: dict[str, Any] = {"occupations": [], "winogender": [], "crows_pairs": []}
HOW = {"files": [], "rated": False, "limit": None, "samples": 6, "tokens": 12, "top_p": 0.9, "seed": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_in(tmp_path_factory.mktemp("store"))


def judged(run: Run, model: Artifact, folder: Path, name: str = "small", **more: Any) -> Artifact:
    """Everything that a pipeline can ask of a model."""
    rated = write_rated(folder / "rated.csv", ratings())
    files = {
        "occupations": [],
        "winogender": write(folder / "w.tsv", SENTENCES),
        "crows_pairs": write(folder / "c.csv", PAIRS),
    }
    return run(
        bias,
        name,
        probes=run(probes, name, model=model, **files),
        people=run(samples, f"{name}-people", model=model, **HOW),
        endings=run(
            samples, f"{name}-endings", model=model,
            **{**HOW, "files": rated, "rated": True, "samples": 1, "top_p": 1.0, "limit": 10},
        ),
        classifier=run(toxicity_classifier, "toxicity", files=rated, seed=1),
        **{"lexicon": [], "seed": 1, **more},
    )  # fmt: skip


def test_from_a_model_to_what_it_says(run: Run, tmp_path: Path) -> None:
    artifact = judged(run, made(run), tmp_path)
    counts, told = artifact.counts(Biased), bias_of(artifact)
    assert counts == Biased(occupations=100, pairs=3, texts=28 * 6, endings=30)
    assert told["occupations"].keys() == {"neutral", "competent", "incompetent"}
    neutral = told["occupations"]["neutral"]["log_ratio"]
    assert neutral["of"] == 100 and neutral["low"] < neutral["value"] < neutral["high"]
    assert len(told["occupations"]["neutral"]["ends"]) == 10
    assert told["winogender"]["all"]["right"]["of"] == 4
    assert told["pairs"].keys() == {"winogender-pairs", "crows-pairs"}
    assert 0 <= told["pairs"]["crows-pairs"]["all"]["bits"]["value"] <= 1
    assert {probe: len(groups) for probe, groups in told["words"].items()} == {"gender": 2, "race": 6, "religion": 6}
    assert told["words"]["gender"]["He"]["texts"] == 12 and told["words"]["race"]["Asian"]["texts"] == 18
    assert told["toxicity"].keys() == {"basic", "respectful", "biased"} and told["toxicity"]["basic"]["of"] == 10
    assert "stand-in" in told["lexicon"] and told["unfit"] == []


def test_the_samples_are_an_artifact_of_texts_and_seeds(run: Run) -> None:
    artifact = run(samples, "w16-people", model=made(run), **HOW)
    table = sampled(artifact)
    assert artifact.counts(Sampled) == Sampled(prompts=28, unfit=0, texts=168, short=0)
    assert table.column("seed").unique().to_pylist() == [1]
    rows = table.to_pylist()
    assert {row["prompt"] for row in rows} == {prompt.text for prompt in about_people()}
    assert [row["sample"] for row in rows[:7]] == [0, 1, 2, 3, 4, 5, 0]
    assert len({row["text"] for row in rows}) > 100


def test_twice_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for place in ("a", "b"):
        other = run_in(tmp_path / place)
        artifacts = [judged(other, made(other), tmp_path), *other.artifacts]
        found.append({artifact.label: contents(artifact) for artifact in artifacts})
    assert found[0] == found[1] and len(found[0]) == 6


def test_another_lexicon_asks_no_model_again(run: Run, tmp_path: Path) -> None:
    model = made(run)
    first = judged(run, model, tmp_path)
    before = len(run.artifacts)
    second = judged(run, model, tmp_path, lexicon=write(tmp_path / "l.txt", "beautiful\t1\nlazy\t-1\n"))
    again = {artifact.label for artifact in run.artifacts[before:]} - {
        artifact.label for artifact in run.artifacts[:before]
    }
    assert again == {second.label} and bias_of(second)["lexicon"] == "the lexicon l.txt"
    assert bias_of(first)["occupations"] == bias_of(second)["occupations"]


def test_a_context_that_is_short(run: Run, tmp_path: Path) -> None:
    """Of 24 positions: the sentences of Winogender do not fit and are named; texts end with the context, as is told."""
    model = made(run, context=24)
    files = write(tmp_path / "w.tsv", SENTENCES)
    artifact = run(probes, "short", model=model, **{**NONE, "winogender": files})
    counts = artifact.counts(Probed)
    unfit = [row for row in probed(artifact) if row["fault"]]
    assert counts.unfit == len(unfit) > 0 and counts.questions == 300 + 5 - len(unfit)
    assert all("the context has 24" in row["fault"] and row["log_likelihoods"] is None for row in unfit)
    named = bias_of(judged(run, model, tmp_path, "short"))
    assert [row["item"] for row in named["unfit"]][: len(unfit)] == [row["item"] for row in unfit]
    assert len(named["unfit"]) > len(unfit), "and the prompts of endings that do not fit"
    told = run(samples, "short-people", model=model, **{**HOW, "tokens": 50}).counts(Sampled)
    assert told == Sampled(prompts=28, unfit=0, texts=168, short=168)


def test_a_prompt_that_does_not_fit_is_named(run: Run) -> None:
    """Of 5 positions only the short prompts fit; one of 5 tokens has room for a token, since that is not read."""
    artifact = run(samples, "tiny-people", model=made(run, context=5), **{**HOW, "tokens": 2})
    told, rows = artifact.counts(Sampled), sampled(artifact).to_pylist()
    unfit = [row for row in rows if row["fault"]]
    assert told.unfit == len(unfit) > 0 and told.prompts == 28 - told.unfit and told.texts == 6 * told.prompts
    assert all(row["text"] is row["sample"] is None and "tokens; the context has 5" in row["fault"] for row in unfit)


def test_a_users_files(run: Run, tmp_path: Path) -> None:
    model = made(run)
    jobs = write(tmp_path / "jobs.txt", "miner\npilot\n")
    rows = probed(run(probes, "jobs", model=model, **{**NONE, "occupations": jobs}))
    assert {row["item"] for row in rows} == {"miner", "pilot"} and len(rows) == 6
    with pytest.raises(Mistake, match=r"evaluate\.probes\.occupations matches 2 files; name one"):
        run(probes, "two", model=model, **{**NONE, "occupations": jobs * 2})
    with pytest.raises(Failure, match="is not the file that was listed"):
        run(probes, "changed", model=model, **{**NONE, "occupations": [{**jobs[0], "sha256": "0" * 64}]})
    assert len(OWN) * 3 == run(probes, "own", model=model, **NONE).counts(Probed).questions


def test_what_is_told_is_plain_json(run: Run, tmp_path: Path) -> None:
    told = json.loads(judged(run, made(run), tmp_path).read("bias.json"))
    assert told["parameters"] > 10_000 and "NaN" not in json.dumps(told)
