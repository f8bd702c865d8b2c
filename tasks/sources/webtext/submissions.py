"""Stage `submissions`: Reddit's submissions to their outbound links, whatever their karma: `links` decides.

Dumps of a JSON object a line (.zst, .gz or plain), as Pushshift and its heirs publish them, and .csv with the same
names in its head. A link's URL is read as it was meant: dumps write `&amp;` for `&`. A submission that is no outbound
link is counted by reason; a line that is no submission is a Reject.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.shards import Output
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics
from tasks.sources.input.hashed import as_listed
from tasks.sources.input.here import here
from tasks.sources.input.inside import files_inside
from tasks.sources.input.lines import lines
from tasks.sources.input.raw import Source, size_of
from tasks.sources.parts import SHARD, Part, plan
from tasks.sources.rejects import FAULTS, FILE, Bad, Reject, table_of
from tasks.sources.remote.manners import Manners
from tasks.sources.rows.json_objects import quick
from tasks.sources.rows.record import moment
from tasks.sources.told import silent
from tasks.sources.webtext.urls import is_web, normalised

GROUP = 100_000  # rows of a row group: what `links` reads at once
LIMIT = 4 << 20  # bytes of a line; Reddit's own limit is 40,000 characters of a text, and its comments stand elsewhere
WINDOW = 1 << 31  # bytes of memory that a zstd frame may ask for: dumps are made with `--long=31`
ESCAPED = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))  # the last last: `&amp;lt;` was `&lt;`
GONE = ("[deleted]", "[removed]")
NO_LINK = {
    "self": "a text on Reddit itself",
    "no-url": "it has no URL",
    "scheme": "its URL is not of http or https (such as /r/..., or ftp:)",
    "url": "its URL cannot be parsed, or is longer than 2,048 characters",
    "fragment": "its page is named by a fragment (#!), which no crawl holds",
    "no-score": "it has no score",
}
SUBMISSIONS = pa.schema(
    [
        ("url", pa.string()),
        ("normal", pa.string()),
        ("karma", pa.int32()),
        ("date", pa.int64()),
        ("over_18", pa.bool_()),
        ("removed", pa.bool_()),
    ]
)
MEANINGS = {
    "url": "as it was posted",
    "normal": "its one spelling (urls.py)",
    "karma": "the submission's score: votes for it less those against",
    "date": "when it was submitted, seconds since 1970; null where that is not known",
    "over_18": "marked as not safe for work",
    "removed": "deleted, or removed by a moderator, when the dump was made",
}


@statistics
class Submitted:
    """submissions = links + those of `reasons`; `rejects` are damaged lines, and stand in rejects.parquet."""

    files: int = 0
    bytes: int = 0
    submissions: int = 0
    links: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    rejects: dict[str, int] = field(default_factory=dict)


class Submission(NamedTuple):
    """An outbound link. `date` is in seconds since 1970."""

    url: str
    normal: str
    karma: int
    date: int | None
    over_18: bool
    removed: bool


@stage(
    "submissions",
    kind="input",
    columns=tuple(Column(name, SUBMISSIONS.field(name).type, meaning) for name, meaning in MEANINGS.items()),
    reasons={
        **NO_LINK,
        **{
            reason: FAULTS[reason]
            for reason in ("json", "charset", "too-large", "truncated", "gzip", "zstd", "empty-file")
        },
    },
    libraries=("ada-url", "orjson", "isal", "zstandard", "lz4"),
    judges=("reject_share", "manners"),
    tell=silent,
)
def submissions(
    job: Job,
    *,
    files: list[dict[str, Any]],
    source: str,
    reject_share: float,
    shard: int = SHARD,
    inside: Artifact | None = None,
    manners: dict[str, Any] | None = None,
) -> Submitted:
    """Read Reddit's submissions for their outbound links.

    Args:
        files: the frozen list, dicts as `files.InputFile.as_dict` gives them; with `inside`, patterns (`path`) of files
            in that artifact.
        source: its name, for messages.
        reject_share: more damaged lines than this share stop the stage.
        shard: bytes of input per shard, about, where files are not compressed.
        manners: how remote files are asked for, as `manners.Manners` takes it.

    Raises:
        Mistake: a pattern that matches nothing. Failure: too much is damaged, a file is not the one that was listed.
    """
    if inside is not None:
        files = files_inside(files, inside, source)
    shards = plan(files, "jsonl", shard, inside.local if inside is not None else Path)
    counts = job.total(read_shard, shards, inside=inside, manners=manners)
    damaged, total = sum(counts.rejects.values()), counts.submissions + sum(counts.rejects.values())
    if damaged > reject_share * total or not total:
        listed = ", ".join(f"{count} {reason}" for reason, count in counts.rejects.items()) or "none"
        raise Failure(
            f"source {source}: of {total} lines of its submissions {damaged} are damaged ({listed}), and "
            f"`reject_share` is {reject_share:g}; check that the files are dumps of submissions; see *.{FILE}"
        )
    return counts


def read_shard(out: Output, parts: list[Part], *, inside: Artifact | None, manners: dict[str, Any] | None) -> Submitted:
    """Write the links of one shard's files. Runs in a worker."""
    files, size, links = 0, 0, 0
    reasons: Counter[str] = Counter()
    damaged: Counter[str] = Counter()
    rejects: list[Reject] = []
    rows: list[Submission] = []
    how = Manners(**(manners or {}))
    for part in parts:
        files += part.start == 0
        size += part.size
        with here(part, out.scratch, inside, how) as (listed, path), as_listed(listed, path, "jsonl") as read:
            for item in _objects(read.source, part):
                if isinstance(item, Reject):
                    damaged[item.reason] += 1
                    rejects.append(item)
                    continue
                found = outbound(item)
                if isinstance(found, str):
                    reasons[found] += 1
                    continue
                rows.append(found)
                links += 1
                if len(rows) == GROUP:
                    out.write(_table(rows))
                    rows = []
    if rows or not links:
        out.write(_table(rows))
    with out.open(FILE) as file:
        pq.write_table(table_of(rejects), file)
    seen = links + reasons.total()
    return Submitted(files, size, seen, links, dict(sorted(reasons.items())), dict(sorted(damaged.items())))


