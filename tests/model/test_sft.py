"""`sft`: the loss counts answers alone, and what demonstrations show is learned."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from chats import ADDED, ASSISTANT, SAID, demonstrations, prompt, write_demonstrations
from trainings import rows
from tuned import write_examples

from model.config import Architecture
from model.data import Batch
from model.examples import Examples
from model.files import Folder
from model.generate import tokens
from model.gpt import GPT
from model.headed import Headed
from model.score import load
from model.sft import SFT

MODEL = {"layers": 2, "width": 32, "heads": 2, "context": 32, "vocabulary": 261, "dropout": 0.0}


def batch_of(examples: Examples, numbers: list[int]) -> Batch:
    streams = {name: torch.from_numpy(array) for name, array in examples.batch(numbers).items()}
    ones = torch.ones(len(numbers))
    return Batch(0, len(numbers), True, streams, torch.zeros(len(numbers), dtype=torch.int64), ones)


def test_the_loss_is_the_answers_mean_and_nothing_before_it_counts(tmp_path: Path) -> None:
    write_demonstrations(tmp_path / "examples", 4)
    examples = Examples(Folder(tmp_path), "examples", "train", 1)
    model = GPT(Architecture(**MODEL)).initialise(1)
    losses, told = SFT("sft", None, examples, model.architecture).losses(Headed(model), batch_of(examples, [0, 1, 2]))
    expected, summed, counted = [], 0.0, 0
    for example in list(examples)[:3]:
        ids = torch.from_numpy(example.tokens[0])
        logs = model(ids[None, :-1])[0].log_softmax(-1)
        begins = ids.tolist().index(ASSISTANT) + 1
        each = [-logs[at - 1, ids[at]].item() for at in range(begins, len(ids))]
        assert ids[-1] == SAID
        expected.append(sum(each) / len(each))
        summed, counted = summed + sum(each), counted + len(each)
    assert torch.allclose(losses, torch.tensor(expected), atol=1e-5)
    assert told[0].tolist() == pytest.approx([sum(expected), summed], rel=1e-5) and told[1].tolist() == [3, counted]


def test_what_is_masked_counts_nothing(tmp_path: Path) -> None:
    shown, masks = demonstrations(1)
    model = GPT(Architecture(**MODEL)).initialise(1)
    losses = {}
    size = len(masks[0])
    for name, mask in {"answers": masks[0], "all": [0] + [1] * (size - 1), "last": [0] * (size - 1) + [1]}.items():
        write_examples(tmp_path / name, "chat", shown, mask={("train", 0, 0): mask}, added=ADDED, shards=1)
        examples = Examples(Folder(tmp_path), name, "train", 1)
        loss, _ = SFT("sft", None, examples, model.architecture).losses(Headed(model), batch_of(examples, [0]))
        losses[name] = loss.item()
    ids = torch.tensor(shown[0][0][0])
    each = -model(ids[None, :-1])[0].log_softmax(-1).gather(1, ids[1:, None])[:, 0]
    assert losses["last"] == pytest.approx(each[-1].item(), abs=1e-5)
    assert losses["answers"] == pytest.approx(each[-3:].mean().item(), abs=1e-5)
    assert losses["all"] == pytest.approx(each.mean().item(), abs=1e-5)


def test_what_demonstrations_show_is_learned_and_ends(run_yaml: Any, here: Any, tmp_path: Path) -> None:
    examples = write_demonstrations(tmp_path / "examples", 96, 24)
    path = run_yaml(
        "run", MODEL,
        {"updates": None, "batch": 16, "micro_batch": 16, "learning_rate": 5e-3, "warm_up": 0, "validate_every": 30,
         "checkpoint_every": 100},
        store=str(tmp_path), mixture=None, objective="sft", examples="examples", epochs=30,
        tokenizer=str(examples / "tokenizer.json"),
    )  # fmt: skip
    here(path)
    told = rows(path)
    assert told[-1]["validation_examples"] < 0.2 < told[0]["loss_examples"]
    assert set(told[-1]) >= {"loss_tokens", "validation_stderr_examples"}
    model, _, about = load(path.parent / "out")
    assert about["objective"] == "sft" and "head" not in about
    draw = np.random.default_rng(9)
    right = 0
    for _ in range(20):
        asked = [int(letter) for letter in draw.integers(97, 105, 4)]
        made = list(tokens(model, prompt(asked), limit=6, end=SAID, seed=1))
        right += made == [asked[0]] * 2
    assert right >= 17 and not math.isnan(told[-1]["loss"])
