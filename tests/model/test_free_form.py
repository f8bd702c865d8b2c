"""Answers in free form: many prompts side by side give what each gives alone, to the byte."""

import itertools
import random
from collections import Counter

import pytest
import torch

from model import generate
from model.beams import Beam
from model.config import Architecture
from model.generate import Free
from model.gpt import GPT
from model.likelihood import Asked, likelihoods
from model.prefixes import Stack
from model.sampling import LIKELIEST, Sampling, drawn_at
from model.tokenizer import Tokenizer

KINDS = {"gpt1": {"norm": "post", "final_norm": False, "init": "gpt1"}, "gpt2": {}, "gpt3": {"band": 3}}
END = 256
WAYS = {
    "greedy": Free(limit=12),
    "drawn": Free(limit=12, sampling=Sampling(0.8, top_k=30, top_p=0.95), samples=3),
    "searched": Free(limit=8, beams=4, samples=4),
    "stopped": Free(limit=12, stop=("e", "\n"), beams=3, samples=2),
}


def sharp(kind: str = "gpt2", context: int = 96) -> GPT:
    """A random model whose predictions are far from uniform, and which often ends a text."""
    a = Architecture(layers=3, width=32, heads=4, context=context, vocabulary=257, **KINDS[kind])
    model = GPT(a).initialise(3).eval()
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() == 2:
                p.mul_(6)
    model.end_of_text = END
    return model


@pytest.fixture
def tokenizer(tmp_path, make) -> Tokenizer:
    return Tokenizer(make.tokenizer(tmp_path / "t.json"))


