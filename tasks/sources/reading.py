"""What a reader of input files is told, and what it gives: the texts that may become documents.

A reader (one a kind of source) is a function (path, part, reading, tally) -> candidates and rejects, in the file's
order. It finds texts and says where they stand; cleaning, identity and language are the same for all (documents.py).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from conf.sources import Limits, Whitespace, Wiki
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.sources.input.raw import Source
from tasks.sources.parts import Part
from tasks.sources.rejects import Reject
from tasks.sources.rows.where import conditions
from tasks.sources.tally import Tally

FIELDS = {"text": "text", "id": None, "url": None, "date": "date", "title": "title"}


@dataclass(frozen=True)
class Reading:
    """How a source is read.

    Args:
        source: its name.
        fields: names of the fields `text`, `id`, `url`, `date`, `title` (jsonl, parquet); None where there is none.
            `body.content` is a field inside another; `text` may be a list of fields. See rows/.
        limits: see `conf.sources.Limits`; the defaults where absent.
        ids: `file`, a record's own id is its own within its file; `global`, within the source.
        whitespace: `standard` or `keep`; see clean.py.
        extractor: how a page's main content is found (warc); see extract.py.
        wiki: see `conf.sources.Wiki` (mediawiki).
        where: which records are wanted (jsonl, parquet), by field: see where.py.
        links: pages that none of these links names are passed over (warc).

    Raises:
        Mistake: an unknown field, a field that is no name, a condition that is none.
    """

    source: str
    fields: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    ids: str = "file"
    whitespace: Whitespace = "standard"
    extractor: str = "millrace"
    wiki: Wiki = field(default_factory=Wiki)
    where: dict[str, Any] = field(default_factory=dict)
    links: Artifact | None = None

    def __post_init__(self) -> None:
        if unknown := set(self.fields) - set(FIELDS):
            raise Mistake(f"source {self.source}: fields {sorted(unknown)} are unknown; there are {', '.join(FIELDS)}")
        object.__setattr__(self, "fields", {**FIELDS, **self.fields})
        for name, path in self.fields.items():
            paths = path if name == "text" and isinstance(path, list | tuple) and path else [path]
            if any(not isinstance(one, str) or not one for one in paths) and (name == "text" or path is not None):
                more = ", or a list of them" if name == "text" else ""
                raise Mistake(f"source {self.source}: {name}: {path!r} is not the name of a field{more}")
        conditions(self.source, self.where)
        object.__setattr__(self, "limits", Limits(**self.limits).model_dump())


class Candidate(NamedTuple):
    """A text as a reader found it, neither cleaned nor identified: the record's own id, if it has one, and its place.

    `text` is bytes where the file has it in UTF-8: they never become a string.
    `offset` and `length` are those of a Reject. `meta` holds the title and the like. `html`: taken from a page, whose
    entities are read already; `preformatted` are half-open ranges of its characters whose white space stays.
    """

    id: str | None
    text: str | bytes
    url: str
    date: datetime | None
    meta: dict[str, str | int | None]
    offset: int
    length: int
    html: bool = False
    preformatted: tuple[tuple[int, int], ...] = ()


Reader = Callable[[Source, Part, Reading, Tally], Iterator[Candidate | Reject]]
