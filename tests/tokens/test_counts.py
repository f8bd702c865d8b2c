"""Word counts: exact, the same however the texts are dealt out, and pruned by a rule over the whole corpus."""

import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from corpora import decided, document_id, source, workers
from counts_toys import by_blanks, words_of
from hypothesis import given
from hypothesis import strategies as st

from tasks.kernels.byte_counts import LONGEST, ByteCounts
from tasks.kernels.draw import uniform
from tasks.runtime.run import Run
from tasks.tokens import counts, sample
from tasks.tokens.pieces import held_out


def pretokens(text: str) -> list[bytes]:
    from tokenizers import pre_tokenizers

    split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True).pre_tokenize_str(text)
    return [text[start:end].encode() for _, (start, end) in split]


def training(name: str, texts: list[str]) -> list[str]:
    held = held_out([document_id(name, n) for n in range(len(texts))], 0.2, 1)
    return [text for text, hidden in zip(texts, held, strict=True) if not hidden]


def some_texts(seed: int, number: int = 40) -> list[str]:
    draw = random.Random(seed)
    words = ["the", " mill", "'s", "  ", "\n", "1799", "!?", "漢字かな", "é", "x" * 300, " ", "ＡＢ", "\u2003"]
    return ["".join(draw.choice(words) for _ in range(draw.randrange(60))) for _ in range(number)]


def short(words: list[bytes]) -> Counter[bytes]:
    """Words counted, those of x cut as they are."""
    return Counter(piece for word in words for piece in cut(word))


def cut(word: bytes) -> list[bytes]:
    text, pieces = word.decode(), [b""]
    for character in text:
        if len(pieces[-1]) + len(character.encode()) > LONGEST:
            pieces.append(b"")
        pieces[-1] += character.encode()
    return pieces


def test_counts_are_those_of_the_reference(run):
    texts = {"web": some_texts(1), "books": some_texts(2)}
    documents = {name: source(run, name, listed, 3) for name, listed in texts.items()}
    found, told = words_of(run, documents, {name: decided(run, one) for name, one in documents.items()})
    used = [text for name, listed in texts.items() for text in training(name, listed)]
    expected = short([word for text in used for word in pretokens(text)])
    assert found == sorted(expected.items())
    assert told.documents == {name: len(training(name, listed)) for name, listed in texts.items()}
    assert told.bytes == {
        name: sum(len(text.encode()) for text in training(name, listed)) for name, listed in texts.items()
    }
    assert (told.least, told.left_out, told.left_out_met) == (1, 0, 0)


@pytest.mark.parametrize("splitter", ["gpt2", "blanks"])
def test_any_sharding_order_and_number_of_workers_give_the_same(tmp_path, splitter):
    texts, ids = some_texts(3), [document_id("web", n) for n in range(40)]
    found = []
    for place, (shards, number, seed) in enumerate([(1, 1, 0), (5, 2, 1), (3, 3, 2), (40, 2, 3)]):
        run = Run(tmp_path / str(place), workers(number))
        order = random.Random(seed).sample(range(40), 40)
        documents = {"web": source(run, "web", [texts[n] for n in order], shards, [ids[n] for n in order])}
        found.append(words_of(run, documents, {"web": decided(run, documents["web"])}, splitter))
    assert found[0][0] and all(one == found[0] for one in found)
    if splitter == "blanks":
        used = training("web", texts)
        assert found[0][0] == sorted(short([w.encode() for t in used for w in by_blanks(t) if w]).items())


def test_a_shard_may_be_read_in_parts(run, monkeypatch):
    documents = {"web": source(run, "web", some_texts(4), 2)}
    decisions = {"web": decided(run, documents["web"])}
    whole = words_of(run, documents, decisions)
    monkeypatch.setattr(counts, "PART", 500)
    assert words_of(Run(run.store.root.parent / "other", run.engine), documents, decisions) == whole


def test_words_of_one_hash_are_told_apart(run, monkeypatch):
    documents = {"web": source(run, "web", some_texts(5), 3)}
    decisions = {"web": decided(run, documents["web"])}
    whole = words_of(run, documents, decisions)
    monkeypatch.setattr(ByteCounts, "hashes", property(lambda words: np.full(words.used, 7)))
    assert words_of(Run(run.store.root.parent / "other", run.engine), documents, decisions) == whole


