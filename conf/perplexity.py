"""`perplexity` of `evaluate`: text files on which each model's perplexity is measured, such as WikiText's test set."""

from typing import Annotated, Literal

from pydantic import Field

from conf.keys import Address, Keys


class FilePerplexity(Keys):
    """Files that are read as one text."""

    files: Address | list[Address] = Field(description="text in UTF-8 (.gz, .zst, .bz2, .xz too), path or glob")
    detokenise: Literal["wikitext", "ptb", "billion-words"] | None = Field(
        None,
        description="how the files were tokenised by words: the model is asked the text as people write it. Absent: "
        "as it is (enwik8, text8)",
    )
    unit: Literal["word", "byte", "character"] = Field(
        "word",
        description="of the files as they are, by which the perplexity is given; words with each line's end as one, "
        "as published perplexities of WikiText and Penn Treebank count",
    )
    stride: Annotated[int, Field(gt=0)] | None = Field(
        None,
        description="tokens from window to window, at most the model's context; beside it stand windows without "
        "overlap, which alone are read if absent",
    )
