"""`train`, `head-answers` and `scores` of a tuned model: from labelled records to an accuracy with its interval."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpora import contents, workers
from examples_made import examples_made, tokenizer_made

from model.config import Architecture, stated
from model.presets import FINE_TUNING
from tasks.evaluation.asking.table import answers_of
from tasks.evaluation.head_answers import head_answers
from tasks.evaluation.scores import Scored, scores
from tasks.models.card import card
from tasks.models.train import Tuned, train
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

ARCHITECTURE = stated(Architecture(layers=1, width=32, heads=2, context=32, vocabulary=300))
TRAINING = {**FINE_TUNING, "batch": 16, "learning_rate": 1e-2, "seed": 1, "device": "cpu", "threads": 1,
            "checkpoint_every": 5}  # fmt: skip


def records(count: int) -> list[dict[str, Any]]:
    """What is said of a mill: good or bad."""
    draw = np.random.default_rng(1)
    words = {"good": ["fine", "swift", "light"], "bad": ["slow", "foul", "dark"]}
    return [
        {"text": f"the mill {n} is {draw.choice(words[label])}", "label": label}
        for n, label in ((n, ("bad", "good")[n % 2]) for n in range(count))
    ]


def tuned(run: Run, examples: Artifact, objective: str = "classify", **given: Any) -> Artifact:
    how = {
        "start": None, "objective_keys": {}, "architecture": ARCHITECTURE, "training": TRAINING, "epochs": 15,
        "layers_transferred": None, "torchrun": [], **given,
    }  # fmt: skip
    return run(train, "mill", examples=examples, objective=objective, **how)


def scored(run: Run, model: Artifact, answers: Artifact) -> Artifact:
    return run(
        scores, "mill.mill", model="mill", task="mill", answers={"0": answers}, development={},
        ways={"0": {"shots": 0, "template": "default", "draw": 0, "step": None}}, overlap=None, benchmark="mill",
        form="choice", metric="accuracy", reading="sum", best=None, extract=None, ranked=False, programs=False, seed=1,
    )  # fmt: skip


def test_from_records_to_an_accuracy(tmp_path: Path) -> None:
    run = Run(tmp_path / "store", workers(1))
    by = tokenizer_made(run)
    made = examples_made(
        run, "mill", records(80), context=32, by=by, form="classify", text="text", label="label",
        classes=["bad", "good"],
    )  # fmt: skip
    model = tuned(run, made)
    counts = model.counts(Tuned)
    assert counts.epochs == 15 and counts.loss < 0.6 * counts.first_loss
    answers = run(head_answers, "mill.mill.0", model=model, examples=made, step=None)
    rows = answers_of(answers).to_pylist()
    assert {row["choices"][row["gold"][0]] for row in rows} == {"bad", "good"}
    assert all(sum(np.exp(row["log_likelihoods"])) == pytest.approx(1, abs=1e-5) for row in rows)
    assert rows[0]["prompt"].startswith("<|start|>the mill") and rows[0]["prompt"].endswith("<|extract|>")
    found = scored(run, model, answers).counts(Scored).ways["0"]
    assert found.all.items == len(rows) and found.all.low is not None and found.ece is not None
    right = [max(range(2), key=row["log_likelihoods"].__getitem__) == row["gold"][0] for row in rows]
    assert found.all.value == pytest.approx(np.mean(right), abs=1e-6) and counts.figures["accuracy"] == found.all.value
    assert found.all.value > 0.8
    told = card("mill", json.loads(model.read("model.json")), "", model, None, None, [])
    assert "Objective classify" in told and "(15 epochs)" in told and "no other model's weights" in told


def test_choices_are_told_by_their_text(tmp_path: Path) -> None:
    run = Run(tmp_path / "store", workers(1))
    by = tokenizer_made(run)
    told = [
        {
            "document": f"the mill {n} races",
            "question": "what runs?",
            "answers": ["the water", f"stone {n}"],
            "label": n % 2,
        }
        for n in range(24)
    ]
    made = examples_made(
        run, "mill", told, context=32, by=by, form="choose", document="document", question="question",
        answers="answers", label="label",
    )  # fmt: skip
    model = tuned(run, made, "choose", epochs=1)
    rows = answers_of(run(head_answers, "mill.mill.0", model=model, examples=made, step=None)).to_pylist()
    assert all(row["choices"][0] == "the water" and row["choices"][1].startswith("stone ") for row in rows)
    assert all(row["prompt"].endswith("what runs?") and len(row["log_likelihoods"]) == 2 for row in rows)


def test_a_start_of_the_same_tokens(tmp_path: Path) -> None:
    """Tuned on from a tuned one, and the same bytes again; other added tokens are refused."""
    run = Run(tmp_path / "store", workers(1))
    by = tokenizer_made(run)
    keys: dict[str, Any] = {"form": "classify", "text": "text", "label": "label", "classes": ["bad", "good"]}
    made = examples_made(run, "mill", records(24), context=32, by=by, **keys)
    first = tuned(run, made, epochs=2)
    second = tuned(run, made, start=first, epochs=1, training={**TRAINING, "seed": 2})
    about = json.loads(second.read("model.json"))
    assert about["start_sha256"] == json.loads(first.read("model.json"))["model_sha256"]
    assert about["architecture"]["vocabulary"] == json.loads(made.read("examples.json"))["vocabulary"]
    again = Run(tmp_path / "again", workers(1))
    other = tuned(
        again, examples_made(again, "mill", records(24), context=32, by=tokenizer_made(again), **keys), epochs=2
    )
    assert contents(other) == contents(first)
    chat = examples_made(
        run, "chat", [{"prompt": "the mill?", "answer": "it runs"}] * 3, context=32, by=by, form="chat",
        prompt="prompt", answer="answer",
    )  # fmt: skip
    with pytest.raises(Mistake, match=r"added tokens .*<\|extract\|>.*, and examples chat have <\|system\|>"):
        tuned(run, chat, start=first)