def prompts(count: int) -> list[tuple[int, ...]]:
    """Of many lengths; some begin alike, two are the same, one is empty."""
    draw = random.Random(count)
    shots = tuple(draw.randrange(256) for _ in range(50))
    made = [
        (shots if draw.random() < 0.5 else ()) + tuple(draw.randrange(256) for _ in range(draw.randint(1, 20)))
        for _ in range(count)
    ]
    return [(), *made, made[0]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_side_by_side_as_one_by_one(kind, way, tokenizer):
    model, asked, how = sharp(kind), prompts(20), WAYS[way]
    whole = generate.generated(model, tokenizer, asked, how)
    assert len(whole) == 22 and whole[1] == whole[21]
    assert all(1 <= len(texts) <= how.samples for texts in whole)
    order = random.Random(5).sample(range(22), 22)
    assert generate.generated(model, tokenizer, [asked[n] for n in order], how) == [whole[n] for n in order]
    for n in range(0, 22, 4):
        assert generate.generated(model, tokenizer, [asked[n]], how) == [whole[n]]
    assert generate.generated(model, tokenizer, [], how) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_likeliest_and_the_best_are_those_of_one_prompt(kind, tokenizer):
    """`tokens` and `beam` read one prompt at a time, over caches of another kind."""
    model, asked = sharp(kind), prompts(8)
    greedy = generate.generate(model, tokenizer, asked, Free(limit=12))
    searched = generate.generate(model, tokenizer, asked, Free(limit=8, beams=4, samples=4))
    for prompt, (text,), texts in zip(asked, greedy, searched, strict=True):
        alone = list(generate.tokens(model, prompt, limit=12, sampling=LIKELIEST, end=END))
        assert text == tokenizer.decode(alone)
        found = generate.beam(model, prompt, limit=8)
        assert texts == [tokenizer.decode(ids) for ids, _ in found]


@pytest.mark.parametrize("kind", KINDS)
def test_a_likelihood_is_that_of_the_same_tokens_when_they_are_asked(kind, tokenizer):
    """<|endoftext|> counts where the model wrote it; of a stop string the whole token; of a limit nothing."""
    model, asked, limit = sharp(kind), prompts(12), 6
    end = tokenizer.end_of_text = list(generate.tokens(model, asked[2], limit=3, sampling=LIKELIEST))[2]
    stop = next(text[1:3] for text in written(model, tokenizer, asked, limit=12) if "\ufffd" not in text[1:3])
    ends = set()
    for ending in ((), (stop,)):
        for prompt, (one,) in zip(
            asked, generate.generated(model, tokenizer, asked, Free(limit=limit, stop=ending)), strict=True
        ):
            made = list(generate.tokens(model, prompt, limit=limit, sampling=LIKELIEST, end=end))
            texts = [tokenizer.decode(made[: n + 1]) for n in range(len(made))]
            at = next((n for n, text in enumerate(texts) if ending and stop in text), None)
            if at is not None:
                made, how = made[: at + 1], "stop"
            elif len(made) < limit:
                made, how = [*made, end], "end"
            else:
                how = "limit"
            ends.add(how)
            assert one.log_likelihood == round(one.log_likelihood, 6) < 0
            assert one.log_likelihood == pytest.approx(asked_for(model, prompt, made), abs=1e-4)
    assert ends == {"stop", "end", "limit"}
    how = Free(limit=limit, beams=4, samples=4)
    for prompt, texts in zip(asked, generate.generated(model, tokenizer, asked, how), strict=True):
        for one, (ids, _) in zip(texts, generate.beam(model, prompt, limit=limit, stop=[end]), strict=True):
            whole = ids if len(ids) == limit else [*ids, end]
            assert one.log_likelihood == pytest.approx(asked_for(model, prompt, whole), abs=1e-4)


def written(model: GPT, tokenizer: Tokenizer, asked: list[tuple[int, ...]], limit: int) -> list[str]:
    return [text for (text,) in generate.generate(model, tokenizer, asked, Free(limit=limit)) if len(text) > 3]


def asked_for(model: GPT, prompt: tuple[int, ...], tokens: list[int]) -> float:
    """By likelihood.py, which is tested against plain reading."""
    (((total, _, _),),) = likelihoods(model, [Asked(prompt, (tuple(tokens),))])
    return total


def test_a_drawn_text_has_the_models_own_likelihood(tokenizer):
    """Drawn of two tokens at half the temperature, its likelihood is still that over all tokens at 1."""
    model, prompt = sharp(), (65, 66, 67)
    how = Free(limit=1, sampling=Sampling(0.5, top_k=2), samples=30)
    (drawn_,) = generate.generated(model, tokenizer, [prompt], how)
    with torch.inference_mode():
        law = model(torch.tensor([prompt]))[0, -1].log_softmax(-1)
    best = sorted(law.topk(2).values.tolist())
    assert sorted({one.log_likelihood for one in drawn_}) == pytest.approx(best, abs=1e-4)


def test_draws_follow_the_models_law(tokenizer):
    """2,000 first tokens of a prompt, each as often as its share of the mass: within 4.5 standard deviations."""
    model, prompt, count = sharp(), (65, 66, 67), 2000
    sampling = Sampling(1.0, top_k=6)
    how = Free(limit=1, sampling=sampling, samples=count)
    (texts,) = generate.generate(model, tokenizer, [prompt], how)
    with torch.inference_mode():
        law = sampling.law(model(torch.tensor([prompt]))[0, -1])
    seen = Counter(texts)
    mass: Counter[str] = Counter()  # of a text: several bytes that are no UTF-8 are one
    for token in law.nonzero()[:, 0].tolist():
        mass["" if token == END else tokenizer.decode([token])] += float(law[token])
    assert set(seen) == set(mass)
    for text, p in mass.items():
        assert abs(seen[text] - count * p) <= 4.5 * (count * p * (1 - p)) ** 0.5 + 1
    assert sum(law > 0) == 6


def test_what_a_draw_hangs_on(tokenizer):
    model, prompt = sharp(), (65, 66, 67)

    def texts(keys=None, **others):
        how = Free(limit=10, sampling=Sampling(), keys=keys, **{"samples": 3, **others})
        return generate.generate(model, tokenizer, [prompt, prompt], how)

    both = texts()
    assert both[0] == both[1] and len(set(both[0])) == 3
    assert [row[:2] for row in both] == texts(samples=2)  # a sample is the same however many are asked
    apart = texts(("a", "b"))
    assert apart[0] != apart[1] and texts(("b", "a")) == apart[::-1]
    assert texts(seed=2)[0] != both[0]
    with pytest.raises(ValueError, match="1 keys for 2 prompts"):
        texts(("a",))


def test_a_share_falls_to_a_token_of_mass():
    law = torch.tensor([0.0, 0.25, 0.0, 0.5, 0.25, 0.0], dtype=torch.float64)
    shares = [0.0, 0.2499, 0.25, 0.7499, 0.75, 1 - 2**-53]
    assert [drawn_at(law, share) for share in shares] == [1, 1, 3, 3, 4, 4]


def test_a_text_ends_before_a_stop_string(tokenizer):
    model, asked = sharp(), prompts(20)
    whole = generate.generate(model, tokenizer, asked, Free(limit=12))
    stop = next(text[4:6] for (text,) in whole if len(text) > 8 and "\ufffd" not in text[4:6])
    cut = generate.generate(model, tokenizer, asked, Free(limit=12, stop=(stop, "\0never")))
    assert cut == [[text.split(stop)[0]] for (text,) in whole] != whole


def test_a_search_ends_where_its_text_stops():
    """By brute force over 5 tokens, 3 steps: a text with a 2 goes on no more, and is scored at that length."""
    limit, laws = 3, {}

    def law(made):
        if made not in laws:
            draw = torch.Generator().manual_seed(len(laws))
            laws[made] = torch.randn(5, generator=draw) * 2
        return laws[made]

    search = Beam(200, limit, 0.6, [0], lambda ids: 2 in ids)
    logits = law(())[None]
    while search.advance(logits) is not None:
        logits = torch.stack([law(tuple(ids)) for ids, _ in search.live])

    scored = {}
    for length in range(limit + 1):
        for made in itertools.product([1, 2, 3, 4], repeat=length):
            if 2 in made[:-1]:
                continue
            p = sum(float(law(made[:n]).log_softmax(-1)[token]) for n, token in enumerate(made))
            if 2 in made or length == limit:
                scored[made] = p / ((5 + length) / 6) ** 0.6
            else:
                scored[*made, 0] = (p + float(law(made).log_softmax(-1)[0])) / ((6 + length) / 6) ** 0.6
    best = sorted(((score, made) for made, score in scored.items()), reverse=True)
    assert [tuple(ended.tokens) for ended in search.finished] == [tuple(t for t in made if t) for _, made in best]
    assert [ended.score for ended in search.finished] == pytest.approx([score for score, _ in best], rel=1e-4)


def test_a_searched_text_ends_before_a_stop_string(tokenizer):
    model, asked = sharp(), prompts(20)
    whole = [texts[0] for texts in generate.generate(model, tokenizer, asked, Free(limit=12, beams=3))]
    stop = next(text[2:4] for text in whole if len(text) > 4 and "\ufffd" not in text[2:4])
    cut = generate.generate(model, tokenizer, asked, Free(limit=12, beams=3, samples=3, stop=(stop,)))
    assert all(stop not in text for texts in cut for text in texts)
    assert [texts[0] for texts in cut] != whole


def test_the_context_is_the_end(tokenizer):
    """A context of 24: a prompt of 20 gets 4 tokens; of 23 one; one of 24 is refused."""
    model = sharp(context=24)
    model.end_of_text = None

    endless = Tokenizer(tokenizer.path)
    endless.end_of_text = 1000  # no token
    for length in (1, 20, 23):
        ((text,),) = generate.generate(model, endless, [(65,) * length], Free(limit=100))
        alone = list(
            itertools.islice(generate.tokens(model, (65,) * length, limit=24, sampling=LIKELIEST), 24 - length)
        )
        assert text == tokenizer.decode(alone)
        ((searched,),) = generate.generate(model, endless, [(65,) * length], Free(limit=100, beams=2))
        assert searched
    with pytest.raises(ValueError, match="prompt 1 has 24 tokens: a context of 24 leaves no room"):
        generate.generate(model, endless, [(1,), (65,) * 24], Free(limit=1))
    with pytest.raises(ValueError, match="an empty prompt needs the model's end_of_text"):
        generate.generate(model, endless, [()], Free(limit=1))


def test_a_model_that_came_apart(tokenizer):
    model = sharp()
    with torch.no_grad():
        model.blocks[1].mlp.up.bias[3] = torch.nan
    with pytest.raises(ValueError, match="the model's logits are not numbers"):
        generate.generate(model, tokenizer, [(1,)], Free(limit=1))


def test_solved_examples_are_read_once(tokenizer, monkeypatch):
    read = []
    reading = Stack.read

    def noted(stack, tokens, places, *ends):
        read.extend(tokens)
        return reading(stack, tokens, places, *ends)

    monkeypatch.setattr(Stack, "read", noted)
    shots = tuple(range(60))
    generate.generate(sharp(), tokenizer, [(*shots, 99, n) for n in range(20)], Free(limit=3))
    assert len(read) == 60 + 1 + 20


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"limit": 0}, "limit is 0: it must be at least 1"),
        ({"beams": 0}, "beams is 0: it must be at least 1"),
        ({"samples": 0}, "samples is 0: it must be at least 1"),
        ({"beams": 2, "sampling": Sampling()}, "2 beams draw nothing"),
        ({"beams": 2, "samples": 3}, "3 samples of 2 beams"),
    ],
)
def test_what_cannot_be_asked(keys, sentence):
    with pytest.raises(ValueError, match=sentence):
        Free(**{"limit": 1, **keys})
