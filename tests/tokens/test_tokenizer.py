"""The tokenizer: byte-level, with <|endoftext|> last, the same bytes however it is made, blind to validation text."""

import json
import random
from functools import cache

import pytest
from corpora import contents, counts, decided, document_id, source, workers
from hypothesis import given
from hypothesis import strategies as st

from model.tokenizer import END_OF_TEXT
from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.run import Run
from tasks.tokens.tokenizer import tokenizer, tokenizer_file

HOW = {"vocabulary": 400, "sample": 1_000_000, "validation": 0.2, "seed": 1}
WORDS = [
    f"{a}{b}{c}"
    for a in ("the", "an", "re", "un")
    for b in ("mill", "race", "corpus", "wörd")
    for c in ("", "s", "ing")
]


def texts(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choice(WORDS) for _ in range(30)) + ".\n" for _ in range(count)]


def made(
    run: Run, documents: dict[str, Artifact], shares: dict[str, float] | None = None, decisions=None, **how
) -> Artifact:
    decisions = decisions or {name: decided(run, one) for name, one in documents.items()}
    shares = shares or dict.fromkeys(documents, 1 / len(documents))
    return run(tokenizer, "byte-bpe", documents=documents, decisions=decisions, shares=shares, **{**HOW, **how})


def library(artifact: Artifact):
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(tokenizer_file(artifact)))


def test_vocabulary(run):
    artifact = made(run, {"web": source(run, "web", texts(60, 1))}, vocabulary=350)
    model = library(artifact)
    vocabulary = model.get_vocab()
    assert counts(artifact)["vocabulary"] == counts(artifact)["asked"] == len(vocabulary) == 350
    assert vocabulary[END_OF_TEXT] == 349 and sorted(vocabulary.values()) == list(range(350))
    assert sum(len(token) == 1 for token in vocabulary) == 256
    assert any("mill" in token for token in vocabulary)
    assert len(model.encode(" themill").ids) < len(" themill")


def test_little_text_makes_a_smaller_vocabulary(run):
    artifact = made(run, {"web": source(run, "web", ["ab"] * 5)}, validation=0.0)
    assert counts(artifact)["vocabulary"] < 400 == counts(artifact)["asked"]
    assert library(artifact).get_vocab()[END_OF_TEXT] == counts(artifact)["vocabulary"] - 1


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("tokenizer"), workers(1))
    return library(made(run, {"web": source(run, "web", texts(60, 1))}))


@given(st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("themillrace \n\t\r\x00é漢😀")), max_size=80))
def test_any_text_comes_back(model, text):
    ids = model.encode(text, add_special_tokens=False).ids
    assert model.decode(ids, skip_special_tokens=False) == text


@given(st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("themillrace '\n\t 0é漢😀")), max_size=80))
def test_tiktoken_gives_the_same_ids(model, text):
    """A second implementation of GPT-2's BPE, made from the same file: a token's id is its rank."""
    assert tiktoken_of(model).encode_ordinary(text) == model.encode(text, add_special_tokens=False).ids


@cache
def tiktoken_of(model):
    import tiktoken
    from tiktoken_ext.openai_public import r50k_pat_str

    def raw(token: str) -> bytes:  # ByteLevel writes a byte that is no printable character as one from 256 up
        return bytes(bytes_of[character] for character in token)

    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    bytes_of = {chr(byte): byte for byte in plain}
    bytes_of |= {chr(256 + n): byte for n, byte in enumerate(byte for byte in range(256) if byte not in plain)}
    ranks = {raw(token): rank for token, rank in model.get_vocab().items() if token != END_OF_TEXT}
    return tiktoken.Encoding("ours", pat_str=r50k_pat_str, mergeable_ranks=ranks, special_tokens={})


def test_every_byte_has_a_token(model):
    for code in (*range(0x180), 0x7FF, 0x800, 0xFFFD, 0xFFFF, 0x10000, 0x10FFFF):
        ids = model.encode(chr(code), add_special_tokens=False).ids
        assert ids and model.decode(ids, skip_special_tokens=False) == chr(code)


