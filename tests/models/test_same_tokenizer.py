"""Whether two tokenizers give the same ids."""

import json
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from tasks.models.same_tokenizer import difference, vocabulary_in

TEXT = "The other thing, ether: 12 there"


def made(merges: str = "th he er", end: str = "<|endoftext|>", **parts: Any) -> Tokenizer:
    symbols = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "th", "he", "er"]
    pairs = [(pair[0], pair[1]) for pair in merges.split()]
    library = Tokenizer(models.BPE({symbol: n for n, symbol in enumerate(symbols)}, pairs))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    for part, value in parts.items():
        setattr(library, part, value)
    library.add_special_tokens([end])
    return library


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"decoder": decoders.ByteLevel()},
        {"pre_tokenizer": pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False)},
    ],
)
def test_what_gives_the_same_ids(parts: dict[str, Any]) -> None:
    one, other = made(), made(**parts)
    assert difference(one.to_str().encode(), other.to_str(pretty=True).encode()) is None
    assert one.encode(TEXT, add_special_tokens=False).ids == other.encode(TEXT, add_special_tokens=False).ids
    assert vocabulary_in(one.to_str().encode()) == one.get_vocab_size() == 260


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (made("he th er"), "their merges"),
        (made(normalizer=normalizers.Lowercase()), "what text is normalised by"),
        (made(pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=True)), "what words are"),
        (made(end="<end>"), "the token '<end>' is none and id 259"),
    ],
)
def test_what_does_not(other: Tokenizer, said: str) -> None:
    one = made()
    assert difference(one.to_str().encode(), other.to_str().encode()) == said
    if not said.startswith("the token"):
        assert one.encode(TEXT).ids != other.encode(TEXT).ids


def test_fewer_ids_and_how_words_are_cut() -> None:
    about = json.loads(made().to_str())
    fewer = json.loads(made().to_str())
    fewer["added_tokens"] = []
    assert difference(json.dumps(about).encode(), json.dumps(fewer).encode()) == "260 ids and 259"
    whole = json.loads(made().to_str())
    whole["model"]["ignore_merges"] = True
    assert difference(json.dumps(about).encode(), json.dumps(whole).encode()) == "how words are cut"
