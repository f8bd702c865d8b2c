"""Stage `links`: outbound links of enough karma, each URL once (GPT-2's WebText: at least 3, 45 million of them).

One shuffle brings the submissions of a URL together by the hash of its join key (urls.py): the link is spelled as it
was first posted, and has the greatest karma of them. What is made of it, and its reader, stand in linked.py.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import field
from functools import partial
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.errors import Failure
from tasks.runtime.fixed import begins, fixed, unfixed
from tasks.runtime.job import Job
from tasks.runtime.shards import batches
from tasks.runtime.shuffle import GOLDEN, INVERSE
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.sources.told import tell_link
from tasks.sources.webtext.chunked import WIDTH, chunks_of, cut, joined
from tasks.sources.webtext.linked import COUNTED, COUNTS, HASHES, LINKS, TABLE
from tasks.sources.webtext.submissions import GROUP
from tasks.sources.webtext.urls import hash_of, host_of, is_in, key_of, normalised

ROWS = 1 << 18  # links of a file: 20 MB, and 100 MB of memory while it is written
GROUPS = 2  # row groups of submissions that are emitted at once: at most 200,000 links, 50 MB of rows
NO_DATE = np.iinfo(np.int64).max  # sorts behind every date
REASONS = ("karma", "domain", "over_18", "removed", "chosen")  # the last is none: it counts who is left
TOLD = 0  # the key of the rows that carry the counts of REASONS, `second` saying which
# `key`, `second`: the hash's halves. `date`, `place`: the order of submissions. `part`: the row's place in its text.
EMITTED = pa.schema([("key", pa.int64()), ("second", pa.int64()), ("date", pa.int64()), ("place", pa.int64()),
                     ("part", pa.int32()), ("karma", pa.int32()), ("submissions", pa.int64()), ("normal", pa.int32()),
                     ("size", pa.int32()), ("text", pa.binary(WIDTH))])  # fmt: skip


@statistics
class Linked:
    """submissions = links + duplicates + those of `reasons`, why a submission's link is not taken."""

    submissions: int = 0
    links: int = 0
    duplicates: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