def test_cut_and_dropped_text_does_not_count(run):
    texts = ["abc secret def", "secret", "abc"] * 10
    documents = {"web": source(run, "web", texts, 2)}
    dropped = [document_id("web", n) for n in range(1, 30, 3)]
    spans = {document_id("web", n): [(3, 10)] for n in range(0, 30, 3)}
    found, _ = words_of(run, documents, {"web": decided(run, documents["web"], dropped, spans)})
    assert {word for word, _ in found} == {b"abc", b" def"}


def test_only_the_drawn_documents_count(run):
    texts = some_texts(6)
    documents = {"web": source(run, "web", texts, 3), "none": source(run, "none", texts)}
    decisions = {name: decided(run, one) for name, one in documents.items()}
    found, told = words_of(run, documents, decisions, taken={"web": 0.5, "none": None})
    ids = [document_id("web", n) for n in range(40)]
    used = [
        text
        for text, draw, hidden in zip(texts, uniform(ids, 1, sample.PURPOSE), held_out(ids, 0.2, 1), strict=True)
        if draw <= 0.5 and not hidden
    ]
    assert 5 < len(used) < 35 and told.documents == {"web": len(used), "none": 0}
    assert found == sorted(short([word for text in used for word in pretokens(text)]).items())


@pytest.mark.parametrize("budget", [60, 200, 400, 1000])
def test_what_is_left_out_is_the_least_that_must(tmp_path, budget):
    """The rule by its definition, and the same whatever the sharding."""
    draw = random.Random(7)
    words = [f"{'w' * draw.randrange(1, 9)}{n}" for n in range(60)]
    texts = [" ".join(draw.choices(words, weights=range(1, 61), k=20)) for _ in range(30)]
    answers = []
    for shards in (1, 4):
        run = Run(tmp_path / str(shards), workers(1))
        documents = {"web": source(run, "web", texts, shards)}
        decisions = {"web": decided(run, documents["web"])}
        everything, _ = words_of(run, documents, decisions, "blanks")
        answers.append(words_of(run, documents, decisions, "blanks", budget=budget))
    assert answers[0] == answers[1]
    found, told = answers[0]

    def size(least: int) -> int:
        return sum(len(word) + counts.WORD for word, count in everything if count >= least)

    least = next(least for least in range(1, 1000) if size(least) <= budget)
    assert told.least == least
    assert found == [(word, count) for word, count in everything if count >= least]
    assert told.left_out == len(everything) - len(found)
    assert told.left_out_met == sum(count for _, count in everything) - sum(count for _, count in found)


def test_words_are_pruned_as_they_come_as_they_would_be_at_the_end():
    draw = random.Random(8)
    listed = [(f"{n:04}".encode(), draw.choice([1, 1, 1, 2, 3, 9])) for n in range(400)]

    def kept(tables: int) -> counts._Kept:
        answer = counts._Kept(2000)
        for start in range(tables):
            part = listed[start::tables]
            data = np.frombuffer(b"".join(word for word, _ in part), np.uint8)
            answer.add(data, np.arange(len(part) + 1) * 4, np.array([count for _, count in part], np.int64))
        return answer

    at_once, bit_by_bit = kept(1), kept(40)
    one, other = at_once.in_order(), bit_by_bit.in_order()
    assert one[0].equals(other[0]) and one[1].tolist() == other[1].tolist()
    assert (at_once.least, at_once.left_out, at_once.left_out_met) == (
        bit_by_bit.least, bit_by_bit.left_out, bit_by_bit.left_out_met,
    )  # fmt: skip
    assert at_once.least == 4 and at_once.left_out > 300


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=70), st.integers(1, 2**40)), max_size=20))
def test_rows_of_fixed_width_and_back(listed):
    data = np.frombuffer(b"".join(word for word, _ in listed), np.uint8)
    starts = np.cumsum([0, *(len(word) for word, _ in listed)]).astype(np.int64)
    often = np.array([count for _, count in listed], np.int64)
    table = counts.rows_of(np.zeros(len(listed), np.int64), np.arange(len(listed)), data, starts, often)
    again = counts.strings_of(table)
    assert [one.tolist() for one in again] == [data.tolist(), starts.tolist(), often.tolist()]


def test_sums_past_31_and_32_bits():
    """As reduce meets them: every one of many tasks has counted a word often."""
    data, starts, often = np.frombuffer(b"the", np.uint8), np.array([0, 3]), np.array([2**31 - 1])
    rows = [counts.rows_of(np.array([5]), np.array([task << 32]), data, starts, often) for task in range(5)]
    _, starts, often = counts.strings_of(counts.together(pa.concat_tables(rows)))
    assert starts.tolist() == [0, 3] and often.tolist() == [5 * (2**31 - 1)]
