"""For every rule of tasks/quality/rules.py a text that breaks it, and with these limits none that stands before it."""

import json
from itertools import count
from pathlib import Path

from tasks.quality.rules import REASONS

_numbers = count()


def fresh(words: int, letters: int = 4) -> list[str]:
    """Words that no other call gives, of letters alone."""
    return [
        "".join(chr(97 + next(_numbers) // 26**place % 26) if place < 3 else "q" for place in range(letters))
        for _ in range(words)
    ]


def sentence(words: int = 12) -> str:
    return f"The way to {' '.join(fresh(words - 3, 6))}."


BASE = "\n".join(sentence() for _ in range(6))


def again(share: float) -> str:
    """Words of which about `share` stand in long runs that stood before: the same 60, and some of their own."""
    run = " ".join(fresh(60))
    if share > 0.5:
        return " ".join([run] * round(1 / (1 - share)))
    own = round(60 * (1 / share - 2))
    return " ".join([run, run, *fresh(own)])


LIMITS = {
    "heuristics": {
        "words": {"min": 5},
        "mean_word_length": {"max": 10},
        "hashes": {"max": 0.1},
        "ellipses": {"max": 0.1},
        "bullet_lines": {"max": 0.5},
        "ellipsis_lines": {"max": 0.5},
        "alphabetic_words": {"min": 0.5},
        "stop_words": {"min": 2},
        "duplicate_lines": {"max": 0.3},
        "duplicate_paragraphs": {"max": 0.3},
        "duplicate_line_characters": {"max": 0.5},
        "duplicate_paragraph_characters": {"max": 0.2},
        "top_2grams": {"max": 0.4},
        "top_3grams": {"max": 0.3},
        "top_4grams": {"max": 0.2},
        "repeated_5grams": {"max": 0.92},
        "repeated_6grams": {"max": 0.87},
        "repeated_7grams": {"max": 0.82},
        "repeated_8grams": {"max": 0.7},
        "repeated_9grams": {"max": 0.6},
        "repeated_10grams": {"max": 0.35},
        "terminal_lines": {"min": 0.5},
        "short_lines": {"max": 0.5},
        "sentences": {"min": 1},
        "whole_sentences": {"min": 1},
        "lorem_ipsum": {"max": 0},
        "curly_brackets": {"max": 0},
        "javascript_lines": {"max": 0.1},
        "policy_lines": {"max": 0.1},
    },
    "pii": {name: {"max": 1} for name in ("emails", "ipv4", "ipv6", "phones", "ibans", "cards")},
    "harm": {"harm": {"max": 0.75}},
}

_long = sentence(40)
_part = f"{sentence(16)}\n{sentence(16)}"
BREAKS = {
    "heuristics.words": "The way to.",
    "heuristics.mean_word_length": " ".join(fresh(30, 20)),
    "heuristics.hashes": BASE + " #" * 12,
    "heuristics.ellipses": " ... ".join(BASE.split()),
    "heuristics.bullet_lines": "\n".join(f"- {sentence()}" for _ in range(5)),
    "heuristics.ellipsis_lines": "\n".join(f"{sentence(20)}..." for _ in range(5)),
    "heuristics.alphabetic_words": BASE + "".join(f" {number}" for number in range(10_000, 10_100)),
    "heuristics.stop_words": " ".join(fresh(50)) + ".",
    "heuristics.duplicate_lines": f"{BASE}\n" + "The end.\n" * 8,
    "heuristics.duplicate_paragraphs": f"{BASE}\n{BASE.replace('way', 'road')}" + "\n\nThe end." * 4,
    "heuristics.duplicate_line_characters": "\n".join([*(sentence(8) for _ in range(12)), *[_long * 4] * 3]),
    "heuristics.duplicate_paragraph_characters": "\n\n".join([_part, *BASE.split("\n"), _part]),
    "heuristics.top_2grams": f"{BASE} " + " ".join(f"and so {word}" for word in fresh(300)),
    "heuristics.top_3grams": f"{BASE} " + " ".join(f"and so on {word}" for word in fresh(90, 7)),
    "heuristics.top_4grams": f"{BASE} " + " ".join(f"and so it is {word}" for word in fresh(60, 18)),
    **{
        f"heuristics.repeated_{n}grams": f"{again(share)} the way to"
        for n, share in ((5, 0.95), (6, 0.9), (7, 0.85), (8, 0.75), (9, 0.66), (10, 0.45))
    },
    "heuristics.terminal_lines": BASE.replace(".\n", "\n"),
    "heuristics.short_lines": f"{BASE}\n" + "\n".join(f"The {' '.join(fresh(2))}." for _ in range(8)),
    "heuristics.sentences": BASE.replace(".", '"'),
    "heuristics.whole_sentences": "\n".join(f"{sentence(20)[:-1]} JavaScript." for _ in range(6)),
    "heuristics.lorem_ipsum": f"{BASE} Lorem ipsum dolor.",
    "heuristics.curly_brackets": f"{BASE} f() {{ }}.",
    "heuristics.javascript_lines": f"{BASE}\nThis page needs Javascript to be of use to you.",
    "heuristics.policy_lines": f"{BASE}\nBy the way you agree to the Terms of Use.",
    "pii.emails": f"{BASE}\nWrite to a.b@example.org or to c.d@example.org as you like.",
    "pii.ipv4": f"{BASE}\nThe servers at 8.8.8.8 and 9.9.9.9 are open to all.",
    "pii.ipv6": f"{BASE}\nThe servers at 2001:4860:4860::8888 and 2606:4700::1111 are open to all.",
    "pii.phones": f"{BASE}\nCall +49 30 901820 or +44 20 7946 0958 to be sure.",
    "pii.ibans": f"{BASE}\nPay to DE89370400440532013000 or to GB29 NWBK 6016 1331 9268 19.",
    "pii.cards": f"{BASE}\nPay with 4111 1111 1111 1111 or with 5555 5555 5555 4444.",
    "harm": f"{BASE}\n{' '.join(['nasty'] * 3 + ['vile', 'hateful', 'cruel'])} to you and to them.",
}  # fmt: skip

assert list(BREAKS) == list(REASONS)


def labels(path: Path) -> None:
    """A file of harmful and harmless texts, told apart by a few words, of which one alone says nothing."""
    bad, good = ["nasty", "vile", "hateful", "cruel"], ["kind", "fair", "patient", "gentle"]
    with path.open("w") as file:
        for number in range(200):
            said = f"You asked me {fresh(1)[0]}. I am "
            pair = {
                "rejected": f"{said}{bad[number % 4]} and {bad[number % 3]} {number % 7}",
                "chosen": f"{said}{good[number % 4]} and {good[number % 3]} {number % 7}",
            }
            file.write(json.dumps(pair) + "\n")
