"""Sampling, beam search, scoring: against the plain computation, on models trained for seconds."""

import hashlib
import itertools
import json
import math

import pytest
import torch

from model import checkpoint, generate, sampling, score
from model.config import Architecture
from model.gpt import GPT
from model.likelihood import Asked, likelihoods
from model.sampling import Sampling
from model.tokenizer import Tokenizer

GREEDY = Sampling(temperature=0)


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def sharp(kind: str, **keys) -> GPT:
    """A random model whose predictions are far from uniform, so that argmax and order are no matter of rounding."""
    shape = {"gpt1": {"norm": "post", "final_norm": False, "init": "gpt1"}, "gpt2": {}, "gpt3": {"band": 3}}[kind]
    a = Architecture(**{"layers": 4, "width": 32, "heads": 4, "context": 12, "vocabulary": 40, **shape, **keys})
    model = GPT(a).initialise(3).eval()
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() == 2:
                p.mul_(8)
    model.end_of_text = 0
    return model


@pytest.mark.parametrize("kind", ["gpt1", "gpt2", "gpt3"])
@pytest.mark.parametrize("sampling", [{"temperature": 0}, {"top_k": 5}, {"temperature": 0.7, "top_p": 0.9}])
def test_the_cache_changes_nothing(kind, sampling):
    model = sharp(kind)
    for prompt in ([], [5], [1, 2, 3, 4, 5, 6, 7, 8, 9]):  # 30 tokens run through a context of 12 more than twice
        cached, plain = (
            list(generate.tokens(model, prompt, limit=30, cache=c, sampling=Sampling(**sampling)))
            for c in (True, False)
        )
        assert cached == plain and len(cached) == 30


def test_logits_with_cache_are_those_without():
    for kind in ("gpt1", "gpt2", "gpt3"):
        model = sharp(kind)
        tokens = torch.randint(0, 40, (2, 12), generator=torch.Generator().manual_seed(1))
        whole, caches = model(tokens), model.caches(2)
        pieces = [
            model(tokens[:, a:b], caches=caches, start=a) for a, b in ((0, 4), (4, 9), (9, 10), (10, 11), (11, 12))
        ]
        torch.testing.assert_close(torch.cat(pieces, 1), whole, rtol=1e-4, atol=1e-4)


def test_choosing():
    logits = torch.tensor([1.0, 3.0, 2.0, -1.0])
    draw = torch.Generator().manual_seed(1)

    def picks(temperature=1.0, top_k=None, top_p=None):
        law = Sampling(temperature, top_k, top_p).law(logits)
        assert law.sum() == pytest.approx(1)
        return {sampling.drawn(law, draw) for _ in range(300)}

    assert picks(temperature=0) == {1} == picks(top_k=1) == picks(top_p=0.01)
    assert picks(top_k=2) == {1, 2}
    p = logits.softmax(0)  # .090 .665 .245 (and little)
    assert picks(top_p=float(p[1]) + 0.01) == {1, 2} and picks() >= {0, 1, 2}
    torch.testing.assert_close(Sampling().law(logits), logits.double().softmax(0))
    torch.testing.assert_close(Sampling(temperature=0.5).law(logits), (2 * logits).double().softmax(0))
    often = [sampling.drawn(Sampling().law(logits), draw) for _ in range(4000)]
    assert often.count(1) / 4000 == pytest.approx(float(p[1]), abs=0.03)


def test_same_seed_same_text():
    model = sharp("gpt3")
    a, b, c = (list(generate.tokens(model, [1], limit=20, seed=s)) for s in (1, 1, 2))
    assert a == b != c


def logprob(model: GPT, prompt: list[int], made: list[int]) -> float:
    p = model(torch.tensor([(prompt + made)[:-1]]))[0].log_softmax(-1)
    return sum(float(p[len(prompt) - 1 + n, token]) for n, token in enumerate(made))


def test_a_beam_as_wide_as_all_finds_the_best_of_all():
    """5 tokens, 4 steps: each ending is tried by brute force, and the widest beam finds the same four."""
    model = sharp("gpt2", vocabulary=5)
    prompt, limit = [1, 2], 4

    def score_of(made: tuple[int, ...]) -> float:
        return logprob(model, prompt, list(made)) / ((5 + len(made)) / 6) ** 0.6

    every = [
        (*made, *end) for n in range(limit + 1) for made in itertools.product(range(1, 5), repeat=n)
        for end in ([()] if n == limit else [(0,)])
    ]  # fmt: skip
    best = sorted(((score_of(made), made) for made in every), reverse=True)[:4]
    found = generate.beam(model, prompt, limit=limit, width=700)[:4]
    assert [made for made, _ in found] == [[t for t in made if t != 0] for _, made in best]
    assert [s for _, s in found] == pytest.approx([s for s, _ in best], rel=1e-4)


def test_beam_of_one_is_greedy_and_wider_is_no_worse():
    model = sharp("gpt3")
    greedy = list(generate.tokens(model, [7, 8], limit=6, sampling=GREEDY, end=0))
    ((made, _),) = generate.beam(model, [7, 8], limit=6, width=1, length_penalty=0.0)
    assert made == greedy
    wide = generate.beam(model, [7, 8], limit=6)
    assert len(wide) == 4 and [s for _, s in wide] == sorted((s for _, s in wide), reverse=True)
    assert wide[0][1] >= generate.beam(model, [7, 8], limit=6, width=1)[0][1] - 1e-6
    again = generate.beam(model, [7, 8], limit=6)
    assert wide == again


