"""The kinds of tokenizers: their ids, their words, and the same ids from every file that says them."""

import re
import unicodedata
from collections import Counter

import ftfy
import pytest
from corpora import contents, counts, workers
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers_made import KINDS, OTHERS, encode, library, made, texts, unicode_strings

from model.tokenizer import END_OF_TEXT, Tokenizer
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.tokens.kinds import gpt1, wordpiece
from tasks.tokens.kinds.alphabet import CHARACTERS, bytes_of, token_of
from tasks.tokens.kinds.spelling import spelled
from tasks.tokens.tokenizer import end_of_text_of, tokenizer_file


@pytest.fixture(scope="module")
def kinds(tmp_path_factory) -> dict[str, Artifact]:
    run = Run(tmp_path_factory.mktemp("kinds"), workers(1))
    return {kind: made(run, kind, texts(60, 1), 400) for kind in KINDS}


def by_id(artifact: Artifact) -> list[str]:
    vocabulary = library(tokenizer_file(artifact)).get_vocab()
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
    return sorted(vocabulary, key=vocabulary.__getitem__)


# ---- which ids there are


@pytest.mark.parametrize("kind", KINDS)
def test_its_statistics_are_the_files(kinds, kind):
    tokens, told = by_id(kinds[kind]), counts(kinds[kind])
    assert told["kind"] == kind and told["vocabulary"] == len(tokens) <= told["asked"] == 400
    single = sum(len(token.removeprefix("##").removesuffix("</w>")) == 1 for token in tokens)
    assert told["merges"] == len(tokens) - single - {"byte-bpe": 1, "gpt1": 2, "wordpiece": 5}[kind] > 20
    assert tokens[end_of_text_of(kinds[kind])] == {"wordpiece": "[SEP]"}.get(kind, END_OF_TEXT)


def test_ids_of_byte_bpe(kinds):
    tokens = by_id(kinds["byte-bpe"])
    assert tuple(tokens[:256]) == CHARACTERS and tokens[-1] == END_OF_TEXT
    assert CHARACTERS[0] == "!" and bytes_of("Ġ") == b" "
    assert [token_of(bytes_of(token)) for token in tokens[:-1]] == tokens[:-1]


def test_ids_of_gpt1(kinds):
    """<unk>, characters by frequency and code point, the same with </w>, merges, <|endoftext|>."""
    often = Counter("".join(word for text in texts(60, 1) for word in gpt1.words_of(text)))
    characters = sorted(often, key=lambda character: (-often[character], character))
    tokens = by_id(kinds["gpt1"])
    known = len(characters)
    assert tokens[: 1 + 2 * known] == ["<unk>", *characters, *(f"{character}</w>" for character in characters)]
    assert tokens[-1] == END_OF_TEXT and "mill</w>" in tokens and "th" in tokens
    assert "“" not in characters and '"' in characters and "é" not in characters


def test_ids_of_wordpiece(kinds):
    tokens = by_id(kinds["wordpiece"])
    assert tokens[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    often = Counter("".join(word for text in texts(60, 1) for word in wordpiece.words_of(text)))
    characters = sorted(often, key=lambda character: (-often[character], character))
    known = len(characters)
    assert tokens[5 : 5 + 2 * known] == [*characters, *(f"##{character}" for character in characters)]
    assert "mill" in tokens and "##ing" in tokens and "漢" in characters


def test_as_many_others_as_the_release_has():
    """GPT-1: 40,478 ids less 40,000 merges; BERT's five and at most a thousand characters twice."""
    words = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]
    for kind, vocabulary, others in (gpt1, 40478, 478), (wordpiece, 30522, 2005):
        library, merges = learnt(kind, Counter({word: 3000 - n for n, word in enumerate(words)}), vocabulary)
        assert merges == 0 and library.get_vocab_size() == others
        assert library.encode(words[kind.CHARACTERS - 1]).tokens[-1].strip("[]") not in ("<unk>", "UNK")
    ids = library.encode("".join(words[998:1002]), add_special_tokens=False).tokens
    assert ids == [words[998], words[999], "[UNK]", "[UNK]"]


def learnt(kind, often: Counter, vocabulary: int):
    import numpy as np
    import pyarrow as pa

    words = sorted(often, key=str.encode)
    return kind.learn(pa.array(words, pa.large_string()), np.array([often[word] for word in words]), vocabulary)


def test_nothing_is_merged_over_an_unknown_character():
    """A rare character parts gpt1's word, and makes wordpiece's whole word [UNK], which then teaches nothing."""
    often = Counter({"a": 50, "b": 50, "c": 50, "aXb": 40, "bc": 3, "aXcc": 30})
    seen, _ = learnt(gpt1, often, 2 + 4 * 3 + 3)
    assert {token for token in seen.get_vocab() if len(token.removesuffix("</w>")) > 1} == {
        "<unk>", END_OF_TEXT, "cc</w>", "bc</w>",
    }  # fmt: skip
    pieces, _ = learnt(wordpiece, Counter({**often, "c" * 101: 60}), 5 + 4 * 3 + 3)
    learned = {token for token in pieces.get_vocab() if len(token.removeprefix("##")) > 1} - set(wordpiece.SPECIALS)
    assert learned == {"bc"}


