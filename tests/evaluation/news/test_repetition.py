"""Measures of repetition beside hand-made values and sacrebleu, and that texts compare at one length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_news import COMMON, text
from sacrebleu import sentence_bleu

from tasks.evaluation.news.repetition import FEWEST, MOST, compare, distinct, rep, self_bleu, words_of


def test_by_hand() -> None:
    words = ["a", "b", "a", "b", "a"]
    assert rep(words, 2) == pytest.approx(1 - 2 / 4) and rep(words, 4) == 0.0 and rep(["a"], 2) == 0.0
    assert distinct([words, ["a", "c"]], 1) == pytest.approx(3 / 7) and distinct([["a"]], 2) == 0.0
    assert words_of('He said: "No."') == ["He", "said", ":", '"', "No", ".", '"']


@given(st.lists(st.sampled_from("abc"), max_size=15), st.integers(1, 4))
def test_rep_and_distinct_of_one_text_are_one_number(words: list[str], n: int) -> None:
    if len(words) >= n:
        assert rep(words, n) == pytest.approx(1 - distinct([words], n)) and 0 <= rep(words, n) < 1


def test_self_bleu_is_sacrebleus() -> None:
    texts = [text(COMMON[:20], f"t{n}", 30) for n in range(4)]
    words = [words_of(one) for one in texts]
    said = [" ".join(one) for one in words]
    plain = [
        sentence_bleu(said[n], said[:n] + said[n + 1 :], tokenize="none", use_effective_order=True).score
        for n in range(4)
    ]
    assert self_bleu(words) == pytest.approx(sum(plain) / 400)
    assert self_bleu([words[0], words[0]]) == pytest.approx(1.0)


def test_texts_compare_at_one_length_and_number() -> None:
    model = [words_of(text(COMMON, f"m{n}", 40)) for n in range(40)]
    human = [words_of(text(COMMON, f"h{n}", 90)) for n in range(8)] + [["short"]] * 40
    found = compare(model, human, 25, seed=1)
    assert found is not None and found["texts"] == 8
    assert found["own"]["distinct"]["1"] == round(distinct([words[:25] for words in model[:8]], 1), 6)
    assert compare(model, human, 90, seed=1) is None, "no text of the model has so many words"
    assert compare(model, human[: FEWEST - 1], 25, seed=1) is None
    assert compare(model, model, 25, seed=1)["texts"] == MOST  # type: ignore[index]


def test_a_text_that_repeats_itself_is_told() -> None:
    again = [words_of("the mill and the river and " * 9) for _ in range(6)]
    human = [words_of(text(COMMON, f"h{n}", 60)) for n in range(6)]
    found = compare(again, human, 50, seed=1)
    assert found is not None
    assert found["own"]["rep"]["4"]["value"] > 0.8 and found["human"]["rep"]["4"]["value"] == 0.0
    assert found["own"]["self_bleu"] == pytest.approx(1.0) and found["own"]["distinct"]["2"] < 0.03
