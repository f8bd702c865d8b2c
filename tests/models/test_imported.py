"""A model that comes in from a folder for transformers: what it is, what is refused, its own tokens in evaluation."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from corpora import counts, decided, harm, source

from model import hf
from model.config import Architecture
from model.gpt import GPT
from model.score import load, window_losses
from model.tokenizer import END_OF_TEXT, Tokenizer
from tasks.evaluation import own_tokens
from tasks.evaluation.perplexity import perplexity
from tasks.models.files import model_folder
from tasks.models.imported import imported, patterns
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.run import Run
from tasks.sources.input.listing import listed
from tasks.tokens.tokenizer import tokenizer, tokenizer_file
from tasks.tokens.tokens import tokens

SPLIT = {"validation": 0.3, "seed": 1}
TEXTS = [f"the mill number {n} races, the river number {n * 7} rests." for n in range(80)]
SHAPE = Architecture(layers=2, width=16, heads=2, context=24, vocabulary=270, band=6)


def tokenizer_json(spare: int = 0) -> bytes:
    """Bytes, a merge ("th"), <|endoftext|>: 258 ids that are not the pipeline's."""
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, pre_tokenizers

    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = [*symbols, "th", *(f"spare{n}" for n in range(spare))]
    library = Library(models.BPE({name: n for n, name in enumerate(names)}, [("t", "h")]))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    library.add_special_tokens([END_OF_TEXT])
    return library.to_str().encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = GPT(SHAPE).initialise(5)
    hf.write(model, tmp_path / "theirs", tokenizer_json(), 257, "# a card\n")
    return tmp_path / "theirs"


def come(run: Run, folder: Path, end_of_text: str | None = None) -> Artifact:
    files = listed(run, "model-theirs", patterns(f"hf:{folder}"))
    return run(imported, "theirs", **files, end_of_text=end_of_text)


def test_what_it_is(run: Run, folder: Path) -> None:
    made = come(run, folder)
    assert set(made.files()) == {"model.safetensors", "model.json", "tokenizer.json"} and harm(made) == []
    model, by, about = load(model_folder(made))
    batch = torch.arange(24)[None]
    assert model.architecture == SHAPE and torch.equal(model(batch), hf.read(folder)(batch))
    assert model.end_of_text == by.end_of_text == about["end_of_text"] == 257 and about["tokenizer"] is None
    assert by.encode("the") == Tokenizer(folder / "tokenizer.json").encode("the")
    parameters = sum(p.numel() for p in model.parameters())
    assert counts(made) == {"parameters": parameters, "vocabulary": 270, "tokens": 258, "context": 24}
    assert come(run, folder).fingerprint == made.fingerprint


def test_weights_in_shards_and_a_tokenizer_of_two_files_come_in(run: Run, folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    whole = load_file(folder / "model.safetensors")
    names = sorted(whole)
    files = {f"model-0000{n + 1}-of-00002.safetensors": names[n::2] for n in range(2)}
    for file, held in files.items():
        save_file({name: whole[name] for name in held}, folder / file)
    index = {"weight_map": {name: file for file, held in files.items() for name in held}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").unlink()
    about = json.loads((folder / "tokenizer.json").read_text())
    (folder / "vocab.json").write_text(json.dumps({**about["model"]["vocab"], END_OF_TEXT: 257}))
    (folder / "merges.txt").write_text("#version: 0.2\nt h\n")
    (folder / "tokenizer.json").unlink()
    model, by, _ = load(model_folder(come(run, folder)))
    batch = torch.arange(24)[None]
    assert torch.equal(model(batch), hf.read(folder)(batch)) and len(by.encode("the")) == 2 and by.end_of_text == 257


def test_what_is_no_model_is_refused(run: Run, folder: Path) -> None:
    (folder / "tokenizer.json").write_bytes(tokenizer_json(spare=20))
    with pytest.raises(Mistake, match="the tokenizer has 278 ids, the weights 270"):
        come(run, folder)
    with pytest.raises(Mistake, match="'<stop>'"):
        come(run, folder, end_of_text="<stop>")
    (folder / "tokenizer.json").write_bytes(tokenizer_json())
    files = listed(run, "model-theirs", patterns(f"hf:{folder}"), frozen=False)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "activation_function": "relu"}))
    with pytest.raises(Failure, match=r"config\.json"):  # another than was listed
        run(imported, "theirs", **files, end_of_text=None)
    with pytest.raises(Mistake, match="the activation is 'relu'"):
        run(imported, "theirs", **listed(run, "m", patterns(f"hf:{folder}"), frozen=False), end_of_text=None)
    (folder / "model.safetensors").unlink()
    with pytest.raises(Mistake, match=r"model\.safetensors"):
        listed(run, "other", patterns(f"hf:{folder}"))


