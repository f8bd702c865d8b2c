"""What a document needs to stay, whatever its source: `keep`, and `harm`, from whose files one of its measures learns.

A key of `keep` names a measure, and under it rules with limits. A measure that is named without a limit is taken, shown
in the report, and drops nothing.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from conf.corpus import Keep
from conf.keys import Address, Keys, Positive, Share

Limits = dict[str, dict[str, float]]  # by rule: min, max or both


class Range(Keys):
    """Least and greatest value with which a document stays; one of the two may be absent."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no document would stay")
        return self


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _rule(description: str) -> Any:
    return Field(None, description=description)


class Heuristics(Keys):
    """Rules on counts of words, lines and repetitions; docs/stages.md says what is counted. A rule that is given
    replaces its preset's; `null` takes it away."""

    preset: Annotated[list[Literal["gopher", "c4"]], BeforeValidator(_several)] = Field(
        [], description="one or several, whose published limits fill the rules that are absent"
    )
    words: Range | None = _rule("words, between white space")
    mean_word_length: Range | None = _rule("characters a word")
    hashes: Range | None = _rule("number signs a word")
    ellipses: Range | None = _rule("ellipses a word")
    bullet_lines: Range | None = _rule("share of lines that begin with a bullet")
    ellipsis_lines: Range | None = _rule("share of lines that end with an ellipsis")
    alphabetic_words: Range | None = _rule("share of words that hold a letter")
    stop_words: Range | None = _rule("how many of the, be, to, of, and, that, have, with occur")
    duplicate_lines: Range | None = _rule("share of lines that stood before")
    duplicate_paragraphs: Range | None = _rule("share of paragraphs that stood before")
    duplicate_line_characters: Range | None = _rule("share of characters in lines that stood before")
    duplicate_paragraph_characters: Range | None = _rule("share of characters in paragraphs that stood before")
    top_2grams: Range | None = _rule("share of characters in the 2 words in a row that occur most often")
    top_3grams: Range | None = _rule("the same of 3 words")
    top_4grams: Range | None = _rule("the same of 4 words")
    repeated_5grams: Range | None = _rule("share of characters in 5 words in a row that stood before")
    repeated_6grams: Range | None = _rule("the same of 6 words")
    repeated_7grams: Range | None = _rule("the same of 7 words")
    repeated_8grams: Range | None = _rule("the same of 8 words")
    repeated_9grams: Range | None = _rule("the same of 9 words")
    repeated_10grams: Range | None = _rule("the same of 10 words")
    terminal_lines: Range | None = _rule("share of lines that end as a sentence does")
    short_lines: Range | None = _rule("share of lines of fewer than 5 words")
    sentences: Range | None = _rule("sentences")
    whole_sentences: Range | None = _rule("sentences on lines that C4 keeps")
    lorem_ipsum: Range | None = _rule("how often `lorem ipsum` occurs")
    curly_brackets: Range | None = _rule("curly brackets")
    javascript_lines: Range | None = _rule("share of lines that name javascript")
    policy_lines: Range | None = _rule("share of lines that name terms of use, a policy or cookies")

    def limits(self) -> Limits:
        filled: dict[str, Range | None] = {}
        for preset in self.preset:
            filled |= {rule: Range(**limits) for rule, limits in HEURISTICS[preset].items()}
        filled |= {rule: getattr(self, rule) for rule in self.model_fields_set - {"preset"}}
        return _plain(filled)


