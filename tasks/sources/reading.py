"""What a reader of input files is told, and what it gives: the texts that may become documents.

A reader (one a kind of source) is a function (path, part, reading, tally) -> candidates and rejects, in the file's
order. It finds texts and says where they stand; cleaning, identity and language are the same for all (documents.py).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tasks.runtime.errors import Mistake
from tasks.sources.parts import Part
from tasks.sources.rejects import Reject
from tasks.sources.tally import Tally
from tasks.sources.where import conditions

LIMITS = {
    "payload": 32 << 20,  # bytes of a WARC record's block, of its decoded body, of a line of JSONL, of a row's text
    "header": 64 << 10,  # bytes of a WARC record's header
    "file": 64 << 20,  # bytes of a text file, decompressed: it is one document
    "html": 8 << 20,  # characters of a page
    "tags": 500_000,  # `<` characters of a page
    "nesting": 2_000,  # elements inside one another
}
FIELDS = {"text": "text", "id": None, "url": None, "date": "date", "title": "title"}


@dataclass(frozen=True)
class Reading:
    """How a source is read.

    Args:
        source: its name.
        fields: names of the fields `text`, `id`, `url`, `date`, `title` (jsonl, parquet); None where there is none.
            `body.content` is a field inside another; `text` may be a list of fields. See fields.py and rows.py.
        limits: see LIMITS.
        ids: `file`, a record's own id is its own within its file; `global`, within the source.
        where: which records are wanted (jsonl, parquet), by field: see where.py.

    Raises:
        Mistake: an unknown limit or field, a field that is no name, a condition that is none.
    """

    source: str
    fields: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    ids: str = "file"
    where: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := set(self.limits) - set(LIMITS):
            raise Mistake(f"source {self.source}: limits {sorted(unknown)} are unknown; there are {', '.join(LIMITS)}")
        if unknown := set(self.fields) - set(FIELDS):
            raise Mistake(f"source {self.source}: fields {sorted(unknown)} are unknown; there are {', '.join(FIELDS)}")
        object.__setattr__(self, "fields", {**FIELDS, **self.fields})
        for name, path in self.fields.items():
            paths = path if name == "text" and isinstance(path, list | tuple) and path else [path]
            if any(not isinstance(one, str) or not one for one in paths) and (name == "text" or path is not None):
                more = ", or a list of them" if name == "text" else ""
                raise Mistake(f"source {self.source}: {name}: {path!r} is not the name of a field{more}")
        conditions(self.source, self.where)
        object.__setattr__(self, "limits", {**LIMITS, **self.limits})


class Candidate(NamedTuple):
    """A text as a reader found it, neither cleaned nor identified: the record's own id, if it has one, and its place.

    `offset` and `length` are those of a Reject. `meta` holds the title and the like.
    """

    id: str | None
    text: str
    url: str
    date: datetime | None
    meta: dict[str, str | None]
    offset: int
    length: int


Reader = Callable[[Path, Part, Reading, Tally], Iterator[Candidate | Reject]]
