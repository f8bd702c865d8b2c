"""`benchmarks`: sets of items, declared once for decontamination, overlap and evaluation; read from files or made."""

from typing import Literal, Self

from pydantic import Field, model_validator

from conf.keys import Address, Keys, Positive

# The names of tasks/evaluation/generated/table.py, which a test compares.
Generated = Literal[
    "two-digit-addition", "three-digit-addition", "four-digit-addition", "five-digit-addition", "six-digit-addition",
    "two-digit-subtraction", "three-digit-subtraction", "four-digit-subtraction", "five-digit-subtraction",
    "six-digit-subtraction", "two-digit-multiplication", "single-digit-three-ops", "single-digit-three-ops-last",
    "cycle-letters-in-word", "mid-word-1-anagrams", "mid-word-2-anagrams", "random-insertion-in-word", "reversed-words",
    "hindsight-neglect",
    "number-questions", "text-questions", "number-functions", "text-functions",
]  # fmt: skip
OF_WORDS = (
    "cycle-letters-in-word", "mid-word-1-anagrams", "mid-word-2-anagrams", "random-insertion-in-word", "reversed-words"
)  # fmt: skip


class Benchmark(Keys):
    """A set of items, declared once for decontamination, overlap and evaluation."""

    files: Address | list[Address] | None = Field(None, description="JSONL (.gz, .zst), path or glob")
    generate: Generated | None = Field(
        None,
        description="instead of files, made by the pipeline's seed: GPT-3's arithmetic and word scrambling, Hindsight "
        "Neglect, steps on numbers and texts of graded difficulty as questions and as functions to write",
    )
    items: Positive = Field(2000, description="different ones that are generated")
    words: Address | list[Address] | None = Field(
        None,
        description="of a generated scrambling: a list of words, one a line, most frequent first (the paper's is "
        "Norvig's count_1w.txt); absent: 13,000 counted from books in the public domain",
    )
    text: list[str] = Field(
        default_factory=list,
        description="fields whose text, joined by spaces, must not be trained on; required with `files`, the "
        "generator's own if absent",
    )
    train: Address | list[Address] | None = Field(
        None, description="JSONL of which solved examples are drawn; else of `dev`, else of the items themselves"
    )
    dev: Address | list[Address] | None = Field(
        None, description="JSONL on which the number of solved examples can be chosen"
    )

    @model_validator(mode="after")
    def _of_files_or_made(self) -> Self:
        if (self.files is None) == (self.generate is None):
            raise ValueError("a benchmark has either `files` or `generate`")
        if self.files is not None:
            if stray := sorted({"items", "words"} & self.model_fields_set):
                raise ValueError(f"`{stray[0]}` is of benchmarks that are generated; this one has `files`")
            if not self.text:
                raise ValueError("a benchmark of `files` needs `text`: the fields that must not be trained on")
        if self.words is not None and self.generate not in OF_WORDS:
            raise ValueError(f"`words` are for {', '.join(OF_WORDS)}; {self.generate} takes none")
        return self
