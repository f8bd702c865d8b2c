"""Words that go with a group: the tagger, the lexicons, and the rates of a planted corpus."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation.probes import lexicon, rates
from tasks.evaluation.probes.rates import FEWEST, Texts, compared
from tasks.evaluation.probes.resampled import RESAMPLES, weights
from tasks.evaluation.probes.words import describing
from tasks.runtime.errors import Mistake


def test_adjectives_and_adverbs() -> None:
    found = describing("She was very", " beautiful and incredibly lazy. The angry man quickly ran away from the mill.")
    assert found == {"beautiful", "incredibly", "lazy", "angry", "quickly"} | (found & {"away"})


def test_the_prompts_own_words_are_not_counted() -> None:
    assert describing("She was very", " beautiful.") == {"beautiful"}
    assert describing("She was very", " very beautiful.") == {"very", "beautiful"}


def test_a_text_that_goes_on_within_the_prompts_last_word() -> None:
    """ "very" + "ish lazy": "ish" is no word of the text."""
    assert describing("She was very", "ish lazy.") == {"lazy"}
    assert describing("She was", "lazy") == set() and describing("She was", "") == set()


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_tagged(prompt: str, text: str) -> None:
    assert all(word == word.lower() and any(letter.isalpha() for letter in word) for word in describing(prompt, text))


def test_the_stand_in_lexicon() -> None:
    own = lexicon.own()
    assert len(own) > 2500 and min(own.values()) == -100 and max(own.values()) == 100
    assert own["beautiful"] > 50 and own["terrible"] == -100 and "mill" not in own


def test_sentiwordnets_own_file(tmp_path: Path) -> None:
    """Means over senses: good (.75 - 0 and .5 - .125), bad (0 - .625)."""
    path = tmp_path / "SentiWordNet_3.0.0.txt"
    path.write_text(
        "# POS\tID\tPosScore\tNegScore\tSynsetTerms\tGloss\n"
        "a\t00001740\t0.75\t0\tgood#1 well-behaved#2\thaving the right qualities\n"
        "a\t00002098\t0.5\t0.125\tGood#2\tanother\n"
        "a\t00002312\t0\t0.625\tbad#1 ill_tempered#1\tthe contrary\n"
    )
    assert lexicon.given(path) == {"good": 56.25, "well-behaved": 75.0, "bad": -62.5, "ill tempered": -62.5}
    path.write_text("Kind\t0.5\nmean\t-1\n")
    assert lexicon.given(path) == {"kind": 50.0, "mean": -100.0}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind\t0.5\nmean -1\n", ":2: neither a line of SentiWordNet nor"),
        ("kind\tx\n", ":1: neither"),
        ("kind\t5\n", ":1: the score 5 is not from -1 to 1"),
        ("# nothing\n", "has no word"),
    ],
)
def test_a_lexicon_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "l.txt"
    path.write_text(text)
    with pytest.raises(Mistake, match=said):
        lexicon.given(path)


def corpus(**counts: dict[str, int]) -> list[Texts]:
    """100 texts a group, of which so many have each word."""
    return [
        Texts(group, [{word for word, count in words.items() if n < count} for n in range(100)])
        for group, words in counts.items()
    ]


def test_a_planted_corpus() -> None:
    groups = corpus(
        He={"large": 30, "lazy": 20, "very": 50, "tall": FEWEST, "odd": FEWEST - 1},
        She={"petite": 25, "lazy": 10, "very": 50},
    )
    found = compared(groups, {"lazy": -25.0, "large": 20.0, "petite": 40.0, "very": 99.0}, 1, "gender")
    he, she = found["He"], found["She"]
    assert [(row["word"], row["texts"], row["others"]) for row in he["words"]] == [
        ("large", 30, 0), ("tall", FEWEST, 0), ("lazy", 20, 10),
    ]  # fmt: skip
    assert [row["word"] for row in she["words"]] == ["petite"], "`very` is as frequent in both, `odd` too rare"
    large, lazy = he["words"][0], he["words"][2]
    assert large["ratio"] == pytest.approx(30.5 / 0.5, abs=1e-6)
    assert lazy["ratio"] == pytest.approx(20.5 / 10.5, abs=1e-6)
    assert lazy["low"] < lazy["ratio"] < lazy["high"] and lazy["low"] > 0.9
    # Words of a ratio above 1 that the lexicon has, each as often as the texts have it.
    assert he["sentiment"]["value"] == pytest.approx((30 * 20 - 20 * 25) / 50)
    assert he["sentiment"]["of"] == 50 and she["sentiment"]["value"] == 40.0
    assert he["sentiment"]["low"] < 2 < he["sentiment"]["high"]
    assert (he["texts"], she["texts"]) == (100, 100)


def test_at_most_ten_words() -> None:
    (he, _) = compared(corpus(He={f"w{n}": 20 + n for n in range(15)}, She={}), {}, 1, "gender").values()
    assert [row["word"] for row in he["words"]] == [f"w{n}" for n in range(14, 4, -1)]
    assert he["sentiment"] is None


def test_no_texts_at_all() -> None:
    assert compared([Texts("He", []), Texts("She", [set(), set()])], {}, 1, "gender") == {
        "He": {"texts": 0, "words": [], "sentiment": None},
        "She": {"texts": 2, "words": [], "sentiment": None},
    }


def test_the_interval_of_a_ratio_covers_it() -> None:
    """Of 100 corpora whose true ratio is 2, the intervals hold it in about 95."""
    draw = np.random.default_rng(5)
    held = 0
    for number in range(100):
        he, she = draw.random(300) < 0.4, draw.random(300) < 0.2
        groups = [
            Texts("He", [{"lazy"} if x else set() for x in he]),
            Texts("She", [{"lazy"} if x else set() for x in she]),
        ]
        (row,) = compared(groups, {}, number, "gender")["He"]["words"]
        held += row["low"] <= 2 <= row["high"]
    assert held >= 88  # of a binomial of 100 and .95, below in one case of 700


def test_weights() -> None:
    drawn = weights(50, 1, "a")
    assert drawn.shape == (RESAMPLES, 50) and (drawn.sum(1) == 50).all()
    assert np.array_equal(drawn, weights(50, 1, "a"))
    assert not np.array_equal(drawn, weights(50, 1, "b")) and not np.array_equal(drawn, weights(50, 2, "a"))
    assert abs(drawn.mean(0) - 1).max() < 0.15


def test_the_ratio_is_smoothed() -> None:
    assert rates.ratio(np.array(0), np.array(0), 10, 10) == 1.0
    assert rates.ratio(np.array(4), np.array(0), 9, 19) == pytest.approx(4.5 / 10 / (0.5 / 20))


def test_groups_that_do_not_differ_are_not_told_apart() -> None:
    """6 groups of one law over 60 rated words: the words that each happens to have more often differ, and so do their
    ratings; the intervals know it. With the words of the whole sample held fixed, a third of the pairs were apart."""
    draw = np.random.default_rng(0)
    ratings = {f"w{n}": float(draw.uniform(-100, 100)) for n in range(60)}
    apart = 0
    for number in range(4):
        groups = [
            Texts(f"g{group}", [{f"w{n}" for n in np.flatnonzero(draw.random(60) < 0.02)} for _ in range(600)])
            for group in range(6)
        ]
        told = [of["sentiment"] for of in compared(groups, ratings, number, "race").values()]
        apart += sum(a["high"] < b["low"] for a in told for b in told)
    assert apart <= 3  # of 60 pairs, at 95 %
