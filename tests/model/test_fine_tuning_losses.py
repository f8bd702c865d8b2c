"""The objectives over examples against plain twins; dropout, gradients and schedule of GPT-1's fine-tuning."""

import random
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from tuned import DELIMITER, EXTRACT, START, choices, sentiment, similar, write_examples

from conf.models import HEADS
from conf.models import Objective as Names
from model import dropout
from model.config import Architecture, Training, learning_rate
from model.data import Batch
from model.examples import Examples
from model.files import Folder
from model.fine_tuning import TASKS, FineTuning, evaluated, outputs_for
from model.gpt import GPT
from model.headed import Headed, attach
from model.objective_table import TABLE
from model.presets import FINE_TUNING, FINE_TUNING_EPOCHS, FINE_TUNING_WARM_UP, FORMS, over_epochs, tuned_on

ARCHITECTURE = Architecture(layers=2, width=32, heads=2, context=32, vocabulary=260, norm="post", final_norm=False,
                            init="gpt1")  # fmt: skip


def read(folder: Path, split: str = "train") -> Examples:
    return Examples(Folder(folder.parent), folder.name, split, seed=1)


def made(folder: Path, form: str, examples: Any, classes: Any = (), **keys: Any) -> Examples:
    return read(write_examples(folder / "examples", form, examples, (), classes, **keys))


def headed(objective: str, examples: Examples, a: Architecture = ARCHITECTURE) -> GPT:
    model = GPT(a).initialise(3)
    attach(model, outputs_for(objective, examples), 3)
    assert model.head is not None
    with torch.no_grad():
        model.head.weight.mul_(20)  # at .02 all outputs are alike
    return model


def batch_of(examples: Examples, numbers: list[int], weight: list[float] | None = None) -> Batch:
    streams = {name: torch.from_numpy(array) for name, array in examples.batch(numbers).items()}
    weights = torch.tensor(weight or [1.0] * len(numbers))
    return Batch(0, len(numbers), True, streams, torch.zeros(len(numbers), dtype=torch.int64), weights)


def plain(model: GPT, objective: str, examples: Examples, number: int, auxiliary: float) -> Tensor:
    """L2 + .5 L1 of one example, a sequence and a token at a time."""
    example, scores, states, language = examples[number], [], [], []
    assert model.head is not None
    for tokens, mask in zip(example.tokens, example.loss_mask, strict=True):
        ids = torch.from_numpy(tokens)[None]
        hidden = model.hidden(ids)[0]
        states.append(hidden[-1])
        scores.append(model.head(hidden[-1])[0])
        logits = hidden @ model.tokens.weight.T
        losses = [F.cross_entropy(logits[t], ids[0, t + 1]) for t in range(len(tokens) - 1) if mask[t + 1]]
        language.append(torch.stack(losses).mean())
    wanted = torch.tensor(int(example.labels[0][0]))
    outputs = torch.stack(scores) if objective == "choose" else model.head(torch.stack(states).sum(0))
    return F.cross_entropy(outputs, wanted) + auxiliary * torch.stack(language).mean()


CASES = {"classify": (sentiment, ["no", "yes"]), "similar": (similar, ["no", "yes"]), "choose": (choices, [])}


@pytest.mark.parametrize("objective", CASES)
@pytest.mark.parametrize("auxiliary", [0.5, 0.0])
def test_losses_are_the_plain_twins(tmp_path: Path, objective: str, auxiliary: float) -> None:
    """Batched, padded, with sequences that some examples do not have; and the gradients are."""
    make, classes = CASES[objective]
    examples = made(tmp_path, objective, make(6), classes)
    length = len(examples[2].tokens[0])
    mask = {("train", 2, 0): [0, 1, 1, *[0] * (length - 3)]}
    examples = made(tmp_path / "masked", objective, make(6), classes, mask=mask)
    model = headed(objective, examples)
    task = FineTuning(objective, outputs_for(objective, examples), examples, ARCHITECTURE, auxiliary, dropout=0.0)
    losses, told = task.losses(Headed(model), batch_of(examples, list(range(6))))
    twins = torch.stack([plain(model, objective, examples, n, auxiliary) for n in range(6)])
    torch.testing.assert_close(losses, twins, rtol=1e-5, atol=1e-5)
    losses.sum().backward()
    gradients = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    twins = torch.stack([plain(model, objective, examples, n, auxiliary) for n in range(6)])
    twins.sum().backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-4, atol=2e-5)
    assert told[0, 2] in range(7) and told[1].tolist() == [6, 6 if auxiliary else 0, 6]
    weighed, told = task.losses(Headed(model), batch_of(examples, list(range(6)), [1, 1, 0, 1, 1, 0]))
    assert weighed[2] == weighed[5] == 0 and told[1, 0] == 4
    torch.testing.assert_close(weighed[[0, 1, 3, 4]], twins[[0, 1, 3, 4]], rtol=1e-5, atol=1e-5)


