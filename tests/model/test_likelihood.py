"""Likelihoods with shared prefixes: those of one plain pass each, and the same bits whatever is asked beside."""

import json
import random
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model import likelihood
from model.config import Architecture
from model.gpt import GPT
from model.likelihood import Asked, likelihoods, needed
from tests.model import plain

KINDS = {
    "gpt1": {"norm": "post", "final_norm": False, "init": "gpt1"},
    "gpt2": {},
    "gpt3": {"band": 3},
    "wide band": {"band": 70},  # more than a block, and no multiple of one
}
VOCABULARY = 53


def sharp(kind: str = "gpt2", context: int = 200) -> GPT:
    """A random model whose predictions are far from uniform."""
    a = Architecture(layers=4, width=32, heads=4, context=context, vocabulary=VOCABULARY, **KINDS[kind])
    model = GPT(a).initialise(3).eval()
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() == 2:
                p.mul_(8)
    model.end_of_text = 0
    return model


def drawn(seed: int, items: int, context: int = 200) -> list[Asked]:
    """Items of a task: some begin with the same solved examples, some contexts begin others, choices share tokens."""
    draw = random.Random(seed)

    def tokens(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw.randrange(VOCABULARY) for _ in range(draw.randint(least, most)))

    shots = [(), tokens(40, 70), tokens(100, 130)]
    asked = []
    for _ in range(items):
        before = draw.choice(shots) + tokens(0, 20)
        stem = tokens(0, 3)
        asked.append(Asked(before, tuple(stem + tokens(1, 9) for _ in range(draw.randint(1, 5)))))
        if draw.random() < 0.3:
            asked.append(Asked(before + tokens(1, 4), ((draw.randrange(VOCABULARY),),)))
    longest = tokens(context, context)
    return [*asked, Asked(longest, ((1,), (2,))), Asked(longest[:-7], ((*longest[-7:], 3),)), asked[0]]


@pytest.mark.parametrize("kind", KINDS)
def test_as_one_plain_pass_each(kind):
    model, asked = sharp(kind), drawn(1, 20)
    found, wanted = likelihoods(model, asked), plain.likelihoods(model, asked)
    assert [len(row) for row in found] == [len(one.continuations) for one in asked]
    for row, twins in zip(found, wanted, strict=True):
        for one, twin in zip(row, twins, strict=True):
            assert one.total == pytest.approx(twin.total, rel=1e-6, abs=1e-5)
            assert (one.tokens, one.greedy) == (twin.tokens, twin.greedy)
            assert one.total == round(one.total, 6)


def test_greedy_is_told():
    model, text = sharp(), [3, 1, 4]
    with torch.no_grad():
        for _ in range(5):
            text.append(int(model(torch.tensor([text]))[0, -1].argmax()))
    likeliest, context = tuple(text[3:]), tuple(text[:3])
    wrong = [(*likeliest[:at], (likeliest[at] + 1) % VOCABULARY, *likeliest[at + 1 :]) for at in range(5)]
    (found,) = likelihoods(model, [Asked(context, (likeliest, *wrong))])
    assert [one.greedy for one in found] == [True, *[False] * 5]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("arithmetic", [torch.float32, torch.bfloat16])
def test_the_same_bits_whatever_stands_beside(kind, arithmetic, monkeypatch):
    """What is compared is not rounded: the sums themselves are the same."""
    monkeypatch.setattr(likelihood, "DECIMALS", 17)
    model, asked = sharp(kind), drawn(2, 8)
    model.arithmetic = arithmetic
    whole = likelihoods(model, asked)
    order = random.Random(3).sample(range(len(asked)), len(asked))
    assert likelihoods(model, [asked[n] for n in order]) == [whole[n] for n in order]
    for part in (range(0, len(asked), 2), range(3, 7), [len(asked) - 3]):
        assert likelihoods(model, [asked[n] for n in part]) == [whole[n] for n in part]
    for one, answer in zip(asked[:3], whole, strict=False):  # each choice by itself
        assert [likelihoods(model, [Asked(one.context, (c,))])[0][0] for c in one.continuations] == answer
    for chunk in (16, 128):
        assert likelihoods(model, asked, memory=needed(model, 200, chunk)) == whole
    torch.set_num_threads(2)
    assert likelihoods(model, asked) == whole


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_requests(data):
    model = sharp("gpt3", context=80)
    tokens = st.lists(st.integers(0, 3), max_size=70).map(tuple)  # few tokens: much in common
    continuation = st.lists(st.integers(0, 3), min_size=1, max_size=10).map(tuple)
    asked = data.draw(
        st.lists(st.builds(Asked, tokens, st.lists(continuation, max_size=4).map(tuple)), max_size=6), label="asked"
    )
    found, wanted = likelihoods(model, asked), plain.likelihoods(model, asked)
    assert [[(tokens, greedy) for _, tokens, greedy in row] for row in found] == [
        [(tokens, greedy) for _, tokens, greedy in row] for row in wanted
    ]
    for row, twins in zip(found, wanted, strict=True):
        assert [one.total for one in row] == pytest.approx([twin.total for twin in twins], rel=1e-6, abs=1e-5)


