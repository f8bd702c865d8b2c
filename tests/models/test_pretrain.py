"""`pretrain`: what it leaves, that it leaves the same bytes again, and after a kill."""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from corpora import ROOT, contents, counts, decided, harm, source, workers
from safetensors.torch import load_file

from model.config import Architecture, Training, parameters, stated
from model.score import load
from tasks.models.energy import energy_of
from tasks.models.files import model_folder
from tasks.models.pretrain import TAIL, _last_row, pretrain, skipped_of, snapshots_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Silent
from tasks.runtime.run import Run, handle
from tasks.tokens.mixture import mixture
from tasks.tokens.tokenizer import tokenizer
from tasks.tokens.tokens import tokens

HERE = Path(__file__).parent

ARCHITECTURE = Architecture(layers=1, width=16, heads=2, context=32, vocabulary=300)
TRAINING = Training(
    updates=120, batch=4 * 32, micro_batch=4, learning_rate=1e-2, warm_up=5, checkpoint_every=15, validate_every=50,
    validation_windows=4, device="cpu", threads=1, snapshots=[1, 64],
)  # fmt: skip
SPLIT = {"validation": 0.2, "seed": 1}


def inputs(run: Run) -> dict[str, Artifact]:
    """A mixture of two groups, a few thousand tokens each, and its tokenizer."""
    draw = random.Random(1)
    lines = [
        [f"the {draw.choice('mnr')}ill {w} {w} {w}." for w in draw.choices(["races", "grinds"], k=80)] for _ in "ab"
    ]
    documents = {name: source(run, name, texts, shards=2) for name, texts in zip(("web", "books"), lines, strict=True)}
    decisions = {name: decided(run, one) for name, one in documents.items()}
    shares = {"web": 0.5, "books": 0.5}
    by = run(
        tokenizer,
        "bpe",
        documents=documents,
        decisions=decisions,
        shares=shares,
        vocabulary=280,
        sample=10_000,
        **SPLIT,
    )
    made = {
        name: run(tokens, name, documents=one, decision=decisions[name], tokenizer=by, **SPLIT)
        for name, one in documents.items()
    }
    groups, weights = {"web": "web", "books": "books"}, {"web": 3, "books": 1}
    held_out = {"context": 32, "validation": 0.2, "validation_windows": 4}
    plan = run(mixture, "tiny", tokens=made, groups=groups, weights=weights, budget=10_000, seed=1, **held_out)
    return {"mixture": plan, "tokenizer": by}


def arguments(run: Run, training: Training = TRAINING) -> dict:
    return {**inputs(run), "architecture": asdict(ARCHITECTURE), "training": asdict(training), "torchrun": []}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Artifact:
    run = Run(tmp_path_factory.mktemp("unbroken"), workers(1))
    return run(pretrain, "tiny", **arguments(run))


def test_what_a_model_is(trained):
    snapshots = {"snapshots/step-00000001.safetensors", "snapshots/step-00000064.safetensors"}
    assert set(trained.files()) == {"model.safetensors", "model.json", "tokenizer.json", "metrics.jsonl", *snapshots}
    assert not (trained.folder / "checkpoints").exists()
    assert harm(trained) == []
    (tokenizer_json,) = (trained.folder.parents[1] / "tokenizer").glob("*/tokenizer.json")
    assert (trained.folder / "tokenizer.json").read_bytes() == tokenizer_json.read_bytes()
    about = json.loads((trained.folder / "model.json").read_bytes())
    assert about["architecture"] == stated(ARCHITECTURE)


def test_the_gap_is_told_while_it_learns_and_at_the_end(tmp_path):
    said = []

    class Heard(Silent):
        def log(self, text):
            said.append(text)

    run = Run(tmp_path, workers(1), Heard())
    model = run(pretrain, "tiny", **arguments(run, Training(**{**asdict(TRAINING), "updates": 51, "snapshots": None})))
    (line, *_) = [text for text in said if text.startswith("tiny: step 5")]
    assert re.fullmatch(
        r"tiny: step 5\d, validation less training loss: books [+-]\d\.\d{3} \(epoch \d+\.\d\d\), web [+-].*", line
    )
    page = pretrain.note(model)
    assert page.startswith("### Validation less training loss at the end\n") and page.count("\n| ") == 3
    assert re.search(r"\| web \| \d+\.\d\d \| [+-]\d\.\d{4} \|", page)


def test_its_energy_is_noted_outside_of_its_bytes(trained):
    spent = energy_of(trained)
    assert spent is not None and 0 < spent.kwh < 1 and spent.by in (("nameplate",), ("rapl",))
    assert not any("kwh" in content.decode(errors="replace") for content in contents(trained).values())