# ---- the same ids from every file, by every library


@pytest.mark.parametrize(("kind", "other"), OTHERS, ids=[f"{kind}-{other.__name__}" for kind, other in OTHERS])
def test_other_files_give_the_same_ids(kinds, kind, other):
    ours, theirs = encode(kinds[kind]), other(kinds[kind])
    for text in (*texts(20, 2), *unicode_strings(3000, 1)):
        assert theirs(text) == ours(text), repr(text)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "other"), OTHERS, ids=[f"{kind}-{other.__name__}" for kind, other in OTHERS])
def test_other_files_give_the_same_ids_of_100_000_strings(kinds, kind, other):
    ours, theirs = encode(kinds[kind]), other(kinds[kind])
    for text in unicode_strings(100_000, 2):
        assert theirs(text) == ours(text), repr(text)


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_do_not_depend_on_workers_and_sharding(kinds, kind, tmp_path):
    run = Run(tmp_path, workers(2))
    again = made(run, kind, texts(60, 1), 400, shards=3)
    assert contents(again) == contents(kinds[kind]) and counts(again) == counts(kinds[kind])


def test_merges_are_the_librarys_own(kinds):
    """`tokenizers` breaks ties by ids as we do, where the ids are the same: those of byte-bpe."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=399, min_frequency=2, initial_alphabet=alphabet, show_progress=False)
    theirs.train_from_iterator(texts(60, 1), trainer)
    assert sorted(theirs.get_vocab(), key=theirs.get_vocab().__getitem__) == by_id(kinds["byte-bpe"])[:-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_that_spells_a_special_token_is_text(kinds, kind):
    tokenizer = Tokenizer(tokenizer_file(kinds[kind]), end_of_text=end_of_text_of(kinds[kind]))
    special = {"byte-bpe": [END_OF_TEXT], "gpt1": [END_OF_TEXT], "wordpiece": ["[SEP]", "[CLS]", "[PAD]", "[MASK]"]}
    for token in special[kind]:
        number = library(tokenizer.path).token_to_id(token)
        for text in (token, f"a{token}b", f" {token} {token}\n"):
            assert number not in tokenizer.encode(text)


# ---- words


def standardised(text: str) -> str:
    """text_standardize of finetune-transformer-lm's text_utils.py, after ftfy, for text that `ingest` cleaned."""
    settings = {"fix_encoding": False, "unescape_html": False, "fix_latin_ligatures": False}
    text = ftfy.fix_text(text, fix_character_width=False, **settings)
    for old, new in (("—", "-"), ("–", "-"), ("―", "-"), ("…", "..."), ("´", "'")):
        text = text.replace(old, new)
    runs = r"""(-+|~+|!+|"+|;+|\?+|\++|,+|\)+|\(+|\\+|\/+|\*+|\[+|\]+|}+|{+|\|+|_+)"""
    text = re.sub(runs, r" \1 ", text)
    text = re.sub(r"\s*\n\s*", " \n ", text)
    return re.sub(r"[^\S\n]+", " ", text).strip()


def basic_words(text: str) -> list[str]:
    """BasicTokenizer of google-research/bert's tokenization.py, do_lower_case."""
    text = "".join(" " if character in "\t\n\r" else character for character in text)
    text = "".join(f" {c} " if 0x4E00 <= ord(c) <= 0x9FFF else c for c in text).lower()
    text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    apart = (f" {c} " if unicodedata.category(c)[0] == "P" or c in "$+<=>^`|~" else c for c in text)
    return "".join(apart).split()


LETTERS = "abcXYZéÜñßøſ0127½ΩжЖ漢字\u0301 \n\t\u00a0.,;:!?'\"()[]{}<>|~`^$+=*/\\_-—–―…´‘’‚‛“”„‟«»¿§°"


@given(st.text(st.sampled_from(LETTERS), max_size=60))
@example("“Don’t” — she said… it´s")
def test_gpt1s_words_are_the_releases(text):
    assert gpt1.words_of(text) == basic_words(standardised(text))


@given(st.text(st.sampled_from(LETTERS), max_size=60))
@example("Déjà vu: 漢字")
def test_wordpieces_words_are_berts(text):
    assert wordpiece.words_of(text) == basic_words(text)


def test_what_tokens_spell(kinds):
    """Bytes come back; of the others, what they keep of a text."""
    text = " then “milling” the Größe"
    said = {"byte-bpe": text, "gpt1": 'then " milling " the große ', "wordpiece": " then “ milling ” the große"}
    for kind, expected in said.items():
        spelt = spelled(library(tokenizer_file(kinds[kind])))
        assert b"".join(spelt[number] for number in encode(kinds[kind])(text)).decode() == expected
