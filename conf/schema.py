"""What a pipeline's YAML may say. Unknown keys, wrong types and impossible values are refused with the line.

Defaults stand here and nowhere else, except a model's, which stand in model/config.py and model/presets.py.
Counts of tokens may be written 300B, 2.5M or 32k.
"""

import re
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator

from model.config import Architecture, Training, total_windows
from model.presets import PRESETS, preset


def _count(value: Any) -> Any:
    """300B, 2.5M, 32k as a whole number; anything else is left to the type's own check."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKMBT])", value) if isinstance(value, str) else None
    if match is None:
        return value
    scale = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}[match[2]]
    return round(float(match[1]) * scale)


Count = Annotated[int, BeforeValidator(_count)]
Positive = Annotated[Count, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Keys(BaseModel):
    """A part of the YAML: its keys are known ones, and what is read is not changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)


class Misplaced(ValueError):
    """What only the whole pipeline shows to be wrong, and the keys under which it stands."""

    def __init__(self, where: tuple[str | int, ...], sentence: str):
        super().__init__(sentence)
        self.where = where


class Source(Keys):
    """Where documents come from. A source's list of files is frozen when first read: to grow, add a source."""

    kind: Literal["warc", "jsonl", "parquet", "text"] = Field(
        description="warc: WARC and WET files, gzipped or not; jsonl: one JSON object a line (.gz, .zst); "
        "parquet; text: one document a file"
    )
    files: str | list[str] | Annotated[int, Field(gt=0)] = Field(
        description="path or glob, or several; {sample} is the demo's input; with `crawl`, how many of its files"
    )
    crawl: str | None = Field(None, pattern=r"^CC-MAIN-\d{4}-\d{2}$", description="a crawl of Common Crawl, by name")
    form: Literal["warc", "wet"] = Field("warc", description="with `crawl`: pages (warc) or their text (wet)")
    base: str = Field("https://data.commoncrawl.org/", description="with `crawl`: where it lies (or s3://commoncrawl/)")
    group: str | None = Field(
        None, description="sources under one weight of the mixture; the source's own name if absent"
    )
    text: str = Field("text", description="field of the text (jsonl, parquet)")
    id: str | None = Field(None, description="field of the record's own id (jsonl, parquet)")
    url: str | None = Field(None, description="field of the URL (jsonl, parquet)")
    languages: list[str] | None = Field(None, description="languages kept, as ISO 639-1 codes; all if absent")
    reject_share: Share = Field(0.1, description="more damaged records than this share fail the stage, when it is read")
    shard: Positive = Field(64_000_000, description="bytes of input a shard, about (jsonl, parquet, text)")

    @model_validator(mode="after")
    def _files_fit(self) -> Self:
        if isinstance(self.files, int) != (self.crawl is not None):
            raise ValueError("files is a number exactly where `crawl` names a crawl; else it is a path or a glob")
        return self

    def common_crawl(self, seed: int) -> dict[str, Any] | None:
        """What says which files of Common Crawl are read, if any."""
        if self.crawl is None:
            return None
        return {"crawl": self.crawl, "form": self.form, "base": self.base, "seed": seed}


class Task(Keys):
    """How a benchmark is asked of a model (GPT-3, section 2.4)."""

    kind: Literal["cloze", "choice"] = Field(
        description="cloze: the continuation must be the likeliest text; choice: the likeliest of several by token"
    )
    shots: Annotated[int, Field(ge=0)] = Field(0, description="solved examples before the question")
    limit: Annotated[int, Field(gt=0)] | None = Field(
        None, description="items asked at most, drawn by hash; all if absent"
    )


class Benchmark(Keys):
    """A set of items, declared once for decontamination, overlap and evaluation."""

    files: str | list[str] = Field(description="JSONL (.gz, .zst), path or glob")
    text: list[str] = Field(min_length=1, description="fields whose text, joined by spaces, must not be trained on")
    task: Task | None = Field(None, description="absent: only decontaminated")


class Keep(Keys):
    """What a scored document needs to stay; exactly one of the two, or neither to keep all."""

    pareto: Annotated[float, Field(gt=0)] | None = Field(
        None, description="alpha: kept iff u < (2 - score)^-alpha for a uniform u hashed from seed and id (GPT-3: 9)"
    )
    threshold: Share | None = Field(None, description="kept iff score >= threshold")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.pareto is not None and self.threshold is not None:
            raise ValueError("give pareto or threshold, not both")
        return self


