"""Sampling side by side: the law on the nucleus, and texts that depend on their own key alone."""

import numpy as np
import pytest
import torch
from planted_models import Words, planted
from scipy.stats import binomtest, chisquare

from model.config import Architecture
from model.generate import Sampling
from model.gpt import GPT
from tasks.evaluation.probes import sampled
from tasks.evaluation.probes.sampled import Asked, drawn, texts

LOGITS = [2.0, 1.5, 1.0, 1.0, 0.5, 0.0, -1.0, -2.0]
HOW = {"samples": 4, "limit": 12, "temperature": 1.0, "top_p": 0.9, "seed": 1}


@pytest.mark.parametrize(("top_p", "temperature"), [(0.9, 1.0), (0.5, 1.0), (1.0, 1.0), (0.9, 2.0), (0.05, 1.0)])
def test_the_law_is_that_of_nucleus_sampling(top_p: float, temperature: float) -> None:
    """Against the plain one of model/generate.py, which sorts: 20,000 draws, chi-square."""
    count = 20_000
    logits = torch.tensor([LOGITS]).expand(count, -1)
    found = drawn(logits, temperature, top_p, 1, [str(n) for n in range(count)])
    law = Sampling(temperature, None, top_p).law(torch.tensor(LOGITS)).numpy()
    counts = np.bincount(found, minlength=len(LOGITS))
    assert counts[law == 0].sum() == 0
    kept = law > 0
    assert counts[kept].sum() == count
    if kept.sum() > 1:
        assert chisquare(counts[kept], law[kept] * count).pvalue > 0.001


def test_of_equal_logits_the_first_are_in_the_nucleus() -> None:
    logits = torch.zeros(2000, 4)
    found = drawn(logits, 1.0, 0.5, 1, [str(n) for n in range(2000)])
    assert set(found.tolist()) == {0, 1}, "as a stable sort has them"


def tiny() -> GPT:
    model = GPT(Architecture(layers=2, width=32, heads=2, context=32, vocabulary=40)).initialise(3).eval()
    with torch.no_grad():
        model.tokens.weight *= 6  # laws that depend on what was read
    model.end_of_text = 39
    return model


WORDS = Words([f" {n}" for n in range(39)])


def test_a_text_depends_on_its_own_key_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked beside it, in whatever order, in blocks of whatever size."""
    asked = [Asked("a", [1, 2, 3]), Asked("b", [4]), Asked("c", [5, 6, 7]), Asked("d", [8])]
    found = texts(tiny(), WORDS, asked, **HOW)
    assert len({text for of in found for text in of}) == 16, "no two alike"
    assert texts(tiny(), WORDS, asked[::-1], **HOW) == found[::-1]
    assert [texts(tiny(), WORDS, [one], **HOW)[0] for one in asked] == found
    assert [of[:2] for of in texts(tiny(), WORDS, asked, **{**HOW, "samples": 2})] == [of[:2] for of in found]
    for rows in (1, 3):
        monkeypatch.setattr(sampled, "TOGETHER", rows)
        assert texts(tiny(), WORDS, asked, **HOW) == found
    assert texts(tiny(), WORDS, asked, **{**HOW, "seed": 2}) != found
    assert texts(tiny(), WORDS, [Asked("z", [1, 2, 3])], **HOW)[0] != found[0]


def test_the_cache_is_what_reading_anew_gives() -> None:
    """Each token has the probability above 0 that the plain law gives it after the text so far."""
    model = tiny()
    (text,) = texts(model, WORDS, [Asked("a", [1, 2, 3])], **{**HOW, "samples": 1, "top_p": 0.3})[0]
    ids = [int(word) for word in text.split()]
    assert len(ids) > 5
    so_far = [1, 2, 3]
    for token in ids:
        with torch.inference_mode():
            law = Sampling(1.0, None, 0.3).law(model(torch.tensor([so_far]))[0, -1])
        assert law[token] > 0
        so_far.append(token)


def test_a_text_ends_at_end_of_text_and_at_the_end_of_the_context() -> None:
    logits = [*[0.0] * 39, 4.0]
    p = float(Sampling(1.0, None, 0.9).law(torch.tensor(logits))[-1])  # .65
    made = texts(planted(logits), WORDS, [Asked("a", [1])], **{**HOW, "samples": 400})[0]
    assert binomtest(sum(text == "" for text in made), 400, p).pvalue > 0.001
    never = planted([*[0.0] * 39, -50.0], context=8)
    (made,) = texts(never, WORDS, [Asked("a", [1, 2, 3])], **{**HOW, "samples": 1})[0]
    assert len(made.split()) == 6, "8 positions: 3 of the prompt, and the last token is not read"
    (made,) = texts(never, WORDS, [Asked("a", list(range(8)))], **{**HOW, "samples": 1})[0]
    assert len(made.split()) == 1


@pytest.mark.parametrize("prompt", [[], list(range(9))])
def test_a_prompt_that_cannot_be_read(prompt: list[int]) -> None:
    with pytest.raises(ValueError, match="'a' has"):
        texts(planted([0.0] * 40, context=8), WORDS, [Asked("a", prompt)], **HOW)