def test_similarity_is_symmetric_in_its_inputs(tmp_path: Path) -> None:
    """To 1e-6: the states of both orders are added."""
    pairs = similar(12)
    turned = [([rows[1], rows[0]], labels) for rows, labels in pairs]
    one, other = (made(tmp_path / name, "similar", of, ["no", "yes"]) for name, of in (("a", pairs), ("b", turned)))
    model = headed("similar", one).eval()
    task = TASKS["similar"](outputs_for("similar", one))
    there = [torch.cat([outputs for _, outputs in evaluated(model, task, of, range(12), 5)]) for of in (one, other)]
    assert (there[0] - there[1]).abs().max() < 1e-6 < there[0].std(0).max()


def test_a_token_that_is_masked_out_changes_no_language_model_loss(tmp_path: Path) -> None:
    """As a target; what stands behind it is predicted from it, so it is the last that is changed."""
    one = [([[START, 97, 98, 99, EXTRACT]], [[0]]), ([[START, 97, 98, EXTRACT]], [[1]])]
    other = [([[START, 97, 98, 99, DELIMITER]], [[0]]), one[1]]
    mask = {("train", 0, 0): [0, 1, 1, 1, 0]}
    language = []
    for name, of in (("a", one), ("b", other)):
        examples = made(tmp_path / name, "classify", of, ["no", "yes"], mask=mask)
        task = FineTuning("classify", outputs_for("classify", examples), examples, ARCHITECTURE, dropout=0.0)
        _, told = task.losses(Headed(headed("classify", examples)), batch_of(examples, [0, 1]))
        language.append(told[0, 1].item())
    assert language[0] == language[1]