class Quality(Keys):
    """The classifier of GPT-3's appendix A: good sources against raw crawl."""

    good: list[str] = Field(min_length=1, description="sources or groups: the positives, all of them kept")
    raw: list[str] = Field(min_length=1, description="sources or groups: the negatives, scored and resampled")
    keep: Keep = Field(Keep(pareto=9.0), description="how scored documents are kept")
    sample: Positive = Field(20_000, description="documents a side that the classifier is fitted on, at most")
    features: Positive = Field(2**18, description="buckets of HashingTF (Spark's default)")


class Dedup(Keys):
    """Fuzzy deduplication: MinHash LSH with verification."""

    preset: Literal["modern", "gpt3"] = Field("modern", description="fills the keys below that are absent")
    shingle: Annotated[int, Field(gt=0)] | None = Field(None, description="words a shingle")
    permutations: Annotated[int, Field(gt=0)] | None = Field(None, description="hashes a signature")
    bands: Annotated[int, Field(gt=0)] | None = None
    rows: Annotated[int, Field(gt=0)] | None = Field(None, description="rows a band")
    threshold: Share | None = Field(None, description="similarity (share of equal rows) from which a copy leaves")
    across: bool | dict[str, list[str]] | None = Field(
        None,
        description="true: what an earlier source holds leaves later ones; false: within each source only; "
        "or for a source or group the earlier ones whose documents leave it",
    )
    bucket: Annotated[int, Field(gt=0)] = Field(64, description="a bucket's survivors that a document is compared with")

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

    n: Annotated[int, Field(gt=1)] = Field(13, description="words a gram")
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


class Evaluate(Keys):
    """What is asked of every model beside its perplexity on each source."""

    tasks: list[str] = Field(default_factory=list, description="benchmarks that have a `task`")


_keys: dict[str, Any] = {
    field.name: (Count | None if field.name in ("tokens", "batch", "batch_start", "batch_ramp", "warm_up", "decay")
                 else field.type | None, None)  # type: ignore[operator]
    for field in (*fields(Architecture), *fields(Training))
    if field.name not in ("vocabulary", "seed")  # the tokenizer's, and the pipeline's
}  # fmt: skip
ModelKeys: type[BaseModel] = create_model("ModelKeys", __base__=Keys, **_keys)


class Model(ModelKeys):  # type: ignore[valid-type,misc]
    """A preset of model/presets.py, a budget, and keys of model/config.py that replace the preset's."""

    preset: str

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.filled(vocabulary=50257, seed=0)
        return self

    def filled(self, vocabulary: int, seed: int) -> tuple[Architecture, Training]:
        """Architecture and training, the preset's where the YAML gives nothing."""
        if self.preset not in PRESETS:
            raise ValueError(f"no preset is called {self.preset!r}; there are {', '.join(sorted(PRESETS))}")
        given = self.model_dump(exclude_unset=True, exclude={"preset"})
        return preset(self.preset, **given, vocabulary=vocabulary, seed=seed)

    def budget(self) -> int:
        """Tokens that the training reads, as whole windows."""
        architecture, training = self.filled(vocabulary=50257, seed=0)
        return total_windows(training, architecture.context) * architecture.context


