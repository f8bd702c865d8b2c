"""Writing the files of an export: each whole or not at all, and known again by its checksum after a kill.

    data/<source>/<split>-NNNNN-of-NNNNN.<form>
    .export/plan.json                              while it goes on: what this export is (export.py)
    .export/<the same name, slashes as dots>.json  a file that is finished: its Made

Each worker writes a file of its own at a time, in row groups: memory grows with neither files nor shards, but for the
narrow columns of one shard and a row group of text. A shard's text is read once for each split of it that leaves.
"""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np
import pyarrow.compute as pc

from tasks.export.forms import FORMS
from tasks.export.plan import Planned
from tasks.export.rows import rows
from tasks.runtime.engine import Engine, Progress
from tasks.runtime.local_store import file_sha256
from tasks.runtime.store import Store, write

NOTES = ".export"  # what a finished export no longer has


@dataclass(frozen=True)
class Made:
    """A file that was written: its rows (pieces), the documents that they are of, bytes of text, and itself."""

    file: str
    source: str
    split: str
    rows: int
    documents: int
    text_bytes: int
    bytes: int
    sha256: str
    languages: dict[str, int] = field(default_factory=dict)  # rows by language, where one is known


def write_files(
    out: Store, files: list[Planned], form: str, known: list[Made], engine: Engine, progress: Progress | None
) -> list[Made]:
    """Write those that are not there, or not as they were written; in the order of `files`.

    `known` are those that a finished export has made; those of a killed one have left notes.
    """
    by_name = {made.file: made for made in known}
    items = [(planned, by_name.get(planned.file)) for planned in files]
    made: list[Made] = engine.map(partial(_file, out=out, form=form), items, progress)
    return made


def _file(item: tuple[Planned, Made | None], *, out: Store, form: str) -> Made:
    planned, known = item
    note = f"{NOTES}/{planned.file.replace('/', '.')}.json"
    known = known or _noted(out, note)
    if known is not None and _is_whole(out, known):
        return known
    with out.scratch() as scratch:
        path = scratch / "rows"
        file = FORMS[form](path)
        counts: Counter[str] = Counter()
        languages: Counter[str] = Counter()
        for part in planned.parts:
            wanted = planned.rows(part)
            counts["documents"] += int(np.count_nonzero(wanted))
            for table in rows(planned.leaving, part.shard, wanted):
                file.write(table)
                counts["rows"] += table.num_rows
                counts["text_bytes"] += pc.sum(pc.binary_length(table.column("text"))).as_py()
                for each in pc.value_counts(table.column("language").drop_null()).to_pylist():
                    languages[each["values"]] += each["counts"]
        file.close()
        made = Made(
            planned.file,
            planned.leaving.source,
            planned.split,
            **{name: counts[name] for name in ("rows", "documents", "text_bytes")},
            bytes=path.stat().st_size,
            sha256=file_sha256(path),
            languages=dict(sorted(languages.items())),
        )
        out.publish(planned.file, path, replace=True)
    write(out, note, json.dumps(asdict(made)).encode(), replace=True)
    return made


def _noted(out: Store, note: str) -> Made | None:
    """A file that an earlier attempt has written; None if there is none."""
    try:
        return Made(**json.loads(out.read(note)))
    except (FileNotFoundError, ValueError, TypeError):  # not there, or not as it was written
        return None


def _is_whole(out: Store, made: Made) -> bool:
    try:
        return out.sha256(made.file) == made.sha256
    except FileNotFoundError:
        return False
