"""What becomes of the documents: `quality`, `dedup`, `decontaminate`, `tokenizer`, and the demo's `sample`."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from conf.keys import Keys, Positive, Share


class Keep(Keys):
    """What a scored document needs to stay; exactly one of the two, or neither to keep all."""

    pareto: Annotated[float, Field(gt=0)] | None = Field(
        None, description="alpha: kept iff u < (2 - score)^-alpha for a uniform u hashed from seed and id (GPT-3: 9)"
    )
    threshold: Share | None = Field(None, description="kept iff score >= threshold")

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if self.pareto is not None and self.threshold is not None:
            raise ValueError("give pareto or threshold, not both")
        return self


class Quality(Keys):
    """The classifier of GPT-3's appendix A: good sources against raw crawl."""

    good: list[str] = Field(min_length=1, description="sources or groups: the positives, all of them kept")
    raw: list[str] = Field(min_length=1, description="sources or groups: the negatives, scored and resampled")
    keep: Keep = Field(Keep(pareto=9.0), description="how scored documents are kept")
    sample: Positive = Field(20_000, description="documents per side that the classifier is fitted on, at most")
    features: Positive = Field(2**18, description="buckets of HashingTF (Spark's default)")


class Dedup(Keys):
    """Fuzzy deduplication: MinHash LSH with verification."""

    preset: Literal["modern", "gpt3"] = Field("modern", description="fills the keys below that are absent")
    shingle: Annotated[int, Field(gt=0)] | None = Field(None, description="words per shingle")
    permutations: Annotated[int, Field(gt=0)] | None = Field(None, description="hashes per signature")
    bands: Annotated[int, Field(gt=0)] | None = None
    rows: Annotated[int, Field(gt=0)] | None = Field(None, description="rows per band")
    threshold: Share | None = Field(None, description="similarity (share of equal rows) from which a copy leaves")
    across: bool | dict[str, list[str]] | None = Field(
        None,
        description="true: what an earlier source holds leaves later ones; false: within each source only; "
        "or for a source or group the earlier ones whose documents leave it",
    )
    bucket: Annotated[int, Field(gt=0)] = Field(
        512, description="documents of a bucket that are all compared; a fuller one is split by more of the signatures"
    )
    sample: Positive = Field(500, description="documents a source whose planted copies tell what is found, at most")
    memory: Positive = Field(
        2_000_000_000,
        description="bytes similar pairs may take in one process; more are decided in rounds on disk",
    )

    @model_validator(mode="after")
    def _bands_fit(self) -> Self:
        full = self.filled()
        if full["bands"] * full["rows"] > full["permutations"]:
            raise ValueError(
                f"{full['bands']} bands of {full['rows']} rows need more than {full['permutations']} permutations"
            )
        return self

    def filled(self) -> dict[str, Any]:
        """All parameters, the preset's where none is given."""
        given = self.model_dump(exclude_none=True, exclude={"preset"})
        return {**DEDUP[self.preset], **given}


# gpt3: Spark's MinHashLSH with 10 hashes over the classifier's features, that is 10 tables of one row over single words
# (GPT-3, appendix A); 128 permutations are kept all the same, for the verification, whose threshold the paper does not
# give (.8 is ours). modern: 14 bands of 8 rows of 5-word shingles, the parameters of FineWeb (2024, section 3.4);
# (1/14)^(1/8) = .72 is where half of all pairs are found.
DEDUP: dict[str, dict[str, Any]] = {
    "gpt3": {"shingle": 1, "permutations": 128, "bands": 10, "rows": 1, "threshold": 0.8, "across": False},
    "modern": {"shingle": 5, "permutations": 128, "bands": 14, "rows": 8, "threshold": 0.75, "across": True},
}


class Decontaminate(Keys):
    """Benchmark text leaves the training text (GPT-3, appendix C)."""

    n: Annotated[int, Field(gt=1)] = Field(13, description="words per gram")
    frequent: Annotated[int, Field(gt=0)] = Field(10, description="a gram in more documents than this is ignored")
    margin: Annotated[int, Field(ge=0)] = Field(200, description="characters removed on each side of a gram")
    shortest: Annotated[int, Field(ge=0)] = Field(200, description="pieces of fewer characters go")
    pieces: Annotated[int, Field(gt=0)] = Field(10, description="a document in more pieces goes whole")


class Tokenizer(Keys):
    """Byte-level BPE as GPT-2's."""

    kind: Literal["byte-bpe"] = "byte-bpe"
    vocabulary: Annotated[int, Field(ge=257)] = Field(50257, description="256 bytes, the merges, and <|endoftext|>")
    sample: Positive = Field(100_000_000, description="bytes of training text that it is made from, at most")


class Sample(Keys):
    """The demo's input, made on the spot from this machine's Python."""

    megabytes: Annotated[int, Field(gt=0)] = Field(48, description="of WARC files, about")