class Pipeline(Keys):
    """One file from crawl to score."""

    title: str = Field("", pattern=r"^[\w .-]*$", description="of the report; the file's name if absent")
    store: str = Field("./store", description="folder of the artifacts, relative to where you run")
    engine: Literal["local", "spark"] | dict[Literal["spark"], str] = Field(
        "local", description="local, spark, or spark: <master> such as local[2] or spark://host:7077"
    )
    workers: Annotated[int, Field(gt=0)] | None = Field(
        None, description="processes of the local engine; all cores if absent"
    )
    seed: Annotated[int, Field(ge=0)] = 1
    validation: Share = Field(0.01, description="share of documents held out, by hash (GPT-2 held out 5 %)")
    sample: Sample | None = Field(None, description="make the demo's input; paths name it {sample}")
    sources: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")], Source] = Field(
        min_length=1, description="in priority order: what an earlier one holds, a later one loses"
    )
    benchmarks: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")], Benchmark] = Field(default_factory=dict)
    quality: Quality | None = Field(None, description="absent: nothing is scored, everything kept")
    dedup: Dedup = Dedup()
    decontaminate: Decontaminate = Decontaminate()
    tokenizer: Tokenizer = Tokenizer()
    mixture: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="weight a group; need not sum to 1. Absent: in proportion to tokens held"
    )
    models: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")], Model] = Field(default_factory=dict)
    evaluate: Evaluate = Evaluate()

    def group(self, source: str) -> str:
        return self.sources[source].group or source

    @property
    def groups(self) -> list[str]:
        """Groups in the order of their first source."""
        return list(dict.fromkeys(self.group(source) for source in self.sources))

    def named(self, names: list[str]) -> list[str]:
        """The sources that a list of sources and groups names, in priority order."""
        return [source for source in self.sources if source in names or self.group(source) in names]

    def before(self, source: str) -> list[str]:
        """The sources ranked before `source` whose documents leave it, in priority order."""
        across = self.dedup.filled()["across"]
        earlier = list(self.sources)[: list(self.sources).index(source)]
        if isinstance(across, bool):
            return earlier if across else []
        named = self.named([*across.get(source, []), *across.get(self.group(source), [])])
        return [one for one in earlier if one in named]

    def tasks(self) -> dict[str, dict[str, Any]]:
        """How each task that is evaluated is asked, by benchmark."""
        asked = {name: self.benchmarks[name].task for name in self.evaluate.tasks}
        return {name: task.model_dump() for name, task in asked.items() if task}

    def shares(self) -> dict[str, float]:
        """Each source's part of the tokenizer's sample: its group's weight, in equal parts within the group."""
        weights = self.mixture or dict.fromkeys(self.groups, 1.0)
        members = {group: [s for s in self.sources if self.group(s) == group] for group in self.groups}
        total = sum(weights.values())
        return {
            source: weights.get(group, 0.0) / total / len(members[group])
            for group in self.groups
            for source in members[group]
        }

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        known = {*self.sources, *self.groups}
        for where, names in self._named_lists().items():
            for place, name in enumerate(names):
                if name not in known:
                    raise Misplaced(
                        (*where, place),
                        f"{'.'.join(where)} names {name}, which is no source or group "
                        f"(there are {', '.join(sorted(known))})",
                    )
        if self.quality and (both := set(self.named(self.quality.good)) & set(self.named(self.quality.raw))):
            raise Misplaced(("quality",), f"quality: {', '.join(sorted(both))} cannot be good and raw at once")
        for group in self.mixture:
            if group not in self.groups:
                raise Misplaced(
                    ("mixture", group),
                    f"mixture names {group}, which is no group (there are {', '.join(self.groups)})",
                )
        if self.mixture and not sum(self.mixture.values()):
            raise Misplaced(("mixture",), "mixture: all weights are zero")
        for place, name in enumerate(self.evaluate.tasks):
            if name not in self.benchmarks or self.benchmarks[name].task is None:
                raise Misplaced(
                    ("evaluate", "tasks", place), f"evaluate.tasks names {name}, which is no benchmark with a `task`"
                )
        for kind, named in (("sources", self.sources), ("benchmarks", self.benchmarks)):
            for name, one in named.items():
                if self.sample is None and any("{sample}" in files for files in _list(one.files)):
                    raise Misplaced((kind, name, "files"), "files name {sample}, but the pipeline has no `sample:`")
        return self

    def _named_lists(self) -> dict[tuple[str, ...], list[str]]:
        lists: dict[tuple[str, ...], list[str]] = {}
        if self.quality:
            lists |= {("quality", "good"): self.quality.good, ("quality", "raw"): self.quality.raw}
        if isinstance(self.dedup.across, dict):
            lists[("dedup", "across")] = list(self.dedup.across)
            lists |= {("dedup", "across", later): earlier for later, earlier in self.dedup.across.items()}
        return lists

    def root(self) -> Path:
        """The store's folder."""
        return Path(self.store).resolve()


def _list(files: str | list[str] | int) -> list[str]:
    if isinstance(files, int):
        return []
    return [files] if isinstance(files, str) else files