def outbound(row: dict[str, Any]) -> Submission | str:
    """The link of a submission, or the reason (of NO_LINK) why it is none."""
    if row.get("is_self") or str(row.get("domain") or "").startswith("self."):
        return "self"
    url = row.get("url")
    if not isinstance(url, str) or not url.strip():
        return "no-url"
    for escaped, character in ESCAPED:
        url = url.replace(escaped, character)
    if not is_web(url.strip()):
        return "scheme"
    if "#!" in url:
        return "fragment"
    normal = normalised(url)
    if normal is None:
        return "url"
    score = row.get("score")
    if not isinstance(score, int) or isinstance(score, bool):
        return "no-score"
    created = row.get("created_utc")
    date = moment(float(created) if isinstance(created, str) and _is_number(created) else created)
    removed = bool(row.get("removed_by_category")) or row.get("author") in GONE or row.get("selftext") in GONE
    karma = max(-(2**31), min(score, 2**31 - 1))
    return Submission(url.strip(), normal, karma, _seconds(date), bool(row.get("over_18")), removed)


def _objects(path: Source, part: Part) -> Iterator[dict[str, Any] | Reject]:
    """Submissions as dictionaries, and a Reject for what is none."""
    if ".csv" in Path(part.path).suffixes:
        yield from _of_csv(path, part)
        return
    if size_of(path) == 0:
        yield Reject(part.path, 0, 0, "empty-file", "the file has 0 bytes")
    for line in lines(path, part.start, part.end, LIMIT, WINDOW):
        if isinstance(line, Reject):
            yield line._replace(file=part.path)
            continue
        try:
            if line.data is None:
                raise Bad("too-large", f"the line has {line.length} bytes, the limit is {LIMIT}")
            if line.data.strip():
                yield _object(line.data)
        except Bad as bad:
            yield Reject(part.path, line.offset, line.length, bad.reason, bad.detail)


def _object(data: bytes) -> dict[str, Any]:
    if (quickly := quick(data)) is not None:
        return quickly
    try:  # orjson takes no lone surrogates, which old titles hold
        value = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Bad("charset", f"not UTF-8 at byte {error.start} of the line") from None
    except (ValueError, RecursionError) as error:
        raise Bad("json", str(error)[:160]) from None
    if not isinstance(value, dict):
        raise Bad("json", f"a JSON {type(value).__name__}, not an object")
    return value


def _of_csv(path: Source, part: Part) -> Iterator[dict[str, Any] | Reject]:
    """Rows of a .csv under the names in its head; the offset of a Reject is the number of its row."""
    broken: list[Reject] = []

    def physical_lines() -> Iterator[str]:
        for line in lines(path, limit=LIMIT, window=WINDOW):
            if isinstance(line, Reject):
                broken.append(line._replace(file=part.path))
            else:
                yield (line.data or b"").decode("utf-8", "replace") + "\n"

    reader = csv.DictReader(physical_lines())
    number = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield Reject(part.path, number, None, "json", f"line {reader.line_num} is no CSV: {error}")
            continue
        finally:
            number += 1
        score = row.get("score") or ""
        flags = {key: str(row.get(key)).lower() in ("true", "1") for key in ("is_self", "over_18")}
        yield {**row, **flags, "score": int(float(score)) if _is_number(score) else None}
    yield from broken


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) < 2**53
    except ValueError:
        return False


def _seconds(date: datetime | None) -> int | None:
    return None if date is None else int(date.timestamp())


def _table(rows: list[Submission]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(SUBMISSIONS)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, SUBMISSIONS, strict=True)], schema=SUBMISSIONS)