def test_bytes_do_not_depend_on_workers_and_sharding(run, tmp_path):
    found = []
    for place, (shards, engine) in enumerate(((1, run.engine), (4, run.engine), (4, workers(2)))):
        other = Run(tmp_path / str(place), engine)
        documents = {name: source(other, name, texts(60, seed), shards) for seed, name in enumerate(("web", "books"))}
        artifact = made(other, documents, sample=60_000)
        found.append((contents(artifact), counts(artifact)))
    assert found[0] == found[1] == found[2]
    beside = {"tokenizer_config.json", "tokenizer.tiktoken", "vocab.json", "merges.txt"}
    assert found[0][0].keys() == {"tokenizer.json", *beside}


def test_validation_text_is_never_seen(run):
    """A word of nothing but validation documents gets no token, as it does where it stands in training documents."""
    held = uniform([document_id("web", n) for n in range(60)], 1, "split") < 0.2
    assert 4 < held.sum() < 25
    plain = contents(made(run, {"web": source(run, "web", texts(60, 1))}))
    for secret, seen in ((held, False), (~held, True)):
        planted = [
            text + " zyzzyva" * 50 if hidden else text for text, hidden in zip(texts(60, 1), secret, strict=True)
        ]
        artifact = made(run, {"web": source(run, "web", planted)})
        assert ("Ġzyzzyva" in library(artifact).get_vocab()) == seen
        assert (contents(artifact) == plain) != seen


def test_cut_and_dropped_text_is_never_seen(run):
    secret = " zyzzyva" * 50
    planted = [text + secret for text in texts(30, 1)] + [secret] * 5 + texts(30, 2)
    documents = source(run, "web", planted)
    cuts = {document_id("web", n): [(len(texts(30, 1)[n].encode()), len(planted[n].encode()))] for n in range(30)}
    decision = decided(run, documents, [document_id("web", n) for n in range(30, 35)], cuts)
    assert not [
        token
        for token in library(made(run, {"web": documents}, decisions={"web": decision})).get_vocab()
        if "zy" in token
    ]


def test_shares_are_of_bytes(run):
    """Each source gives its share of the sample, and at most one document more; a share of 0 gives nothing."""
    documents = {"web": source(run, "web", texts(200, 1)), "books": source(run, "books", texts(200, 2), 3)}
    documents["none"] = source(run, "none", ["zyzzyva " * 30] * 20)
    artifact = made(run, documents, {"web": 0.75, "books": 0.25, "none": 0.0}, sample=8000)
    taken, longest = counts(artifact)["bytes"], max(len(text.encode()) for text in texts(200, 1) + texts(200, 2))
    assert 6000 <= taken["web"] < 6000 + longest and 2000 <= taken["books"] < 2000 + longest and taken["none"] == 0
    assert not [token for token in library(artifact).get_vocab() if "zy" in token]


def test_a_source_smaller_than_its_share_gives_all(run):
    documents = {"web": source(run, "web", texts(20, 1))}
    artifact = made(run, documents, validation=0.0, sample=10**9)
    assert counts(artifact)["documents"] == 20
    assert counts(artifact)["bytes"] == {"web": sum(len(text.encode()) for text in texts(20, 1))}


def test_no_text_at_all(run):
    documents = {"web": source(run, "web", ["a"]), "empty": source(run, "empty", [])}
    decisions = {
        "web": decided(run, documents["web"], [document_id("web", 0)]),
        "empty": decided(run, documents["empty"]),
    }
    with pytest.raises(Failure, match="no text to learn from"):
        made(run, documents, decisions=decisions)


def test_the_file_is_plain_json(run):
    artifact = made(run, {"web": source(run, "web", texts(30, 1))})
    about = json.loads(tokenizer_file(artifact).read_bytes())
    assert about["model"]["type"] == "BPE"
    assert [token["content"] for token in about["added_tokens"]] == [END_OF_TEXT]
