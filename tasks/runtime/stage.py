"""A stage: a pure function of input artifacts and parameters that makes one artifact, and what it declares of itself.

    @stage("keep", kind="decision", title="after quality", columns=(KEEP, REASON), reasons={"quality": "..."})
    def keep(job: Job, *, documents: Artifact, scores: Artifact | None, ...) -> Kept: ...

What is declared is what `explain`, the report's funnel, Prefect's tables and docs/stages.md loop over; a stage that
writes other columns than it declares fails. Calling a `Run` with a stage makes an inert handle (run.py).
"""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

from tasks.runtime.artifact import Artifact, Shard

# input: brings something in. fit: makes one thing from a sample. measure: reads text, writes what is true of each row.
# decision: reads measures and earlier decisions, never text. export: writes the corpus, or what was learned of it, out.
Kind = Literal["input", "fit", "measure", "decision", "export"]


@dataclass(frozen=True)
class Column:
    """A column that a stage writes for each shard, row by row."""

    name: str
    type: pa.DataType | None  # None: as its parameters say
    meaning: str  # one line


@dataclass(frozen=True)
class Place:
    """Where a document's row is, and its text in UTF-8; what `explain` asks each stage about."""

    source: str
    shard: Shard
    row: int
    id: str
    text: bytes


# What a stage says of one document: lines. The other artifacts of the run are there by (stage, name).
Tell = Callable[[Artifact, Place, Mapping[tuple[str, str], Artifact]], Iterator[str]]


@dataclass(frozen=True)
class Stage:
    """A stage's function and its declaration."""

    name: str
    function: Callable[..., Any]
    kind: Kind
    columns: tuple[Column, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)  # a decision's, each with one line of meaning
    drawn: tuple[str, ...] = ()  # those of the reasons that are a draw, of which `expected` are counted to stay
    title: str = ""  # what the funnel calls the documents that a decision leaves
    section: str = ""  # of the report, where more than the funnel shows it
    tell: Tell | None = None  # how `explain` tells it; else by its columns
    everywhere: bool = False  # `tell` speaks of the documents of all sources, built or not (a model's steps)
    textless: bool = False  # made of columns alone, as decisions are, though it is none: `whatif` makes it, too
    rows: type[Any] | None = None  # of a measure that shares a reading with others (measure.py)
    note: Callable[[Artifact], str] | None = None  # what more its page in Prefect says, in Markdown
    libraries: tuple[str, ...] = ()  # whose versions shape its bytes, beside Parquet's and the kernels'
    version: str | None = None  # a number by hand instead of the code's hash (pretrain)
    idle: Callable[[Mapping[str, Any]], Collection[str]] = lambda _: ()  # kernels it imports and, so asked, never calls
    judges: tuple[str, ...] = ()  # parameters that may stop the stage and never change a byte: not in the fingerprint

    @property
    def statistics(self) -> type:
        """The class of its statistics: what its function returns."""
        return returned(self.function)

    @property
    def declared(self) -> tuple[tuple[str, pa.DataType | None], ...]:
        """Names and types of its columns; a type that its parameters say is None."""
        return tuple((column.name, column.type) for column in self.columns)

    @property
    def purpose(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


def stage(name: str, kind: Kind, **declared: Any) -> Callable[[Callable[..., Any]], Stage]:
    """Make a function `(job, *, inputs and parameters) -> statistics` a stage; see `Stage` for what it may declare."""
    return lambda function: Stage(name, function, kind, **declared)


def returned(function: Callable[..., Any]) -> type:
    """The statistics class that a function says it returns.

    Raises:
        TypeError: its annotation names none.
    """
    kind = inspect.get_annotations(function, eval_str=True).get("return")
    if not isinstance(kind, type) or not hasattr(kind, "__pydantic_config__"):
        raise TypeError(f"{function.__module__}.{function.__qualname__} does not say which statistics it returns")
    return kind
