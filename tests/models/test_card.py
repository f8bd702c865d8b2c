"""A model's card says what the artifacts say, and what is not known."""

import json
from dataclasses import asdict

import pytest
from corpora import Counted, counts, decided, source, workers

from model import checkpoint
from model.config import Architecture, Training, flops_per_token
from model.gpt import GPT
from model.score import load
from tasks.evaluation.perplexity import perplexity as measure
from tasks.models.card import card
from tasks.models.energy import Energy, noted
from tasks.models.files import MODEL_FILES, model_folder
from tasks.models.pretrain import Served, Trained
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage
from tasks.tokens.mixture import mixture
from tasks.tokens.tokenizer import tokenizer, tokenizer_file, vocabulary_of
from tasks.tokens.tokens import tokens

SPLIT = {"validation": 0.3, "seed": 1}
TEXTS = [f"the mill number {n} races, the river number {n * 7} rests." for n in range(120)]
SHAPE = Architecture(layers=1, width=16, heads=2, context=64, vocabulary=300)


@stage("pretrain", kind="fit", version="said")
def said(job: Job, *, tokenizer: Artifact, training: dict) -> Trained:
    """A model as it is initialised, that says it has learned."""
    model = GPT(SHAPE).initialise(1)
    end = vocabulary_of(tokenizer) - 1
    checkpoint.publish(job.workspace, model, tokenizer_file(tokenizer), tokenizer.fingerprint, end, training)
    for name in MODEL_FILES:
        job.put(name, job.workspace / name)
    return Trained(5000, 120, 7680, 0, 5.7, 3.25, {}, {"web": Served(120, 7680, 2.5)})


@stage("imported", kind="input", version="said")
def came(job: Job) -> Counted:
    return Counted()


def test_it_says_what_the_artifacts_say(tmp_path) -> None:
    run = Run(tmp_path, workers(1))
    documents = source(run, "web", TEXTS)
    cut = decided(run, documents)
    by = run(tokenizer, "bpe", documents={"web": documents}, decisions={"web": cut}, shares={"web": 1.0},
             vocabulary=300, sample=10_000, **SPLIT)  # fmt: skip
    made = run(tokens, "web", documents=documents, decision=cut, tokenizer=by, **SPLIT)
    plan = run(mixture, "tiny", tokens={"web": made}, groups={"web": "web"}, weights={"web": 60}, budget=1000,
               context=64, validation_windows=64, **SPLIT)  # fmt: skip
    model = run(said, "tiny", tokenizer=by, training=asdict(Training(updates=120)))
    scored = run(measure, "tiny", model=model, mixture=plan, seed=1)
    about = load(model_folder(model))[2]
    text = card("tiny", about, "The files hold it as GPT-2.", model, plan, scored)
    assert text.startswith("---\nlibrary_name: transformers\n") and "The files hold it as GPT-2." in text
    perplexity = counts(scored)["sources"]["web"]
    flops = flops_per_token(SHAPE) * 7680
    for fact in (
        f"{about['parameters']:,} parameters", "| vocabulary | 300 |", "| band of every second layer, tokens | none |",
        about["model_sha256"], about["tokenizer_sha256"], "120 updates over 7,680 tokens", "loss 5.7000 at the first",
        f"{flops:.3g} FLOPs", "Energy was not measured", "| web | 60 | 7,680 | 2.5 | web |", f"Corpus: `{plan.label}`",
        plan.content, f"- `{made.label}`", f"| web | {perplexity['perplexity']:.2f} |",
        f"| {perplexity['bits_per_byte']:.4f} |", "seed 1",
    ):  # fmt: skip
        assert fact in text, fact
    trace = json.loads((model.folder / "run.json").read_text())
    trace["timing"] = noted(Energy(0.0123, ("nameplate",)))
    (model.folder / "run.json").write_text(json.dumps(trace))
    measured = card("tiny", about, "", model, plan, None)
    assert "Energy: 0.0123 kWh, by nameplate: watts of data sheets times hours; GPT-3's authors give .4 kWh" in measured
    unscored = card("tiny", about, "", model, plan, None)
    assert "No evaluation of it is built." in unscored and "perplexity" not in unscored
    unknown = card("tiny", about, "")
    assert "Not known: the model was given as a folder" in unknown and "updates" not in unknown
    assert "Not known: the model came in" in card("tiny", about, "", run(came, "theirs"))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