@pytest.fixture
def corpus(run: Run) -> tuple[Artifact, Artifact]:
    """Tokens of a source in three shards, and the pipeline's tokenizer."""
    documents = source(run, "web", TEXTS, shards=3)
    cut = decided(run, documents)
    by = run(tokenizer, "bpe", documents={"web": documents}, decisions={"web": cut}, shares={"web": 1.0},
             vocabulary=300, sample=10_000, **SPLIT)  # fmt: skip
    return run(tokens, "web", documents=documents, decision=cut, tokenizer=by, **SPLIT), by


def test_the_held_out_text_is_cut_in_its_own_tokens(corpus: Any, folder: Path) -> None:
    made, by = corpus
    theirs, own = Tokenizer(tokenizer_file(by)), Tokenizer(folder / "tokenizer.json")
    every = own_tokens.sample_of(made, theirs, own, context=24, most=10_000, seed=1)
    texts: dict[str, list[int]] = {}
    for window, document in zip(every.windows, every.documents, strict=True):
        assert 2 <= len(window) <= 25
        line = texts.setdefault(document, [257])
        assert line[-1] == window[0]  # each window begins with the token before it
        line.extend(window[1:].tolist())
    held_out = {own.decode(line[1:-1]) for line in texts.values()}
    assert all(line[-1] == 257 for line in texts.values()) and held_out < set(TEXTS) and len(held_out) > 10
    some = own_tokens.sample_of(made, theirs, own, context=24, most=7, seed=1)
    assert len(some.windows) == 7 and [w.tolist() for w in some.windows] == [w.tolist() for w in every.windows[:7]]
    other = own_tokens.sample_of(made, theirs, own, context=24, most=7, seed=2)
    assert other.documents != some.documents  # another sample


def test_the_sample_does_not_depend_on_shards(run: Run, folder: Path) -> None:
    own, samples = Tokenizer(folder / "tokenizer.json"), []
    for shards in (1, 4):
        documents = source(run, "web", TEXTS, shards=shards)
        cut = decided(run, documents)
        by = run(tokenizer, "bpe", documents={"web": documents}, decisions={"web": cut}, shares={"web": 1.0},
                 vocabulary=300, sample=10_000, **SPLIT)  # fmt: skip
        made = run(tokens, "web", documents=documents, decision=cut, tokenizer=by, **SPLIT)
        sample = own_tokens.sample_of(made, Tokenizer(tokenizer_file(by)), own, context=24, most=9, seed=1)
        samples.append((sample.documents, [window.tolist() for window in sample.windows]))
    assert samples[0] == samples[1]


def test_its_evaluation(run: Run, corpus: Any, folder: Path, tmp_path: Path) -> None:
    made, by = corpus
    model = come(run, folder)
    result = run(perplexity, "theirs", model=model, tokens={"web": made}, tokenizer=by, seed=1)
    gpt, own, _ = load(model_folder(model))
    sample = own_tokens.sample_of(made, Tokenizer(tokenizer_file(by)), own, context=24, most=64, seed=1)
    losses = window_losses(gpt, sample.windows)
    nats, predicted = sum(n for n, _ in losses), sum(count for _, count in losses)
    scored = counts(result)["sources"]["web"]
    assert scored["tokens"] == predicted and scored["windows"] == len(sample.windows) > 20
    assert scored["loss"] == pytest.approx(nats / predicted, abs=1e-6)
    ids = [t for window in sample.windows for t in window[1:].tolist() if t != 257]
    assert scored["bits_per_byte"] == pytest.approx(nats / math.log(2) / len(own.decode(ids).encode()), rel=1e-5)