# gopher: Rae et al. (2021), appendix A.1.1 and table A1. c4: Raffel et al. (2020), section 2.2, as far as it rejects
# pages; what it does to lines (drop those that are short, end in no punctuation, name javascript or a policy) cannot
# be done to text that is written once, so that the sentences of the lines that it keeps are counted. 3 sentences and
# 5 words a line are the paper's and its code's (tensorflow_datasets, text/c4_utils.py).
HEURISTICS: dict[str, Limits] = {
    "gopher": {
        "words": {"min": 50, "max": 100_000},
        "mean_word_length": {"min": 3, "max": 10},
        "hashes": {"max": 0.1},
        "ellipses": {"max": 0.1},
        "bullet_lines": {"max": 0.9},
        "ellipsis_lines": {"max": 0.3},
        "alphabetic_words": {"min": 0.8},
        "stop_words": {"min": 2},
        "duplicate_lines": {"max": 0.3},
        "duplicate_paragraphs": {"max": 0.3},
        "duplicate_line_characters": {"max": 0.2},
        "duplicate_paragraph_characters": {"max": 0.2},
        "top_2grams": {"max": 0.2},
        "top_3grams": {"max": 0.18},
        "top_4grams": {"max": 0.16},
        "repeated_5grams": {"max": 0.15},
        "repeated_6grams": {"max": 0.14},
        "repeated_7grams": {"max": 0.13},
        "repeated_8grams": {"max": 0.12},
        "repeated_9grams": {"max": 0.11},
        "repeated_10grams": {"max": 0.1},
    },
    "c4": {"whole_sentences": {"min": 3}, "lorem_ipsum": {"max": 0}, "curly_brackets": {"max": 0}},
}


class Pii(Keys):
    """How much of what looks like personal data a document may hold (tasks/kernels/pii.py has the patterns)."""

    emails: Range | None = _rule("e-mail addresses")
    ipv4: Range | None = _rule("public IPv4 addresses")
    ipv6: Range | None = _rule("public IPv6 addresses")
    phones: Range | None = _rule("telephone numbers, international or as in North America")
    ibans: Range | None = _rule("bank account numbers whose check digits are right")
    cards: Range | None = _rule("numbers of payment cards whose check digit is right")

    def limits(self) -> Limits:
        return _plain({rule: getattr(self, rule) for rule in self.model_fields_set})


class Harmless(Keys):
    """How probably harmful a document may be, by the classifier of the pipeline's `harm`."""

    max: Share | None = Field(None, description="greatest probability with which a document stays")

    def limits(self) -> Limits:
        return {} if self.max is None else {"harm": {"max": self.max}}


class Conditions(Keys):
    """What every document needs to stay, by measure; a measure without limits is taken and drops nothing. A source's
    own `keep` replaces these measure by measure; `null` takes one away."""

    score: Keep | None = Field(
        None, description="by the classifier's score, also of sources that are good or neither; needs `quality`"
    )
    heuristics: Heuristics | None = None
    pii: Pii | None = None
    harm: Harmless | None = Field(None, description="needs `harm`")

    def over(self, other: "Conditions") -> "Conditions":
        """These, and the other's where nothing is said here."""
        return Conditions(**{name: getattr(part, name) for part in (other, self) for name in part.model_fields_set})

    @property
    def measures(self) -> list[str]:
        """The measures that are asked for, beside the score."""
        return [name for name in ("heuristics", "pii", "harm") if getattr(self, name) is not None]

    def limits(self) -> dict[str, Limits]:
        """By measure and rule; without measures that have none."""
        asked: Iterator[tuple[str, Limits]] = ((name, getattr(self, name).limits()) for name in self.measures)
        return {name: limits for name, limits in asked if limits}


class Harm(Keys):
    """Texts that people called harmful or not, from which the classifier of `keep.harm` is fitted. A record has `text`
    and `label`, or two texts, `harmful` and `harmless`, of which the beginning that both share is left out."""

    files: Address | list[Address] = Field(description="path or glob, or several: JSON lines")
    text: str | None = Field(None, description="field of the text")
    label: str | None = Field(None, description="field that is true, or at least 0.5, where the text is harmful")
    harmful: str | None = Field(None, description="field of the harmful text (`rejected` in hh-rlhf)")
    harmless: str | None = Field(None, description="field of the harmless text (`chosen`)")
    features: Positive = Field(2**18, description="buckets of HashingTF")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        one, two = (self.text, self.label), (self.harmful, self.harmless)
        if not ((all(one) and not any(two)) or (all(two) and not any(one))):
            raise ValueError("give text and label, or harmful and harmless")
        return self

    def fields(self) -> dict[str, str]:
        """As the stage takes them."""
        named = {"text": self.text, "label": self.label, "yes": self.harmful, "no": self.harmless}
        return {key: field for key, field in named.items() if field is not None}


def _plain(ranges: dict[str, Range | None]) -> Limits:
    return {rule: limits.model_dump(exclude_none=True) for rule, limits in ranges.items() if limits is not None}
