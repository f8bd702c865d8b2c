"""Stage `generated`: a benchmark's items, made by a rule instead of read from files."""

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.decontaminate.benchmark import FILE, ITEMS, Collected, item_of
from tasks.evaluation.generated.table import GENERATED
from tasks.evaluation.generated.words import given, shipped
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.sources.input.inside import place_of


@stage("generated", kind="input", section="contamination", libraries=("ftfy",))
def generated(
    job: Job,
    *,
    generator: str,
    items: int,
    seed: int,
    text: list[str],
    files: list[dict[str, Any]],
    inside: Artifact | None,
) -> Collected:
    """A generated benchmark's items, as `benchmark` writes those of files; `line` is the item's number, from 1.

    `text`: fields that must not be trained on; the generator's own if none. `files`: a list of words by frequency, for
    the generators that take one; Millrace's own if none.

    Raises:
        Mistake: fewer different items can be made, a field of `text` is none of the records', a file holds no words.
    """
    how = GENERATED[generator]
    fields = text or list(how.text)
    words = {"words": _words(files, inside)} if how.words else {}
    rows: list[dict[str, Any]] = []
    try:
        for number, record in enumerate(how.records(seed, items, **words), start=1):
            if missing := [field for field in fields if field not in record]:
                raise Mistake(
                    f"`text` names {', '.join(missing)}; the records of {generator} hold {', '.join(sorted(record))}"
                )
            rows.append(item_of(generator, number, json.dumps(record).encode(), record, fields))
    except ValueError as error:
        raise Mistake(f"{generator}: {error}; lower `items`") from None
    with job.publish(FILE) as out:
        pq.write_table(pa.Table.from_pylist(rows, schema=ITEMS), out)
    return Collected(len(rows), sum(len(row["text"]) for row in rows))


def _words(files: list[dict[str, Any]], inside: Artifact | None) -> list[str]:
    return given([place_of(file, inside) for file in files]) if files else shipped()
