"""Common Crawl's columnar index (cc-index-table): which of its rows are wanted, read by footer and row group.

A row a capture. The table is sorted by `url_surtkey`, the host's labels from the last to the first and then the path:
`com,example)/path`, without `www.`; so that a domain is three ranges of keys, and a row group whose least and greatest
key lie outside of all wanted ranges is not read. Of one that is read, the columns that decide come first, and the
others only where a row is left. Names and meanings of columns: github.com/commoncrawl/cc-index-table, its flat schema.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.errors import Failure, Mistake
from tasks.sources.remote.ranges import Ranged
from tasks.sources.texts.codes import THREE_LETTERS
from tasks.sources.webtext.urls import host_of, is_in, normalised

LAST = "\U0010ffff"
WWW = re.compile(r"^www\d*\.")
ADDRESS = re.compile(r"^[\d.]+$|^\[")
KEY = "url_surtkey"
PLACE = ("url", "warc_filename", "warc_record_offset", "warc_record_length")
REASONS = {
    "elsewhere": "its URL is in none of the domains, and begins with none of the prefixes",
    "status": "its HTTP status is none of `status`",
    "mime": "its media type, as Common Crawl detected it, is none of `mime`",
    "language": "the first of its languages, as Common Crawl detected them, is none of `languages`",
    "unlinked": "no link names its URL",
}


@dataclass(frozen=True)
class Wanted:
    """Which captures are wanted: all that is given must hold; of domains and prefixes one. Empty: any.

    Args:
        domains: with all hosts below them. prefixes: of URLs; scheme and `www.` are not compared.
        languages: ISO 639-1 or -3; the index names up to three a page, of which the first counts.
        mime: media types, as detected. status: of HTTP.

    Raises:
        Mistake: a domain, prefix or language that is none.
    """

    domains: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    mime: tuple[str, ...] = ()
    status: tuple[int, ...] = ()
    hosts: frozenset[str] = field(init=False)
    starts: tuple[str, ...] = field(init=False)
    codes: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        hosts = {name: host_of(normalised(f"http://{name}/") or "http:///") for name in self.domains}
        starts = {prefix: normalised(prefix if "://" in prefix else f"http://{prefix}") for prefix in self.prefixes}
        codes = {code: THREE_LETTERS.get(code, code) for code in self.languages}
        wrong = [name for name, host in hosts.items() if not host or "/" in name]
        wrong += [prefix for prefix, start in starts.items() if start is None]
        wrong += [code for code, three in codes.items() if not re.fullmatch("[a-z]{3}", three)]
        if wrong:
            raise Mistake(f"select: {wrong[0]!r} is no domain, URL prefix, or language by its ISO 639 code")
        object.__setattr__(self, "hosts", frozenset(hosts.values()))
        object.__setattr__(self, "starts", tuple(str(start) for start in starts.values()))
        object.__setattr__(self, "codes", frozenset(codes.values()))

    def keys(self) -> list[tuple[str, str]] | None:
        """Ranges, both ends included, that hold all wanted `url_surtkey`; None: anything may be wanted."""
        if not self.hosts and not self.starts:
            return None
        # The host itself, with a port, and (of a domain) the hosts below it.
        begins = [surt(host) + mark for host in self.hosts for mark in (")", ":", ",")]
        begins += [surt(host_of(start)) + mark for start in self.starts for mark in (")", ":")]
        return sorted((begin, begin + LAST) for begin in begins)


def surt(host: str) -> str:
    """A host as the index's keys begin: `com,example` for www.example.com."""
    host = WWW.sub("", host)
    return host if ADDRESS.match(host) else ",".join(reversed(host.split(".")))


@dataclass
class Counts:
    """What reading one file of the index cost, and why rows are not wanted."""

    groups: int = 0
    groups_read: int = 0
    rows: int = 0  # of the groups that were read
    reasons: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))


def wanted_rows(
    file: Ranged, wanted: Wanted, linked: Callable[[str], bool] | None, counts: Counts
) -> Iterator[pa.Table]:
    """Of each row group that may hold any, the wanted rows: PLACE and content_languages.

    Raises:
        Failure: the file is no part of the index.
    """
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.PythonFile(file, "r")) as parquet:
            names = parquet.schema_arrow.names
            if missing := [name for name in (KEY, "url_host_name", "fetch_status", *PLACE) if name not in names]:
                raise Failure(f"{file.there.url} is no file of Common Crawl's index: it has no column {missing[0]}")
            place = parquet.metadata.schema.names.index(KEY)
            for group in range(parquet.num_row_groups):
                counts.groups += 1
                if _may_hold(parquet.metadata.row_group(group).column(place).statistics, wanted.keys()):
                    counts.groups_read += 1
                    yield _of_group(parquet, group, names, wanted, linked, counts)
    except (pa.ArrowException, OSError) as error:
        raise Failure(f"{file.there.url} cannot be read as Parquet ({str(error)[:160]}); name other files") from None