def test_what_is_in_common_is_read_once(monkeypatch):
    """32 solved examples of 5 tokens, asked with 10 items of 4 choices of one token: 160 + 10 x 2 tokens are read."""
    from model.prefixes import Stack

    read: list[int] = []
    reading = Stack.read
    monkeypatch.setattr(
        Stack, "read", lambda stack, tokens, places: read.extend(tokens) or reading(stack, tokens, places)
    )
    shots = tuple(n % 50 for n in range(160))
    asked = [Asked((*shots, 51, n), ((1,), (2,), (3,), (4,))) for n in range(10)]
    likelihoods(sharp(), asked)
    assert len(read) == 160 + 1 + 10
    read.clear()
    likelihoods(sharp(), [Asked((5, 6), ((7, 8, 9, 10), (7, 8, 9, 11), (7, 8, 12)))])
    assert sorted(read) == [5, 6, 7, 8, 9]


def test_a_context_that_fits_exactly_and_one_token_more():
    model = sharp(context=20)
    fits = Asked(tuple(range(17)), ((1, 2, 3, 4), (5,)))
    assert likelihoods(model, [fits])[0][0].total == pytest.approx(
        plain.likelihoods(model, [fits])[0][0].total, rel=1e-6
    )
    with pytest.raises(
        ValueError, match="request 1: a context of 17 tokens and a continuation of 5; the model reads 20"
    ):
        likelihoods(model, [fits, Asked(tuple(range(17)), ((1,), (1, 2, 3, 4, 5)))])
    with pytest.raises(ValueError, match="request 0: a context of 100,000 tokens"):
        likelihoods(model, [Asked((1,) * 100_000, ((1,),))])
    with pytest.raises(ValueError, match="request 0: a context of 1 tokens and a continuation of 21"):
        likelihoods(model, [Asked((), ((1,) * 21,))])
    assert likelihoods(model, [Asked((), ((1,) * 20,))])[0][0].tokens == 20


def test_what_is_no_request():
    model = sharp()
    assert likelihoods(model, []) == [] and likelihoods(model, [Asked((1,), ())]) == [[]]
    (answers,) = likelihoods(model, [Asked((), ((1,),))])
    assert answers == likelihoods(model, [Asked((0,), ((1,),))])[0]
    with pytest.raises(ValueError, match="request 1: a continuation of no tokens"):
        likelihoods(model, [Asked((1,), ((2,),)), Asked((1,), ((2,), ()))])
    for wrong in (Asked((VOCABULARY,), ((1,),)), Asked((1,), ((1, VOCABULARY),)), Asked((1,), ((-1,),))):
        with pytest.raises(ValueError, match="request 0: a token that is none of the 53"):
            likelihoods(model, [wrong])
    with pytest.raises(ValueError, match="1,000 bytes do not hold what a context of 200 needs: give"):
        likelihoods(model, [Asked((1,), ((2,),))], memory=1000)
    model.end_of_text = None
    with pytest.raises(ValueError, match="request 0: an empty context needs the model's end_of_text"):
        likelihoods(model, [Asked((), ((2,),))])


def test_a_model_that_came_apart():
    model = sharp()
    with torch.no_grad():
        model.blocks[2].mlp.up.bias[3] = torch.nan
    with pytest.raises(ValueError, match="the model's logits are not numbers"):
        likelihoods(model, [Asked((1,), ((2,),))])


def test_a_large_vocabulary_is_taken_in_chunks(monkeypatch):
    from model import heads

    model, asked = sharp(), drawn(4, 6)
    whole = likelihoods(model, asked)
    monkeypatch.setattr(heads, "CHUNK_BYTES", 48 * 4 * VOCABULARY)  # 48 of 128 positions
    assert likelihoods(model, asked) == whole


MEASURE = """
import json, sys, torch
from model.config import Architecture
from model.gpt import GPT
from model.likelihood import Asked, likelihoods, needed
torch.set_num_threads(1)
def most():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024
model = GPT(Architecture(layers=2, width=128, heads=2, context=1024, vocabulary=50257)).initialise(1).eval()
model.end_of_text = 0
likelihoods(model, [Asked((1,), ((2,),))], memory=needed(model, 1024, 16))  # libraries take room of their own
before = most()
tokens = torch.randint(0, 50257, (4, 1024), generator=torch.Generator().manual_seed(1)).tolist()
asked = [Asked(tuple(row[:500]), (tuple(row[500:]), tuple(row[600:]))) for row in tokens]
budget = needed(model, 1024, 256)
likelihoods(model, asked, memory=budget)
print(json.dumps([most() - before, budget]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads VmHWM, Linux's")
def test_memory_is_within_the_budget():
    """8 continuations of some 480 tokens: their logits alone would be .76 GB."""
    found = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    taken, budget = json.loads(found.stdout)
    assert taken < budget < 100e6
