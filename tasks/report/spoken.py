"""What a model read, by language and by date: the tokens of the documents in its mixture, as often as they were read.

Part of the section on the mixture. A document's tokens stand in the index of its source's token shards, its language
and date in the documents; a cut document's pieces count as it does.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.report.formats import rounded
from tasks.report.given import Given, ShardColumns
from tasks.report.palette import SERIES
from tasks.report.section import Counted, Plot
from tasks.runtime.artifact import Artifact
from tasks.runtime.shards import read, read_beside
from tasks.tokens.tokens import UNKNOWN, TokenShards
from tasks.tokens.tokens import tokens as tokens_stage

TOP = 12  # languages that have a row; the others share one
GROUPS = 7  # that have a colour; the others share one
YEARS = 30  # that have a bar each; of more, decades have


@dataclass(frozen=True)
class Spoken:
    """Train tokens of a shard by (part of the stream, language) and (part, year): parts are read unlike often."""

    languages: dict[tuple[int, str], int] = field(default_factory=dict)
    years: dict[tuple[int, str], int] = field(default_factory=dict)


def count(columns: ShardColumns) -> Spoken:
    """Of a shard; nothing where its source has no tokens."""
    made = columns.given.named(tokens_stage).get(columns.source)
    if made is None:
        return Spoken()
    index = read_beside(made, columns.shard, ["id", "split", "start", "tokens"])
    index = index.filter(pc.equal(index.column("split"), "train"))
    documents = read(columns.shard, ["id", "language", "date"])
    whole = pc.replace_substring_regex(index.column("id").cast(pa.string()), "#[0-9]+$", "")
    rows = pc.index_in(whole, value_set=documents.column("id").cast(pa.string()).combine_chunks())
    language = pc.fill_null(documents.column("language").cast(pa.string()), UNKNOWN).take(rows)
    year = pc.fill_null(pc.year(documents.column("date")).cast(pa.string()), UNKNOWN).take(rows)
    ends = np.cumsum(_parts(made)[columns.shard.key])
    parts = np.searchsorted(ends[:-1], index.column("start").to_numpy(), side="right")
    counts = index.column("tokens")
    return Spoken(_summed(parts, language, counts), _summed(parts, year, counts))


@lru_cache(maxsize=256)
def _parts(tokens: Artifact) -> dict[str, list[int]]:
    """Train tokens of each part of the stream, by shard."""
    return {each["key"]: each.get("clusters", [each["train"]]) for each in TokenShards.of(tokens).about["shards"]}


def _summed(parts: np.ndarray, names: pa.ChunkedArray, counts: pa.ChunkedArray) -> dict[tuple[int, str], int]:
    table = pa.table({"part": parts, "name": names, "tokens": counts}).group_by(["part", "name"])
    summed = table.aggregate([("tokens", "sum")])
    rows = zip(*(summed.column(name).to_pylist() for name in ("part", "name", "tokens_sum")), strict=True)
    return {(part, name): tokens for part, name, tokens in sorted(rows)}


def text_read(
    given: Given, counted: list[Counted[Spoken]], epochs: Mapping[str, float], times: list[int]
) -> dict[str, Any]:
    """Of one mixture: `epochs` of each source's group, `times` that each part of a stream counts in one.

    Shares are of all tokens read; languages and years in the order of the table and the figure.
    """
    languages: dict[str, float] = {}
    years: dict[str, dict[str, float]] = {}
    for each in counted:
        often = epochs.get(each.of.source, 0.0)
        for (part, language), tokens in each.counts.languages.items():
            languages[language] = languages.get(language, 0.0) + often * times[part] * tokens
        for (part, year), tokens in each.counts.years.items():
            of_group = years.setdefault(given.groups.get(each.of.source, each.of.source), {})
            of_group[year] = of_group.get(year, 0.0) + often * times[part] * tokens
    read = sum(languages.values(), 0.0)
    if not read:
        return {"languages": [], "years": []}
    listed = sorted(languages.items(), key=lambda row: (-row[1], row[0]))
    rows = [{"language": name, "tokens": round(tokens), "share": tokens / read} for name, tokens in listed[:TOP]]
    if rest := listed[TOP:]:
        of_rest = sum(part for _, part in rest)
        rows.append({"language": f"{len(rest)} others", "tokens": round(of_rest), "share": of_rest / read})
    return {"languages": rows, "years": _by_year(years)}


def _by_year(years: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    known = {int(year) for of in years.values() for year in of if year != UNKNOWN}
    decades = len(known) > YEARS

    def named(year: str) -> str:
        return f"{int(year) // 10 * 10}s" if decades and year != UNKNOWN else year

    largest = sorted(years, key=lambda group: -sum(years[group].values()))[:GROUPS]
    rows: dict[str, Counter[str]] = {}
    for group, of in years.items():
        for year, tokens in of.items():
            shown = group if group in largest or len(years) <= GROUPS + 1 else "others"
            rows.setdefault(named(year), Counter())[shown] += round(tokens)
    return [{"year": year, "groups": dict(rows[year])} for year in sorted(rows)]


def figures(model: str, read: dict[str, Any]) -> dict[str, Plot]:
    """By name, of a mixture's `text_read`."""
    plots: dict[str, Plot] = {}
    if len(read["languages"]) > 1:
        plots[f"languages-{model}"] = partial(_languages, rows=read["languages"], model=model)
    if any(row["year"] != UNKNOWN for row in read["years"]):
        plots[f"years-{model}"] = partial(_years, rows=read["years"], model=model)
    return plots


def _languages(axes: Any, rows: list[dict[str, Any]], model: str) -> None:
    axes.barh(range(len(rows)), [100 * row["share"] for row in rows], 0.6, color=SERIES[0])
    axes.set_yticks(range(len(rows)), [row["language"] for row in rows])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set(title=f"Languages that {model} read", xlabel="% of the tokens read")


def _years(axes: Any, rows: list[dict[str, Any]], model: str) -> None:
    groups = list(dict.fromkeys(group for row in rows for group in row["groups"]))
    below = np.zeros(len(rows))
    for place, group in enumerate(groups):
        tokens = np.array([row["groups"].get(group, 0) for row in rows], float)
        axes.bar(range(len(rows)), tokens, 0.8, below, color=SERIES[place % len(SERIES)], label=group)
        below += tokens
    step = -(-len(rows) // 10)
    axes.set_xticks(range(0, len(rows), step), [row["year"] for row in rows][::step])
    axes.yaxis.set_major_formatter(lambda tokens, _: rounded(tokens))
    axes.set(title=f"Dates of what {model} read", xlabel="year of the document", ylabel="tokens read")
    axes.figure.legend(loc="outside right upper", fontsize=7)
