"""Encoding: the ids of `tokenizers`, whoever makes them, and a shard whose sample says otherwise fails."""

import json
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from corpora import REAL, contents, decided, document_id, source
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage
from tasks.tokens import encode
from tasks.tokens import tokens as stage_file
from tasks.tokens.encode import Encoder, encode_plainly, plain
from tasks.tokens.tokenizer import Learned
from tasks.tokens.tokens import tokens

SPACES = [chr(code) for code in range(0x110000) if chr(code).isspace()] + ["\u200b", "\u180e", "\ufeff"]
CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
LLAMA = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
LLAMA += r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


@cache
def about(vocabulary: int = 400) -> str:
    """tokenizer.json of a byte-level BPE, made by `tokenizers` from words of several scripts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    draw = random.Random(1)
    syllables = [
        "the",
        "mill",
        "'ll",
        "räce",
        " ",
        "  ",
        "\n",
        "漢字",
        "かな",
        "мел",
        "42",
        "...",
        "\U0001f600",
        "e\u0301",
    ]
    texts = ["".join(draw.choice(syllables) for _ in range(60)) for _ in range(300)]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=vocabulary - 1, initial_alphabet=alphabet, show_progress=False)
    )
    made.add_special_tokens(["<|endoftext|>"])
    return made.to_str()


@cache
def encoder(vocabulary: int = 400) -> Encoder:
    return Encoder(about(vocabulary).encode())


def agree(by: Encoder, texts: list[str]) -> None:
    column = pa.array(texts, pa.large_string())
    ids, ends = by.encode(column)
    expected, expected_ends = encode_plainly(by.plain, column)
    assert (ids.dtype, ends.dtype) == (np.uint32, np.int64)
    assert np.array_equal(ends, expected_ends) and np.array_equal(ids, expected)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=40),
            st.text(st.sampled_from([*SPACES, "a", "1", ".", "'", "s", "é"]), max_size=30),
            st.text(st.characters(categories=["Cn", "Co", "Mn", "Me", "Cf", "Nl", "No"]), max_size=20),
        ),
        max_size=8,
    )
)
def test_ids_are_the_references(texts):
    agree(encoder(), texts)


HARD = {
    "nothing": ["", "", ""],
    "NUL": ["\0", "a\0b", "\0" * 99],
    "lone marks": ["\u0301", " \u0301a", "a\u0301\u0302 \u0301"],
    "unassigned": ["\u0378", "\U000e0080x", "\U0002fa20\U0010ffff", "\U0001e5d0"],
    "four bytes": ["\U0001f600\U0001f601 \U00020000", "\U0001f468\u200d\U0001f469"],
    "contractions": ["it's he'LL 'tis 's'd''ve", "'", "''s", "x'S"],
    "white space": ["  a", "a  ", " \n \n", "\t \tb", "\u3000\u3000x", "\x1c\x85\xa0y"],
    "special": ["<|endoftext|>", "a<|endoftext|>b", "<|endoftext", "|>"],
}


@pytest.mark.parametrize("texts", HARD.values(), ids=HARD.keys())
def test_hard_texts(texts):
    agree(encoder(), texts)
    agree(encoder(4096), texts)


def around(characters: list[str]) -> list[str]:
    return [f"a{c}b 1{c}2 .{c} {c}" for c in characters]


def test_characters_among_letters_digits_marks_and_blanks():
    agree(encoder(), around(CHARACTERS[::101]))


@pytest.mark.long
def test_every_character_among_letters_digits_marks_and_blanks():
    for start in range(0, len(CHARACTERS), 100_000):
        agree(encoder(), around(CHARACTERS[start : start + 100_000]))


@pytest.mark.parametrize("repeated", ["a", " ", "\n", "1", "!", "\0", "漢", "\U0001f600", "\u0301", "ab"])
def test_a_long_run(repeated):
    """A cost that grows with the square of its length would take hours here."""
    agree(encoder(), [repeated * 300_000])


def test_a_slice_of_a_column_and_no_rows():
    whole = pa.array(["one", "two words", "", "three"], pa.large_string())
    for part in (whole[1:3], whole[3:], whole[:0], pa.array([], pa.large_string())):
        found, expected = encoder().encode(part), encode_plainly(encoder().plain, part)
        assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_new_cache_gives_the_same_ids(monkeypatch):
    """gigatoken's cache grows without bound: a fresh one is taken every FRESH bytes of text."""
    loaded: list[int] = []
    load = encode._gigatoken
    monkeypatch.setattr(encode, "_gigatoken", lambda content: loaded.append(1) or load(content))
    monkeypatch.setattr(encode, "FRESH", 1000)
    by = Encoder(about().encode())
    draw = random.Random(2)
    for _ in range(20):
        agree(by, ["".join(draw.choice("abcdef ") for _ in range(250))])
    assert len(loaded) == 1 + 20 * 250 // 1000 - 1  # the first, and one each time that more than 1000 were seen


