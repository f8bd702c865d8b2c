"""Speculative decoding has the large model's own law, whatever the draft; and costs it fewer passes."""

import itertools
from collections import Counter
from typing import Any

import pytest
import torch
from scipy import stats

from model import generate, speculative
from model.config import Architecture
from model.gpt import GPT
from model.sampling import Sampling

GREEDY = Sampling(temperature=0)


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def model(seed: int, sharpness: float = 4.0, **keys: Any) -> GPT:
    shape = {"layers": 1, "width": 8, "heads": 2, "context": 8, "vocabulary": 3, **keys}
    made = GPT(Architecture(**shape)).initialise(seed).eval()
    for p in made.parameters():
        if p.dim() == 2:
            p.mul_(sharpness / 0.5)
    made.end_of_text = 0
    return made


def law_of(of: GPT, prompt: list[int], length: int, sampling: Sampling) -> dict[tuple[int, ...], float]:
    """The probability of every text of this length, by brute force."""
    law = {}
    for text in itertools.product(range(of.architecture.vocabulary), repeat=length):
        logits = of(torch.tensor([[*prompt, *text[:-1]]]))[0, len(prompt) - 1 :]
        law[text] = 1.0
        for after, token in zip(logits, text, strict=True):
            law[text] *= float(sampling.law(after)[token])
    return law


def chances(seen: Counter[tuple[int, ...]], law: dict[tuple[int, ...], float]) -> float:
    """The chi-square test's p: how likely as great a deviation is, were `law` the law of what was seen."""
    total = sum(seen.values())
    if any(law[text] == 0 for text in seen):
        return 0.0
    rare = [text for text in law if law[text] * total < 5]  # together, as the test asks (Cochran, 1954)
    cells = [(seen[text], law[text] * total) for text in law if text not in rare]
    if sum(law[text] for text in rare) * total >= 5:
        cells.append((sum(seen[text] for text in rare), sum(law[text] for text in rare) * total))
    observed, expected = zip(*cells, strict=True)
    scale = sum(observed) / sum(expected)
    return float(stats.chisquare(observed, [e * scale for e in expected]).pvalue)


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.5, top_k=2, top_p=0.9)])
def test_the_law_is_the_large_models(sampling):
    """500 texts of 3 tokens, one of 27. At a level of 1e-3, and the seeds are fixed: it does not fail by chance."""
    large, small, prompt = model(1), model(7), [2, 1]
    seen: Counter[tuple[int, ...]] = Counter()
    tally = speculative.Tally()
    for seed in range(500):
        found = speculative.tokens(large, small, prompt, limit=3, sampling=sampling, seed=seed, ahead=2, tally=tally)
        seen[tuple(found)] += 1
    law = law_of(large, prompt, 3, sampling)
    assert sum(law.values()) == pytest.approx(1)
    assert chances(seen, law) > 1e-3
    # The test would see a wrong law: the draft's is another.
    assert chances(seen, law_of(small, prompt, 3, sampling)) < 1e-9
    assert 0.1 < tally.acceptance < 0.95 and tally.made == 1500  # tokens were kept, and tokens were refused


@pytest.mark.parametrize("context", [8, 40])
def test_greedy_text_is_the_same_and_takes_fewer_passes(context):
    """30 tokens run through the large model's context of 8 or 40, and the draft's of 6, in other places."""
    large = model(1, layers=2, width=16, vocabulary=30, context=context, band=3)
    for small in (large, model(9, vocabulary=30, context=6)):
        for prompt in ([], [5], list(range(7))):
            tally = speculative.Tally()
            made = list(speculative.tokens(large, small, prompt, limit=30, sampling=GREEDY, tally=tally))
            assert made == list(generate.tokens(large, prompt, limit=30, sampling=GREEDY))
            assert tally.made == 30 and tally.kept <= tally.judged and tally.passes <= 30
            if small is large and context == 40:
                assert tally.acceptance == 1.0 and tally.passes == 6  # 5 tokens a pass


def test_it_ends_where_a_text_ends_and_repeats_itself():
    large, small = model(1), model(7)

    def once(seed: int) -> list[int]:
        return list(speculative.tokens(large, small, [1], limit=40, seed=seed, end=0))

    texts = [once(seed) for seed in range(20)]
    assert texts == [once(seed) for seed in range(20)] and len({tuple(text) for text in texts}) > 5
    assert not any(0 in text for text in texts) and any(len(text) < 40 for text in texts)


def test_a_draft_of_another_vocabulary_is_refused():
    with pytest.raises(ValueError, match="another vocabulary"):
        list(speculative.tokens(model(1), model(1, vocabulary=5), [1], limit=1))
