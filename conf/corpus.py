"""What becomes of the documents: `quality`, `dedup`, `decontaminate`, `tokenizer`, and the demo's `sample`."""

from typing import Annotated, Any, Literal, Self, cast

from pydantic import Field, field_validator, model_validator

from conf.keys import Address, Count, Keys, Positive, Share


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


class Labels(Keys):
    """Documents that people called good or not, to measure the classifier by: never to fit it or to choose by."""

    files: Address | list[Address] = Field(description="JSONL (.gz, .zst), path or glob")
    text: str = Field("text", description="field of the text")
    label: str = Field("label", description="field of the label: true or false, or a share from 0 to 1 (.5: good)")


class Quality(Keys):
    """The classifier of GPT-3's appendix A: good sources against raw crawl."""

    preset: Literal["modern", "gpt3"] = Field(
        "modern",
        description="gpt3: the paper's term frequencies, raw documents as they come; modern: log1p of them at unit "
        "length, raw documents drawn language by language as the good ones are",
    )
    good: list[str] = Field([], description="sources or groups: the positives, all of them kept")
    raw: list[str] = Field(min_length=1, description="sources or groups: the negatives, scored and resampled")
    classifier: Address | None = Field(
        None, description="an npz of your own instead of a fit (tasks/quality/weights.py); `good` may then be absent"
    )
    labels: Labels | None = None
    keep: Keep = Field(Keep(pareto=9.0), description="how scored documents are kept")
    sample: Positive = Field(20_000, description="documents per side that the classifier is fitted on, at most")
    features: Positive = Field(2**18, description="buckets of HashingTF (Spark's default)")

    @model_validator(mode="after")
    def _fitted_or_given(self) -> Self:
        if self.classifier is None and not self.good:
            raise ValueError("good is missing: the sources that the classifier takes for good ones")
        if self.classifier is not None:
            for key in ("preset", "sample", "features"):
                if key in self.model_fields_set:
                    raise ValueError(f"{key} is for a fit; `classifier` names a file that has its own")
        return self


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
    rehydrate: dict[Annotated[int, Field(ge=2)], Annotated[int, Field(ge=1, le=10)]] = Field(
        default_factory=dict,
        description="cluster size: times. From that many members on (within its source) the document that stays counts "
        "so many times in training, up to the next size; of smaller clusters, and where absent, once. Held-out ones "
        "are never repeated. FineWeb2's: {2: 2, 3: 3, 5: 5, 100: 8, 1000: 1}",
    )

    @field_validator("rehydrate", mode="after")
    @classmethod
    def _sizes_ascend(cls, value: dict[int, int]) -> dict[int, int]:
        if list(value) != sorted(value):
            raise ValueError("sizes of clusters must ascend")
        return value

    @model_validator(mode="after")
    def _bands_fit(self) -> Self:
        full = self.filled()
        if full["bands"] * full["rows"] > full["permutations"]:
            raise ValueError(
                f"{full['bands']} bands of {full['rows']} rows need more than {full['permutations']} permutations"
            )
        return self

    def filled(self) -> dict[str, Any]:
        """All parameters of deduplication itself, the preset's where none is given."""
        given = self.model_dump(exclude_none=True, exclude={"preset", "rehydrate"})
        return {**DEDUP[self.preset], **given}


# gpt3: Spark's MinHashLSH with 10 hashes over the classifier's features, that is 10 tables of one row over single words
# (GPT-3, appendix A); 128 permutations are kept all the same, for the verification, whose threshold the paper does not
# give (.8 is ours). modern: 14 bands of 8 rows of 5-word shingles, the parameters of FineWeb (2024, section 3.4);
# (1/14)^(1/8) = .72 is where half of all pairs are found.
DEDUP: dict[str, dict[str, Any]] = {
    "gpt3": {"shingle": 1, "permutations": 128, "bands": 10, "rows": 1, "threshold": 0.8, "across": False},
    "modern": {"shingle": 5, "permutations": 128, "bands": 14, "rows": 8, "threshold": 0.75, "across": True},
}


Rule = Literal["gpt3", "gpt2", "gpt4", "gap"]