def changed(**keys: Any) -> str:
    return json.dumps(json.loads(about()) | keys)


def model(**keys: Any) -> dict[str, Any]:
    return {"model": json.loads(about())["model"] | keys}


def split(pattern: str) -> dict[str, Any]:
    parts = [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
    ]
    return {"pre_tokenizer": {"type": "Sequence", "pretokenizers": parts}}


def byte_level(**keys: bool) -> dict[str, Any]:
    how = {"add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {"pre_tokenizer": {"type": "ByteLevel", **how, **keys}}


def added(special: bool) -> dict[str, Any]:
    known = json.loads(about())
    token = known["added_tokens"][0] | {"id": 77_777, "content": "mill", "special": special}
    return {"added_tokens": [*known["added_tokens"], token]}


BERT = {"type": "BertProcessing", "sep": ["<|endoftext|>", 399], "cls": ["<|endoftext|>", 399]}
CUT = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}
GIVEN: dict[str, tuple[Callable[[], str], bool]] = {
    "ours": (lambda: changed(), True),
    "GPT-4's way of splitting": (lambda: changed(**split(LLAMA)), True),
    "ids that skip merges": (lambda: changed(**model(ignore_merges=True)), True),
    "more special tokens": (lambda: changed(**added(special=True)), True),
    "a post-processor": (lambda: changed(post_processor=BERT), True),
    "truncation": (lambda: changed(truncation=CUT), True),
    "a pattern of nobody's": (lambda: changed(**split("[a-f]+")), False),
    "a normaliser": (lambda: changed(normalizer={"type": "Lowercase"}), False),
    "no pattern": (lambda: changed(**byte_level(use_regex=False)), False),
    "a blank before": (lambda: changed(**byte_level(add_prefix_space=True)), False),
    "words read out of text": (lambda: changed(**added(special=False)), False),
}


@pytest.mark.parametrize(("content", "fast"), GIVEN.values(), ids=GIVEN.keys())
def test_tokenizers_of_others(content, fast):
    """Whatever the file asks for, ids are those that `tokenizers` gives; gigatoken has what it is known to do alike."""
    by = Encoder(content().encode())
    assert by.fast == fast
    agree(by, ["The Mill's 1234 races,\n\n  and 漢字", "mill", "a<|endoftext|>b", ""])


def test_dropout_is_not_for_gigatoken():
    """Its ids are drawn anew for each text; gigatoken would leave that out in silence."""
    assert not Encoder(changed(**model(dropout=0.5)).encode()).fast


def test_a_special_token_in_text_is_text():
    ids, _ = encoder().encode(pa.array(["a<|endoftext|>b"], pa.large_string()))
    assert encoder().plain.token_to_id("<|endoftext|>") not in ids.tolist()
    assert encoder().plain.decode(ids.tolist()) == "a<|endoftext|>b"