@stage(
    "links",
    kind="fit",
    reasons={
        "karma": "its karma is less than `karma`",
        "domain": "its host is one of `without`, or below one",
        "over_18": "it is marked as not safe for work, and `over_18` is false",
        "removed": "it was deleted or removed, and `removed` is false",
    },
    tell=tell_link,
    libraries=("ada-url", "numpy"),
)
def links(
    job: Job, *, submissions: Artifact, karma: int, without: list[str], over_18: bool = True, removed: bool = True
) -> Linked:
    """Which URLs people found worth a vote: each once, sorted by the hash of its join key.

    Args:
        submissions: outbound links, one a submission.
        karma: the least of a submission that counts.
        without: domains that are left out, with all hosts below them.
        over_18, removed: whether submissions so marked count.

    Raises:
        Failure: no link is left.
    """
    items = [
        (number, shard, first, min(first + GROUPS, -(-shard.rows // GROUP)))
        for number, shard in enumerate(submissions.shards())
        for first in range(0, max(1, -(-shard.rows // GROUP)), GROUPS)
    ]
    domains = frozenset(_domain(name) for name in without)
    emit = partial(emit_links, karma=karma, domains=domains, over_18=over_18, removed=removed)
    told: dict[int, int] = {}
    count = _write(job, _chosen(job.engine.shuffle(emit, merge, items), told))
    counts = {reason: told.get(number, 0) for number, reason in enumerate(REASONS)}
    chosen = counts.pop("chosen")
    if not count:
        said = ", ".join(f"{number} {reason}" for reason, number in counts.items() if number) or "there is none"
        raise Failure(f"no submission gives a link ({said}); lower `karma`, shorten `without`, or check the files")
    return Linked(chosen + sum(counts.values()), count, chosen - count, counts)


def _domain(name: str) -> str:
    """A domain as hosts are spelled: lower case, punycode."""
    normal = normalised(f"http://{name.strip().strip('.')}/")
    return name if normal is None else host_of(normal)


def emit_links(
    item: tuple[int, Shard, int, int], *, karma: int, domains: frozenset[str], over_18: bool, removed: bool
) -> pa.Table:
    """The links of some row groups, each once, in rows of fixed width; and rows of key TOLD that count the others."""
    number, shard, first, last = item
    reasons = dict.fromkeys(REASONS, 0)
    texts: list[bytes] = []
    hashes: list[bytes] = []
    numbers: list[tuple[int, int, int, int]] = []  # date, place, karma, bytes of the normalised URL
    row = first * GROUP
    for batch in batches(shard, groups=range(first, last)):
        columns = [batch.column(name).to_pylist() for name in ("url", "normal", "karma", "date", "over_18", "removed")]
        for url, normal, score, date, adult, gone in zip(*columns, strict=True):
            row += 1
            why = (
                "karma" if score < karma
                else "domain" if is_in(host_of(normal), domains)
                else "over_18" if adult and not over_18
                else "removed" if gone and not removed
                else "chosen"
            )  # fmt: skip
            reasons[why] += 1
            if why == "chosen":
                spelled = normal.encode()
                hashes.append(hash_of(key_of(normal)))
                texts.append(spelled if url == normal else spelled + url.encode())
                numbers.append((NO_DATE if date is None else date, number << 40 | row, score, len(spelled)))
    halves = np.frombuffer(b"".join(hashes), ">u8").reshape(-1, 2).astype(np.uint64)
    # A shuffle orders by the key's product with an odd number: this one's is the hash's first half itself.
    key, second = (halves[:, 0] * INVERSE).view(np.int64), halves[:, 1].view(np.int64)
    dates, places, scores, normals = np.array(numbers, np.int64).reshape(-1, 4).T
    order = np.lexsort((places, dates, second, key))
    first_rows = begins(key[order], second[order])
    taken, starts = order[first_rows], np.flatnonzero(first_rows)
    greatest = np.maximum.reduceat(scores[order], starts) if len(starts) else scores
    repeats = np.diff(np.append(starts, len(order)))
    kept = [texts[index] for index in taken.tolist()]
    sizes = np.array([len(text) for text in kept], np.int64)
    rows = np.repeat(np.arange(len(kept)), chunks_of(sizes))
    parts = np.arange(len(rows)) - np.repeat(np.cumsum(chunks_of(sizes)) - chunks_of(sizes), chunks_of(sizes))
    counts = np.array([reasons[reason] for reason in REASONS])
    zeros = np.zeros(len(REASONS), np.int64)
    columns = [
        (np.full(len(REASONS), TOLD), key[taken][rows]),
        (np.arange(len(REASONS)), second[taken][rows]),
        (zeros, dates[taken][rows]),
        (zeros + (number << 40 | first), places[taken][rows]),
        (zeros, parts),
        (zeros, greatest[rows]),
        (counts, repeats[rows]),
        (zeros, normals[taken][rows]),
        (zeros, sizes[rows]),
    ]
    text = np.concatenate([np.zeros((len(REASONS), WIDTH), np.uint8), cut(kept)])
    arrays = [pa.array(np.concatenate(pair), of.type) for pair, of in zip(columns, EMITTED, strict=False)]
    return pa.table([*arrays, fixed(text)], schema=EMITTED)


def merge(table: pa.Table) -> pa.Table:
    """Of each URL the rows of the submission that came first, with the greatest karma and the number of all."""
    key, second, date, place, part, karma, count = (table.column(number).to_numpy() for number in range(7))
    first_rows = begins(key, second)
    starts = np.flatnonzero(first_rows)
    if not len(starts):
        return table
    group = np.cumsum(first_rows) - 1
    kept = (date == date[starts][group]) & (place == place[starts][group])
    greatest = np.maximum.reduceat(karma, starts)[group]
    total = np.add.reduceat(np.where(part == 0, count, 0), starts)[group]
    table = table.set_column(5, EMITTED.field(5), pa.array(greatest, pa.int32()))
    return table.set_column(6, EMITTED.field(6), pa.array(total, pa.int64())).filter(pa.array(kept))


class _Batch(NamedTuple):
    hashes: np.ndarray
    table: pa.Table


def _chosen(tables: Iterator[pa.Table], told: dict[int, int]) -> Iterator[_Batch]:
    """The shuffle's tables as links, in the order of their hashes; what their counts say goes to `told`."""
    for table in tables:
        of_counts = (table.column("key").to_numpy() == TOLD) & (table.column("size").to_numpy() == 0)
        for row in table.filter(pa.array(of_counts)).to_pylist():
            told[row["second"]] = told.get(row["second"], 0) + row["submissions"]
        table = table.filter(pa.array(~of_counts))
        heads = table.filter(pa.array(table.column("part").to_numpy() == 0))
        sizes, spelled = (heads.column(name).to_numpy() for name in ("size", "normal"))
        texts = joined(unfixed(table.column("text"), np.uint8), sizes)
        normal = [text[:size].decode() for text, size in zip(texts, spelled.tolist(), strict=True)]
        url = [text[size:].decode() or same for text, size, same in
               zip(texts, spelled.tolist(), normal, strict=True)]  # fmt: skip
        date = heads.column("date").to_numpy()
        when = pa.array(date, mask=date == NO_DATE).cast(pa.timestamp("s", tz="UTC"))
        count = np.minimum(heads.column("submissions").to_numpy(), 2**31 - 1).astype(np.int32)
        columns = [pa.array(url, pa.string()), pa.array(normal, pa.string()), heads.column("karma"), count, when]
        hashes = heads.column("key").to_numpy().view(np.uint64) * GOLDEN
        yield _Batch(hashes, pa.table(columns, schema=TABLE))


def _write(job: Job, found: Iterator[_Batch]) -> int:
    """Write the artifact's files as links come; how many there were."""
    count, last, files = 0, -1, 0
    waiting = TABLE.empty_table()
    with ExitStack() as stack:
        hashes: IO[bytes] = stack.enter_context(job.publish(HASHES))
        counts: IO[bytes] = stack.enter_context(job.publish(COUNTS))
        for batch in found:
            if len(batch.hashes) and (int(batch.hashes[0]) < last or (batch.hashes[1:] < batch.hashes[:-1]).any()):
                raise RuntimeError("links came out of the order of their hashes: the engine's shuffle orders otherwise")
            last = int(batch.hashes[-1]) if len(batch.hashes) else last
            count += len(batch.hashes)
            hashes.write(batch.hashes.astype("<u8").tobytes())
            both = np.zeros(len(batch.hashes), COUNTED)
            both["karma"], both["submissions"] = batch.table.column("karma"), batch.table.column("submissions")
            counts.write(both.tobytes())
            waiting = pa.concat_tables([waiting, batch.table])
            while len(waiting) >= ROWS:
                _publish(job, files, waiting.slice(0, ROWS))
                waiting, files = waiting.slice(ROWS).combine_chunks(), files + 1
    if len(waiting) or not files:
        _publish(job, files, waiting)
    return count


def _publish(job: Job, number: int, table: pa.Table) -> None:
    with job.publish(f"{number:05}.{LINKS}") as file:
        pq.write_table(table.combine_chunks(), file, compression="zstd")