def _may_hold(statistics: Any, keys: list[tuple[str, str]] | None) -> bool:
    if keys is None or statistics is None or not statistics.has_min_max:
        return True
    least, greatest = str(statistics.min), str(statistics.max)
    return any(low <= greatest and least <= high for low, high in keys)


def _of_group(
    parquet: Any, group: int, names: list[str], wanted: Wanted, linked: Callable[[str], bool] | None, counts: Counts
) -> pa.Table:
    """The wanted rows of a row group; the columns that decide are read before the others."""
    has = [name for name in ("content_mime_detected", "content_mime_type", "content_languages") if name in names]
    first = [*(["url_host_name"] if wanted.hosts else []), *(["url"] if wanted.starts else [])]
    first += [*(["fetch_status"] if wanted.status else []), *[name for name in has if "mime" in name and wanted.mime]]
    first += ["content_languages"] if wanted.codes and "content_languages" in names else []
    rows = parquet.metadata.row_group(group).num_rows
    counts.rows += rows
    deciding = parquet.read_row_group(group, columns=first, use_threads=False) if first else None
    left = np.ones(rows, bool)

    def keep(reason: str, holds: np.ndarray) -> None:
        counts.reasons[reason] += int((left & ~holds).sum())
        left[:] &= holds

    if deciding is not None:
        if wanted.hosts or wanted.starts:
            keep("elsewhere", _there(deciding, wanted))
        if wanted.status:
            keep("status", _is_one_of(deciding.column("fetch_status"), list(wanted.status)))
        if wanted.mime:
            types = [deciding.column(name) for name in deciding.column_names if "mime" in name]
            keep("mime", _is_one_of(pc.coalesce(*types), list(wanted.mime)) if types else np.zeros(rows, bool))
        if wanted.codes:
            column = deciding.column("content_languages") if "content_languages" in first else pa.nulls(rows, "string")
            keep("language", _by_value(column, lambda value: value.partition(",")[0] in wanted.codes))
    kept = pa.array(np.flatnonzero(left))
    columns = [*PLACE, *(["content_languages"] if "content_languages" in names else [])]
    if not len(kept):
        return parquet.schema_arrow.empty_table().select(columns)
    table = parquet.read_row_group(group, columns=columns, use_threads=False).take(kept)
    if linked is not None:
        holds = np.array([linked(url) for url in table.column("url").to_pylist()], bool)
        counts.reasons["unlinked"] += int((~holds).sum())
        table = table.filter(pa.array(holds))
    return table


def _there(deciding: pa.Table, wanted: Wanted) -> np.ndarray:
    holds = np.zeros(len(deciding), bool)
    if wanted.hosts:
        holds |= _by_value(deciding.column("url_host_name"), lambda host: is_in(host, wanted.hosts))
    for start in wanted.starts:
        rest = start.partition("://")[2].removeprefix("www.")
        for spelled in (f"{scheme}://{www}{rest}" for scheme in ("http", "https") for www in ("", "www.")):
            holds |= _bools(pc.starts_with(deciding.column("url"), spelled))
    return holds


def _is_one_of(column: Any, values: list[Any]) -> np.ndarray:
    return _bools(pc.is_in(column, value_set=pa.array(values, column.type)))


def _bools(column: Any) -> np.ndarray:
    found: np.ndarray = np.asarray(pc.fill_null(column, False).to_numpy(zero_copy_only=False), bool)
    return found


def _by_value(column: Any, holds: Callable[[str], bool]) -> np.ndarray:
    """What holds of each value, asked once a value; False of null."""
    encoded = pc.dictionary_encode(column)
    array = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    array = array.unify_dictionaries() if hasattr(array, "unify_dictionaries") else array
    of_values = np.array([value is not None and holds(value) for value in array.dictionary.to_pylist()] + [False], bool)
    numbers = pc.fill_null(array.indices, len(of_values) - 1).to_numpy(zero_copy_only=False)
    return of_values[numbers]