def test_losses_of_windows_by_hand():
    """Of several lengths, in batches that are padded; in the order asked."""
    model = sharp("gpt1")
    windows = [[1, 2, 3], *(list(range(n, n + 13)) for n in range(5)), [7, 8]]
    losses = score.window_losses(model, windows, rows=3)
    assert [count for _, count in losses] == [2, *[12] * 5, 1]
    by_hand = [-logprob(model, window[:1], window[1:]) for window in windows]
    assert [nats for nats, _ in losses] == pytest.approx(by_hand, rel=1e-5)
    for wrong in (14, 1):
        with pytest.raises(ValueError, match=f"a window of {wrong} tokens"):
            score.window_losses(model, [list(range(wrong))])
    assert score.window_losses(model, []) == []


@pytest.fixture
def folder(tmp_path, make):
    """A finished model's folder, of a model that has seen nothing."""
    model = GPT(Architecture(layers=1, width=16, heads=2, context=32, vocabulary=257)).initialise(1)
    tokenizer = Tokenizer(make.tokenizer(tmp_path / "t.json"))
    out = tmp_path / "out"
    out.mkdir()
    checkpoint.publish(out, model, tokenizer.path, "t1", tokenizer.end_of_text, {})
    return out


def test_load_gives_back_what_was_published(folder):
    model, tokenizer, about = score.load(folder)
    assert about["tokenizer"] == "t1" and model.end_of_text == tokenizer.end_of_text == 256 and not model.training
    again = GPT(model.architecture).initialise(1)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    text = 'naïve\n "Ω"'
    assert tokenizer.decode(tokenizer.encode(text)) == text and len(tokenizer.encode(text)) == len(text.encode())
    (((p, count, _),),) = likelihoods(model, [Asked((), (tuple(tokenizer.encode("abcd")),))])
    assert count == 4 and p == pytest.approx(-4 * math.log(257), rel=0.02)  # knows nothing


def other_end(path, make):
    """A tokenizer whose texts end with <s>, id 0, and that has no <|endoftext|>."""
    about = json.loads(make.tokenizer(path).read_text())
    ids = about["model"]["vocab"]
    about["model"]["vocab"] = {"<s>": 0, **{token: number + 1 for token, number in ids.items() if number < 256}}
    about["added_tokens"][0] |= {"id": 0, "content": "<s>"}
    path.write_text(json.dumps(about))
    return path


def test_what_ends_a_text_travels_with_the_model(tmp_path, make):
    """It is model.json that says it: tokenizer.json has special tokens, and no word for what each is for."""
    path = other_end(tmp_path / "t.json", make)
    with pytest.raises(ValueError, match=r"has no token <\|endoftext\|>"):
        Tokenizer(path)
    with pytest.raises(ValueError, match="7 is the id of no special token"):
        Tokenizer(path, end_of_text=7)
    with pytest.raises(ValueError, match="300 is the id of no special token"):
        Tokenizer(path, end_of_text=300)
    model = GPT(Architecture(layers=1, width=16, heads=2, context=32, vocabulary=257)).initialise(1)
    (tmp_path / "out").mkdir()
    checkpoint.publish(tmp_path / "out", model, path, "t1", 0, {})
    model, tokenizer, about = score.load(tmp_path / "out")
    assert model.end_of_text == tokenizer.end_of_text == about["end_of_text"] == 0
    assert 0 not in tokenizer.encode("one<s>two") and tokenizer.decode(tokenizer.encode("one<s>two")) == "one<s>two"


def test_text_stops_at_a_stop_string(folder):
    model, tokenizer, _ = score.load(folder)
    (whole,) = generate.complete(model, tokenizer, "A: ", limit=40, seed=4)
    stop = whole[10:12]
    (cut,) = generate.complete(model, tokenizer, "A: ", limit=40, seed=4, stop=[stop, "\0never"])
    assert cut == whole[: whole.find(stop)]


def test_an_unfinished_or_mixed_up_folder_is_refused(folder):
    swapped = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(swapped, indent=3))
    with pytest.raises(ValueError, match="not the tokenizer that the model was trained with"):
        score.load(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="training has not finished"):
        score.load(folder)


@pytest.mark.parametrize("place", [0, 500, -1])
def test_damaged_weights_are_refused(folder, place):
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[place] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
        score.load(folder)


def test_models_of_before_checksums_are_read(folder):
    about = json.loads((folder / "model.json").read_text())
    assert about.pop("model_sha256") == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    (folder / "model.json").write_text(json.dumps(about))
    score.load(folder)


def test_text_that_spells_end_of_text_is_text(tmp_path, make):
    from tokenizers import Tokenizer as Library

    path = make.tokenizer(tmp_path / "t.json")
    library = Library.from_file(str(path))
    library.add_special_tokens(["<|endoftext|>"])
    library.save(str(path))
    tokenizer, text = Tokenizer(path), "one<|endoftext|>two"
    assert tokenizer.end_of_text in library.encode(text).ids  # what the library does unasked
    ids = tokenizer.encode(text)
    assert tokenizer.end_of_text not in ids and tokenizer.decode(ids) == text
