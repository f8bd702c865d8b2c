"""Chats made by hand: demonstrations, and answers that a rule ranks, over a byte-level vocabulary."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from bytewise import VOCABULARY
from tuned import Example, write_examples

SYSTEM, USER, ASSISTANT, SAID = range(VOCABULARY, VOCABULARY + 4)  # <|end|> is SAID
ADDED = {"<|system|>": SYSTEM, "<|user|>": USER, "<|assistant|>": ASSISTANT, "<|end|>": SAID}
LETTERS = range(97, 105)  # a to h
GOOD = 97


def prompt(asked: Sequence[int]) -> list[int]:
    """All to where the assistant begins."""
    return [USER, *asked, SAID, ASSISTANT]


def answered(asked: Sequence[int], answer: Sequence[int]) -> list[int]:
    return [*prompt(asked), *answer, SAID]


def letters(draw: np.random.Generator, least: int, most: int) -> list[int]:
    return [int(letter) for letter in draw.choice(LETTERS, draw.integers(least, most + 1))]


def worth(answer: Sequence[int]) -> int:
    """The rule: how many of the answer's letters are a."""
    return sum(letter == GOOD for letter in answer)


def comparisons(count: int, seed: int = 1, answers: Callable[[int], int] = lambda n: 4 + n % 6) -> list[Example]:
    """Prompts with K = 4 ... 9 answers, ranked by the rule: rank 1 has most a's, as many are a tie."""
    draw, made = np.random.default_rng(seed), []
    for n in range(count):
        asked = letters(draw, 2, 5)
        said = [letters(draw, 2, 6) for _ in range(answers(n))]
        ranks = [[1 + sum(worth(other) > worth(one) for other in said)] for one in said]
        made.append(([answered(asked, one) for one in said], ranks))
    return made


def demonstrations(count: int, seed: int = 1) -> tuple[list[Example], list[list[int]]]:
    """What is asked is answered by its first letter, twice; and the masks: of the answer and its <|end|> alone."""
    draw, made, masks = np.random.default_rng(seed), [], []
    for _ in range(count):
        asked = letters(draw, 2, 5)
        made.append(([answered(asked, [asked[0]] * 2)], [[]]))
        masks.append([0] * len(prompt(asked)) + [1] * 3)
    return made, masks


def write_demonstrations(folder: Path, train: int, validation: int = 0) -> Path:
    (shown, masks), (held, held_masks) = demonstrations(train), demonstrations(validation, seed=2)
    mask = {("train", n, 0): one for n, one in enumerate(masks)}
    mask |= {("validation", n, 0): one for n, one in enumerate(held_masks)}
    return write_examples(folder, "chat", shown, held, mask=mask, added=ADDED)


def write_comparisons(folder: Path, train: int, validation: int = 0) -> Path:
    return write_examples(folder, "compare", comparisons(train), comparisons(validation, seed=2), added=ADDED)