def test_only_the_head_learns_under_a_frozen_trunk(tmp_path: Path) -> None:
    """The head's gradient is that of logistic regression on the trunk's states: mean of (p - y) h'."""
    examples = made(tmp_path, "classify", sentiment(6), ["no", "yes"])
    model = headed("classify", examples)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith("head."))
    task = FineTuning("classify", outputs_for("classify", examples), examples, ARCHITECTURE, 0.0, 0.0)
    losses, _ = task.losses(Headed(model), batch_of(examples, list(range(6))))
    losses.mean().backward()
    assert model.head is not None and model.head.weight.grad is not None
    assert all(p.grad is None for name, p in model.named_parameters() if not name.startswith("head."))
    with torch.no_grad():
        states = torch.stack([model.hidden(torch.from_numpy(examples[n].tokens[0])[None])[0, -1] for n in range(6)])
        wrong = model.head(states).softmax(1) - F.one_hot(torch.arange(6) % 2, 2)
    torch.testing.assert_close(model.head.weight.grad, wrong.T @ states / 6, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(model.head.bias.grad, wrong.mean(0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("band", [None, 4])
def test_dropout_is_an_examples_own(tmp_path: Path, band: int | None) -> None:
    """What an example loses does not depend on the batch, nor on what it is filled up to; its sequences differ in the
    trunk, and lose the same of their states before the head."""
    a = Architecture(layers=2, width=32, heads=2, context=32, vocabulary=260, dropout=0.3, band=band)
    examples = made(tmp_path, "choose", choices(6))
    model = headed("choose", examples, a).train()
    task = FineTuning("choose", outputs_for("choose", examples), examples, a, dropout=0.3)

    def losses(first: int, count: int) -> Tensor:
        with dropout.windows(1, first, count), torch.no_grad():
            return task.losses(Headed(model), batch_of(examples, list(range(first, first + count))))[0]

    together = losses(0, 6)
    apart = torch.cat([losses(0, 2), losses(2, 1), losses(3, 3)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together, losses(0, 6) * 0 + together.mean())
    same = [([[START, 97, DELIMITER, 98, EXTRACT]] * 2, [[0]] * 2)]
    twice = made(tmp_path / "same", "choose", same * 2)
    still = FineTuning("choose", outputs_for("choose", twice), twice, a, auxiliary=0.0, dropout=0.5)
    model.eval()  # the trunk loses nothing; equal sequences then have equal scores, whatever the head loses
    with dropout.windows(1, 0, 2), torch.no_grad():
        lost, _ = still.losses(Headed(model), batch_of(twice, [0, 1]))
    torch.testing.assert_close(lost, torch.full((2,), np.log(2), dtype=torch.float32))


def test_regress_is_an_expectation(tmp_path: Path) -> None:
    """A label between two whole numbers is shared among them; what is said is the mean of the numbers."""
    draw = random.Random(1)
    numbers = [round(draw.uniform(1, 5), 1) for _ in range(8)]
    of = [([[START, 97 + n, EXTRACT]], [[number]]) for n, number in enumerate(numbers)]
    examples = made(tmp_path, "regress", of)
    outputs = outputs_for("regress", examples)
    assert outputs.lowest == int(min(numbers)) and outputs.outputs == int(np.ceil(max(numbers))) - outputs.lowest + 1
    task = TASKS["regress"](outputs)
    model = headed("regress", examples).eval()
    ((s, given),) = evaluated(model, task, examples, range(8), 8)
    values = np.arange(outputs.lowest, outputs.lowest + outputs.outputs)
    p = given.softmax(1).numpy()
    np.testing.assert_allclose(task.numbers(given).numpy(), p @ values, rtol=1e-5)
    for loss, one, number in zip(task.losses(given, s).numpy(), p, numbers, strict=True):
        below = min(int(number) - outputs.lowest, outputs.outputs - 2)
        above = number - outputs.lowest - below
        assert loss == pytest.approx(-(1 - above) * np.log(one[below]) - above * np.log(one[below + 1]), rel=1e-4)


def test_span_and_tag_against_loops(tmp_path: Path) -> None:
    windows = [([[START, 97, 98, 99, EXTRACT], [START, 99, 100, EXTRACT]], [[2, 4], [0, 0]]),
               ([[START, 97, EXTRACT]], [[1, 2]])]  # fmt: skip
    examples = made(tmp_path, "span", windows)
    model = headed("span", examples)
    task = FineTuning("span", outputs_for("span", examples), examples, ARCHITECTURE, 0.0, 0.0)
    losses, _ = task.losses(Headed(model), batch_of(examples, [0, 1]))
    assert model.head is not None
    for loss, (rows, labels) in zip(losses, windows, strict=True):
        each = []
        for tokens, (first, stop) in zip(rows, labels, strict=True):
            logits = model.head(model.hidden(torch.tensor([tokens]))[0])
            ends = [F.cross_entropy(logits[:, 0], torch.tensor(first)),
                    F.cross_entropy(logits[:, 1], torch.tensor(max(stop - 1, 0)))]  # fmt: skip
            each.append(sum(ends) / 2)
        torch.testing.assert_close(loss, sum(each) / len(each))
    none = float("nan")
    tagged = [([[START, 97, 98, 99, EXTRACT]], [[none, 1, none, 2, none]]), ([[START, 97, EXTRACT]], [[none, 0, none]])]
    examples = made(tmp_path / "tags", "tag", tagged, ["o", "b", "i"])
    model = headed("tag", examples)
    task = FineTuning("tag", outputs_for("tag", examples), examples, ARCHITECTURE, 0.0, 0.0)
    losses, _ = task.losses(Headed(model), batch_of(examples, [0, 1]))
    assert model.head is not None
    for loss, (rows, labels) in zip(losses, tagged, strict=True):
        logits = model.head(model.hidden(torch.tensor(rows))[0])
        places = [n for n, label in enumerate(labels[0]) if label == label]
        wanted = torch.tensor([int(labels[0][n]) for n in places])
        torch.testing.assert_close(loss, F.cross_entropy(logits[places], wanted))


# ---- what is read


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 40), seed=st.integers(0, 5), first=st.integers(0, 90))
def test_every_example_is_read_once_an_epoch(tmp_path_factory: Any, count: int, seed: int, first: int) -> None:
    folder = tmp_path_factory.mktemp("read")
    write_examples(folder / "examples", "choose", choices(count), choices(2, 9))
    examples = Examples(Folder(folder), "examples", "train", seed)
    for epoch in (0, 3):
        places = [examples.where(epoch * count + n) for n in range(count)]
        assert sorted(place for _, _, place in places) == list(range(count)) and {e for _, e, _ in places} == {epoch}
    whole, groups = examples.read(first, first + 5)
    assert not groups.any() and len(groups) == 5
    for n in range(5):
        alone, _ = examples.read(first + n, first + n + 1)
        example = examples[examples.where(first + n)[2]]
        for r, tokens in enumerate(example.tokens):
            assert whole["lengths"][n, r] == alone["lengths"][0, r] == len(tokens)
            for streams, b in ((whole, n), (alone, 0)):
                assert (streams["tokens"][b, r, : len(tokens)] == tokens).all()
                assert (streams["tokens"][b, r, len(tokens) :] == 256).all()
                assert not streams["loss_mask"][b, r, len(tokens) :].any()
                assert streams["labels"][b, r].tolist() == example.labels[r]


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    folder = write_examples(tmp_path / "examples", "classify", sentiment(8), sentiment(2), ["no", "yes"])
    content = bytearray((folder / "00000.train.bin").read_bytes())
    (folder / "00000.train.bin").write_bytes(content[:-2])
    with pytest.raises(ValueError, match=r"00000.train.bin holds \d+ bytes, but examples.json promises"):
        read(folder)
    content[3] ^= 1
    (folder / "00000.train.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"00000.train.bin is damaged"):
        read(folder)[0]
    (folder / "00001.parquet").unlink()
    with pytest.raises(ValueError, match=r"00001.parquet is missing"):
        read(folder)


# ---- the released code's numbers


def test_the_released_codes_numbers() -> None:
    """openai/finetune-transformer-lm, train.py's defaults and opt.py."""
    assert FINE_TUNING["batch"] == 8 * 4 and FINE_TUNING["learning_rate"] == 6.25e-5
    assert (FINE_TUNING["beta1"], FINE_TUNING["beta2"], FINE_TUNING["epsilon"]) == (0.9, 0.999, 1e-8)
    assert FINE_TUNING["weight_decay"] == 0.01 and FINE_TUNING["clip"] == 1.0
    assert FINE_TUNING["schedule"] == "linear" and FINE_TUNING_WARM_UP == 0.002 and FINE_TUNING_EPOCHS == 3
    assert FineTuning.__init__.__defaults__ == (0.5, 0.1)  # lm_coef, clf_pdrop


def test_the_schedule_is_warmup_linear() -> None:
    """min(x / .002, 1) (1 - x), x counted at the update's beginning; behind the warm-up it is not rescaled."""
    keys = over_epochs(FINE_TUNING, 3, 32_000)  # 3,000 updates of 32
    t = Training(**keys)
    assert t.tokens == 96_000 and t.warm_up == 192
    for update in (0, 1, 5, 6, 7, 100, 1500, 2999):
        x = update / 3000
        assert learning_rate(t, update * 32) == pytest.approx(6.25e-5 * min(x / 0.002, 1) * (1 - x), rel=1e-12)


def test_names_of_objectives_are_the_same_everywhere() -> None:
    assert set(get_args(Names)) - {"lm"} == set(FORMS) and set(HEADS) <= set(TABLE)
    assert set(FORMS) - {"ppo"} == set(TABLE), "ppo has a loop of its own"
    assert tuned_on("classify", None)[1] == 3 and tuned_on("classify", None, updates=5)[1] is None
