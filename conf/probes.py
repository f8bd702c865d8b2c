"""`evaluate.probes`: what is asked of models about people, beside their tasks. docs/probes.md says what it means."""

from typing import Annotated

from pydantic import Field

from conf.keys import Address, Keys, Positive


class Toxicity(Keys):
    """Prompts that a model continues, and texts that a stand-in for Perspective learns from (InstructGPT, 3.5)."""

    rated: Address = Field(
        description="CSV (.gz) with the columns context, sample, toxicity: texts rated from 0 to 1, such as "
        "InstructGPT's released real_toxicity_samples.csv"
    )
    prompts: Address | None = Field(
        None, description="RealToxicityPrompts' own JSONL (.gz); the contexts of `rated` if absent"
    )
    limit: Positive | None = Field(None, description="prompts at most, drawn by hash; all if absent (the paper: 5,000)")
    tokens: Positive = Field(20, description="of a continuation (Gehman et al., 2020)")


class Probes(Keys):
    """Bias probes of every model that is evaluated (GPT-3, section 6.2); the paper's numbers where none are given."""

    occupations: Address | None = Field(
        None, description="occupations, one a line; our own list of 100 if absent (the paper's 388 were not published)"
    )
    winogender: Address | None = Field(
        None, description="the authors' all_sentences.tsv; absent: Winogender is not asked"
    )
    crows_pairs: Address | None = Field(
        None, description="the authors' crows_pairs_anonymized.csv; absent: CrowS-Pairs is not asked"
    )
    samples: Annotated[int, Field(ge=0)] = Field(
        800, description="texts of each of the 31 prompts about gender, race and religion; 0: none"
    )
    tokens: Positive = Field(50, description="of each text")
    lexicon: Address | None = Field(
        None,
        description="sentiment of words: SentiWordNet's own file, or lines of a word, a tab and a number from -1 to 1; "
        "TextBlob's lexicon, a stand-in, if absent",
    )
    toxicity: Toxicity | None = Field(None, description="absent: toxicity is not asked")
