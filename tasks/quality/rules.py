"""The rules that `keep` knows, by measure: a number of a document, made of what was counted, with limits from conf.

Apart from the measures, so that a change of how something is counted is no change of how it is decided.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Rule:
    """`count`: a column of the measure; `of`: the column that it is divided by, if any, for a share or a mean."""

    count: str
    of: str | None
    meaning: str  # of the reason: why the document leaves, in one line


HEURISTICS = {
    "words": Rule("words", None, "it has too few or too many words"),
    "mean_word_length": Rule("characters", "words", "its words are too short or too long on average"),
    "hashes": Rule("hashes", "words", "it has too many number signs for its words"),
    "ellipses": Rule("ellipses", "words", "it has too many ellipses for its words"),
    "bullet_lines": Rule("bullet_lines", "lines", "too many of its lines begin with a bullet"),
    "ellipsis_lines": Rule("ellipsis_lines", "lines", "too many of its lines end with an ellipsis"),
    "alphabetic_words": Rule("alphabetic_words", "words", "too few of its words hold a letter"),
    "stop_words": Rule("stop_words", None, "it has too few of English's most frequent words"),
    "duplicate_lines": Rule("duplicate_lines", "lines", "too many of its lines stood before"),
    "duplicate_paragraphs": Rule("duplicate_paragraphs", "paragraphs", "too many of its paragraphs stood before"),
    "duplicate_line_characters": Rule(
        "duplicate_line_characters", "characters", "too much of it is lines that stood before"
    ),
    "duplicate_paragraph_characters": Rule(
        "duplicate_paragraph_characters", "characters", "too much of it is paragraphs that stood before"
    ),
    **{
        f"top_{n}grams": Rule(f"top_{n}grams", "characters", f"too much of it is the same {n} words in a row")
        for n in (2, 3, 4)
    },
    **{
        f"repeated_{n}grams": Rule(
            f"repeated_{n}grams", "characters", f"too much of it is {n} words in a row that stood before"
        )
        for n in range(5, 11)
    },
    "terminal_lines": Rule("terminal_lines", "lines", "too few of its lines end as a sentence does"),
    "short_lines": Rule("short_lines", "lines", "too many of its lines are of fewer than 5 words"),
    "sentences": Rule("sentences", None, "it has too few sentences"),
    "whole_sentences": Rule("whole_sentences", None, "it has too few sentences on lines that C4 would keep"),
    "lorem_ipsum": Rule("lorem_ipsum", None, "it holds the printers' lorem ipsum"),
    "curly_brackets": Rule("curly_brackets", None, "it holds curly brackets, as code does"),
    "javascript_lines": Rule("javascript_lines", "lines", "too many of its lines name javascript"),
    "policy_lines": Rule("policy_lines", "lines", "too many of its lines name a policy"),
}

PII = {
    "emails": Rule("emails", None, "it holds too many e-mail addresses"),
    "ipv4": Rule("ipv4", None, "it holds too many public IPv4 addresses"),
    "ipv6": Rule("ipv6", None, "it holds too many public IPv6 addresses"),
    "phones": Rule("phones", None, "it holds too many telephone numbers"),
    "ibans": Rule("ibans", None, "it holds too many bank account numbers"),
    "cards": Rule("cards", None, "it holds too many numbers of payment cards"),
}
HARM = {"harm": Rule("harm", None, "it reads too much like what people called harmful")}

# By measure. A document that breaks several rules is told to have left for the first.
RULES: dict[str, dict[str, Rule]] = {"heuristics": HEURISTICS, "pii": PII, "harm": HARM}


def reason_of(measure: str, rule: str) -> str:
    """The reason for which a document leaves by a rule: `pii.emails`; `harm`, whose one rule has its name."""
    return measure if rule == measure else f"{measure}.{rule}"


REASONS = {reason_of(measure, name): rule.meaning for measure, rules in RULES.items() for name, rule in rules.items()}


def value_of(rule: Rule, columns: pa.Table) -> np.ndarray:
    """(rows,): the rule's number of each row, as it is stored, or a quotient (float64); 0 of nothing to divide by.

    A count divided by a count is correctly rounded (IEEE 754): the same on every machine.
    """
    counts: np.ndarray = columns.column(rule.count).to_numpy()
    if rule.of is None:
        return counts
    return counts.astype(np.float64) / np.maximum(columns.column(rule.of).to_numpy(), 1)


def stays(values: np.ndarray, limits: Mapping[str, float]) -> np.ndarray:
    """bool (rows,): which values are at least `min` and at most `max`, as far as these are given.

    numpy compares a float32 with Python's number rounded to float32: .9 is met by what is stored for .9.
    """
    within: np.ndarray = (values >= limits.get("min", -np.inf)) & (values <= limits.get("max", np.inf))
    return within
