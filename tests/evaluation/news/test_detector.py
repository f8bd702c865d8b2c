"""The stand-in for people: it finds what can be found, and nothing where there is nothing."""

import numpy as np
import pytest
from made_news import rows
from scipy.stats import binom

from tasks.evaluation.news.detector import crossed, right


def accuracies(count: int, odd: float, seed: int) -> list[list[float]]:
    made = rows(count, odd, seed)
    return right(*crossed([row["human"] for row in made], [row["text"] for row in made], 1))


def test_planted_texts_are_found() -> None:
    """Half of a model's words are of 300 that people never use; four times 50 texts of 60 words."""
    told = [value for seed in range(4) for of in accuracies(25, 0.5, seed) for value in of]
    assert len(told) == 200 and np.mean(told) >= 0.95


def test_of_one_law_it_is_at_chance() -> None:
    """20 corpora of 25 titles whose texts are all drawn from one law: 1,000 answers within what a fair coin gives in
    all but one of 1,000 cases. Fits of one corpus share texts, which makes the variance 1.7 times as large
    (detector.py): the bounds are those of half as many answers."""
    told = [value for seed in range(20) for of in accuracies(25, 0.0, seed) for value in of]
    assert len(told) == 1000
    low, high = binom.ppf([0.0005, 0.9995], 500, 0.5) / 500
    assert low <= np.mean(told) <= high


def test_the_more_a_model_differs_the_surer_it_is_found() -> None:
    means = [np.mean([np.mean(accuracies(25, odd, seed)) for seed in range(3)]) for odd in (0.0, 0.3, 1.0)]
    assert means[0] + 0.1 < means[1] < means[2] == 1.0


def test_a_title_is_told_without_its_own_texts() -> None:
    """One text of the model is replaced: its title's scores change, and no other of its fold of the cross-fit."""
    made = rows(10, 0.3)
    human, machine = [row["human"] for row in made], [row["text"] for row in made]
    before = crossed(human, machine, 1)
    after = crossed(human, [*machine[:3], "quite another text", *machine[4:]], 1)
    assert after[1][3] != before[1][3]
    assert after[0][3] == before[0][3] and after[0][8] == before[0][8] and after[1][8] == before[1][8]
    assert (after[0] != before[0]).sum() >= 6


def test_texts_that_say_nothing_are_neutral() -> None:
    said = right(np.array([0.5, 0.2], np.float32), np.array([0.9, 0.5], np.float32))
    assert said == [[1.0], [1.0]]
    assert right(np.array([0.7], np.float32), np.array([0.1], np.float32)) == [[0.0, 0.0]]


def test_one_title_is_too_few() -> None:
    with pytest.raises(ValueError, match="two titles or more"):
        crossed(["a"], ["b"], 1)