def test_weights_along_the_way_can_be_read(trained):
    kept = snapshots_of(trained)
    assert (
        skipped_of(trained) == []
        and list(kept) == [1, 64]
        and [path.name[5:13] for path in kept.values()] == ["00000001", "00000064"]
    )
    first, last = (load(model_folder(trained), step=step)[0].tokens.weight for step in (1, None))
    assert torch.equal(load_file(kept[1])["tokens.weight"], first) and not torch.equal(first, last)


def test_progress_reads_the_last_whole_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    assert _last_row(path) is None
    path.write_text('{"step": 1')
    assert _last_row(path) is None
    for step, width in ((1, 3), (2, TAIL), (3, 3 * TAIL), (4, 1)):  # of lines longer than what is read at a time
        row = {"step": step, "more": "x" * width}
        path.write_text("".join([path.read_text() if step > 1 else "", json.dumps(row), "\n"]))
        assert _last_row(path) == row
        whole = path.read_text()
        path.write_text(whole + '{"step": 99, "lo')
        assert _last_row(path) == row
        path.write_text(whole)


def test_progress_does_not_read_the_whole_file(tmp_path, monkeypatch):
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(f'{{"step": {step}, "loss": 3.25}}\n' for step in range(1, 100_001)))
    read = []
    opened = Path.open

    def watched(self, mode="r"):
        file = opened(self, mode)
        plain = file.read
        return SimpleNamespace(seek=file.seek, read=lambda count: read.append(count) or plain(count))

    monkeypatch.setattr(Path, "open", lambda self, mode="r": contextlib.nullcontext(watched(self, mode)))
    assert _last_row(path)["step"] == 100_000 and sum(read) <= TAIL


def test_statistics(trained):
    rows = [json.loads(line) for line in (trained.folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 121))
    s = counts(trained)
    assert (s["updates"], s["tokens"]) == (120, 120 * 4 * 32)
    assert s["parameters"] == parameters(ARCHITECTURE)
    assert (s["first_loss"], s["loss"]) == (rows[0]["loss"], rows[-1]["loss"]) and s["loss"] < s["first_loss"] / 2
    assert s["validation"] == {"web": rows[-1]["validation_web"], "books": rows[-1]["validation_books"]}
    assert s["validation_stderr"] == {name: rows[-1][f"validation_stderr_{name}"] for name in ("web", "books")}
    assert all(0 < error < 1 for error in s["validation_stderr"].values())
    assert {name: group["windows"] for name, group in s["realised"].items()} == {"web": 360, "books": 120}
    for group in s["realised"].values():
        assert group["tokens"] == group["windows"] * 32 and group["epochs"] > 1


def test_the_same_bytes_after_a_kill(trained, tmp_path):
    """The run and its trainer are killed at once, between two checkpoints, and the same command goes on."""
    run = Run(tmp_path / "killed", workers(1))
    artifact = handle(run.store, pretrain, "tiny", arguments(run))
    assert artifact.fingerprint == trained.fingerprint
    script = (
        "import sys; from pathlib import Path; from test_pretrain import *;"
        "run = Run(sys.argv[1], workers(1)); run(pretrain, 'tiny', **arguments(run))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, run.store.url],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [ROOT, ROOT / "tests", HERE]))},
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 120
        work = run.store.workspace(artifact.label)
        while steps(work) < 20:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.005)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not artifact.built and not (work / "model.safetensors").exists()
    assert 20 <= steps(work) < 120 and list((work / "checkpoints").glob("step-*"))
    assert [entry.name for entry in run.store.list("pretrain")] == []  # nothing is published before the end
    again = run(pretrain, "tiny", **arguments(run))
    assert "resuming from" in (again.folder / "run.train.log").read_text()
    assert contents(again) == contents(trained)
    assert not work.exists()
    assert again.manifest == trained.manifest


def steps(folder: Path) -> int:
    path = folder / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_a_training_that_stops_is_told_in_the_trainers_words(run):
    training = Training(**{**asdict(TRAINING), "learning_rate": 1e30, "clip": None})
    with pytest.raises(
        Failure, match=r"training of tiny stopped: .*not finite.*lower the learning rate.*run.train.log"
    ):
        run(pretrain, "tiny", **arguments(run, training))
    wild = Training(**{**asdict(TRAINING), "learning_rate": 10.0, "clip": None, "above_uniform": 20, "warm_up": 0})
    with pytest.raises(
        Failure, match=r"for 20 updates the loss, now .*of a model that knows nothing.*no checkpoint yet"
    ):
        run(pretrain, "wild", **arguments(run, wild))
    assert [entry.name for entry in run.store.list("pretrain")] == []