class Decontaminate(Keys):
    """Benchmark text leaves the training text (GPT-3, appendix C)."""

    rule: Rule = Field("gpt3", description="what is taken for benchmark text; fills the keys below that are absent")
    beside: list[Rule] = Field(
        [], description="rules that are measured too, each as its preset, and cut nothing: the report compares them"
    )
    n: Annotated[int, Field(gt=1)] | None = Field(None, description="words per gram (gpt4: letters and digits)")
    least: Positive | None = Field(
        None, description="fewest words of an item that is looked for: whole, if it is shorter than a gram; absent: n"
    )
    share: Share | None = Field(None, description="of an item's grams that a document must hold (gap alone)")
    frequent: Positive = Field(10, description="a gram in more documents than this is ignored")
    margin: Annotated[int, Field(ge=0)] = Field(200, description="characters removed on each side of a gram")
    shortest: Annotated[int, Field(ge=0)] = Field(200, description="pieces of fewer characters go")
    pieces: Annotated[int, Field(gt=0)] = Field(10, description="a document in more pieces goes whole")

    @model_validator(mode="after")
    def _keys_fit(self) -> Self:
        if self.share is not None and self.rule != "gap":
            raise ValueError(f"share belongs to rule gap: {self.rule} takes any gram for benchmark text")
        if self.rule in self.beside or len(set(self.beside)) < len(self.beside):
            raise ValueError("beside names other rules than `rule`, each once")
        return self

    def filled(self, rule: Rule | None = None) -> dict[str, Any]:
        """All parameters of the rule that cuts, or of one beside it."""
        given = {} if rule not in (None, self.rule) else self.model_dump(include={"n", "least", "share"})
        how = DECONTAMINATE[rule or self.rule] | {key: value for key, value in given.items() if value is not None}
        return how | {"least": how["least"] or how["n"]}

    def sought(self) -> dict[str, dict[str, Any]]:
        """Of every rule, what the benchmarks' grams depend on."""
        return self._of_rules("unit", "n", "least", "substrings")

    def judged(self) -> dict[str, dict[str, Any]]:
        """Of every rule, what decides which hits count: changing it looks for nothing anew."""
        judged = self._of_rules("share")
        for rule, how in judged.items():
            whole = self.filled(cast(Rule, rule))
            how["least"] = max(1, whole["least"] - whole["n"] + 1)  # grams of the shortest item
        return judged

    def _of_rules(self, *keys: str) -> dict[str, dict[str, Any]]:
        rules: list[Rule] = [self.rule, *sorted(self.beside)]
        return {rule: {key: self.filled(rule)[key] for key in keys} for rule in rules}


# gpt3: GPT-3, appendix C. gpt2: GPT-2, section 4 (8-grams). gpt4: GPT-4, appendix C (three substrings of 50 letters and
# digits, items that are shorter whole). These two papers count and remove nothing: that hits cut, and that frequent
# grams do not, is gpt3's. gap: ours, for leaks that were edited: a share of an item's grams of 5 words, and no fewer
# than an item of 8 words has, the smallest N of GPT-3's appendix C; .3 was chosen by bench/contamination.py.
DECONTAMINATE: dict[Rule, dict[str, Any]] = {
    "gpt3": {"unit": "words", "n": 13, "least": None, "substrings": None, "share": None},
    "gpt2": {"unit": "words", "n": 8, "least": None, "substrings": None, "share": None},
    "gpt4": {"unit": "letters", "n": 50, "least": 1, "substrings": 3, "share": None},
    "gap": {"unit": "words", "n": 5, "least": 8, "substrings": None, "share": 0.3},
}


# GPT-2 (2019): 256 bytes, 50,000 merges and <|endoftext|>. GPT-1's release: 40,000 merges and 478 others. BERT's
# uncased models (2018).
VOCABULARIES = {"byte-bpe": 50257, "gpt1": 40478, "wordpiece": 30522}
OF_FILE, OF_FIT = ("file", "end_of_text"), ("sample",)


class Tokenizer(Keys):
    """What text is cut into: fitted on training text, or a user's own."""

    kind: Literal["byte-bpe", "gpt1", "wordpiece", "file"] = Field(
        "byte-bpe",
        description="byte-bpe: byte-level BPE as GPT-2's; gpt1: BPE over lower-case words; wordpiece: as BERT's "
        "uncased models; file: one that you have, GPT-2's own for instance. docs/tokens.md has more of each",
    )
    vocabulary: Annotated[Count, Field(ge=257)] = Field(
        VOCABULARIES["byte-bpe"],
        description="ids, at most: specials, characters or bytes, and merges; if absent 50257, of gpt1 40478, of "
        "wordpiece 30522; of file it must be given, and be what the file has",
    )
    sample: Positive = Field(100_000_000, description="bytes of training text that it is made from, at most")
    file: Address | list[Address] | None = Field(
        None,
        description="kind file: a tokenizer.json; tiktoken's ranks; vocab.json and merges.txt, as a list; or a folder "
        "that holds one of these",
    )
    end_of_text: str | None = Field(
        None, min_length=1, description="kind file: the token that ends a text; <|endoftext|> if absent"
    )

    @model_validator(mode="before")
    @classmethod
    def _vocabulary_of_the_kind(cls, value: Any) -> Any:
        if isinstance(value, dict) and "vocabulary" not in value and value.get("kind") in VOCABULARIES:
            return {**value, "vocabulary": VOCABULARIES[value["kind"]]}
        return value

    @model_validator(mode="after")
    def _keys_fit(self) -> Self:
        strangers = [key for key in (OF_FIT if self.kind == "file" else OF_FILE) if key in self.model_fields_set]
        if strangers:
            owner = "one that is fitted" if self.kind == "file" else "kind file"
            raise ValueError(f"{', '.join(strangers)}: kind {self.kind} has no such key, only {owner}")
        if self.kind == "file" and self.file is None:
            raise ValueError("file is missing: the path of the tokenizer; see docs/tokens.md")
        if self.kind == "file" and "vocabulary" not in self.model_fields_set:
            raise ValueError("vocabulary is missing: how many ids the file has (GPT-2's own: 50257)")
        return self


class Sample(Keys):
    """The demo's input, made on the spot from this machine's Python."""

    megabytes: Annotated[int, Field(gt=0)] = Field(48, description="of WARC files, about")