@pytest.mark.real
def test_real_pages_of_many_languages():
    import zipfile

    with zipfile.ZipFile(REAL / "text-good" / "nltk" / "udhr2.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".txt")][::6]
        texts = [archive.read(name).decode("utf-8", "replace") for name in names]
    assert len(texts) > 60
    agree(encoder(), texts)


# ---- the sample of a shard


@stage("tokenizer", kind="fit", version="given to encode")
def given_one(job: Job, *, content: str) -> Learned:
    with job.publish("tokenizer.json") as file:
        file.write(content.encode())
    library = plain(content.encode())
    return Learned(library.get_vocab_size(), end_of_text=library.token_to_id("<|endoftext|>"))


class Wrong:
    """gigatoken, but that it gives another id for the last token of a text with a word in it."""

    def __init__(self, content: str, word: bytes) -> None:
        self.right, self.word = LOAD(content), word

    def encode_batch(self, texts: Any, parallel: bool) -> Any:
        import awkward as ak

        rows = self.right.encode_batch(texts, parallel=parallel).to_list()
        return ak.Array(
            [
                [*ids[:-1], ids[-1] + 1] if self.word.decode() in text else ids
                for text, ids in zip(texts.to_list(), rows, strict=True)
            ]
        )


LOAD = encode._gigatoken


def tokens_of(run: Run, documents: Artifact, decision: Artifact, by: Artifact) -> Artifact:
    encode.encoder_of.cache_clear()
    return run(tokens, "web", documents=documents, decision=decision, tokenizer=by, validation=0.1, seed=1)


def test_a_shard_whose_sample_differs_fails(run, monkeypatch):
    texts = [f"mill {n} wheel" for n in range(12)]
    documents = source(run, "web", texts)
    by = run(given_one, "given", content=about())
    decision = decided(run, documents, cuts={document_id("web", 7): [(0, 5)]})
    monkeypatch.setattr(encode, "_gigatoken", lambda content: Wrong(content, b"7 wheel"))
    place = len(encoder().plain.encode("7 wheel", add_special_tokens=False).ids) - 1
    id = f"{document_id('web', 7)}#0"
    with pytest.raises(Failure, match=rf"document {id}: from token {place} on, after '7 .*gigatoken .* tokenizers "):
        tokens_of(run, documents, decision, by)
    encode.encoder_of.cache_clear()


def test_how_much_of_a_shard_is_encoded_twice(run, monkeypatch):
    """16 documents, or as many as have 128 KB; one at least; of those that are kept."""
    twice: list[str] = []
    check = encode.encode_plainly
    monkeypatch.setattr(encode, "encode_plainly", lambda by, text: twice.extend(text.to_pylist()) or check(by, text))
    by = run(given_one, "given", content=about())
    for texts, dropped, expected in (
        ([f"short {n}" for n in range(40)], 10, 16),
        (["long " * 10_000 + str(n) for n in range(6)], 0, 2),
        (["longer " * 30_000 + str(n) for n in range(2)], 0, 1),
        (["few", "and fewer"], 1, 1),
        (["none"], 1, 0),
    ):
        twice.clear()
        documents = source(run, "web", texts)
        gone = [document_id("web", n) for n in range(dropped)]
        tokens_of(run, documents, decided(run, documents, gone), by)
        assert len(twice) == expected and set(twice) <= set(texts[dropped:])


def test_text_encoded_at_a_time_is_no_matter(run, monkeypatch):
    texts = [f"the {n} mill races " * (n % 9) for n in range(80)]
    by = run(given_one, "given", content=about())
    found = []
    for at_once in (1, 100, 4 << 20):
        monkeypatch.setattr(stage_file, "AT_ONCE", at_once)
        other = Run(run.store.url + f"-{at_once}", run.engine)
        again = other(given_one, "given", content=about())
        documents = source(other, "web", texts)
        found.append(contents(tokens_of(other, documents, decided(other, documents), again)))
        assert again.fingerprint == by.fingerprint
    assert found[0] == found[1] == found[2]
