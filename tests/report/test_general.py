"""A measure and a decision that the report never heard of: they stand in funnel, planted table, summary and page."""

import json
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
import report_toys as toys
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from report_rows import ROWS

from tasks.report.general import flat, values_of
from tasks.report.given import Declaration
from tasks.report.histogram import BINS, Histogram, histogram
from tasks.report.page import render
from tasks.report.report import report
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import KEEP, REASON, Decided
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, read, read_column
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics

LONGEST = 800  # bytes


@statistics
class Lengths:
    """Documents, and bytes of their text."""

    documents: int = 0
    bytes: int = 0


@stage(
    "lengths",
    kind="measure",
    columns=(
        Column("length", pa.int64(), "bytes of text & <b>no more</b>"),
        Column("linked", pa.bool_(), "whether it has a URL"),
    ),
    version="1",
)
def lengths(job: Job, *, documents: Artifact) -> Lengths:
    """How long each document is."""
    return job.total(lengths_shard, [(shard.key, shard) for shard in documents.shards()])


def lengths_shard(out: Output, shard: Shard) -> Lengths:
    table = read(shard, ["bytes", "url"])
    out.of(shard)
    out.write(pa.table({"length": table.column("bytes"), "linked": table.column("url").is_valid()}))
    return Lengths(table.num_rows, int(table.column("bytes").to_numpy().sum()))


@stage(
    "tidy",
    kind="decision",
    title="after tidying",
    columns=(KEEP, REASON, Column("cuts", None, "what is cut, as the decision before said")),
    reasons={"long": "it is longer than anybody reads", "odd": "never given"},
    version="1",
)
def tidy(job: Job, *, documents: Artifact, measured: Artifact, before: Artifact) -> Decided:
    """Documents that are short enough."""
    items = [(shard.key, shard) for shard in documents.shards()]
    return job.total(tidy_shard, items, measured=measured, before=before)


def tidy_shard(out: Output, shard: Shard, *, measured: Artifact, before: Artifact) -> Decided:
    size = read_column(measured, shard, ["length"]).column("length").to_numpy()
    table = read_column(before, shard, ["keep", "cuts"])
    met = table.column("keep").to_numpy()
    kept = met & (size <= LONGEST)
    gone = met & ~kept
    reason = pa.array(["long" if dropped else None for dropped in gone], pa.string())
    out.of(shard)
    out.write(pa.table({"keep": kept, "reason": reason, "cuts": table.column("cuts")}))
    return Decided(
        documents=int(met.sum()),
        bytes=int(size[met].sum()),
        kept=int(kept.sum()),
        kept_bytes=int(size[kept].sum()),
        reasons={"long": int(gone.sum()), "odd": 0},
    )


class Grown(NamedTuple):
    artifact: Artifact
    sections: dict[str, Any]
    summary: str


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    """The toy store with one more measure and one more decision on every source."""
    run, arguments = toys.build(tmp_path_factory.mktemp("grown"))
    for source, documents in arguments["documents"].items():
        measured = run(lengths, source, documents=documents)
        arguments["measures"][source]["lengths"] = measured
        decisions = arguments["decisions"][source]
        decisions.append(run(tidy, source, documents=documents, measured=measured, before=decisions[-1]))
    arguments["declarations"] |= {what.name: asdict(Declaration.of(what)) for what in (lengths, tidy)}
    artifact = run(report, "grown", **arguments)
    content = json.loads(artifact.read("report.json"))
    return Grown(artifact, content["sections"], artifact.read("summary.txt").decode())


def sizes(source: str) -> list[int]:
    return [len(row["text"].encode()) for row in ROWS[source]]


def test_the_funnel_goes_on_with_the_new_decision(grown: Grown) -> None:
    crawl = grown.sections["funnel"]["sources"][2]
    steps = [step["step"] for step in crawl["steps"]]
    assert steps == ["ingest", "keep", "survivors", "cuts", "tidy", "tokens"]
    assert [step["documents"] for step in crawl["steps"][:5]] == [19, 12, 10, 9, 7]
    assert crawl["steps"][4]["reasons"] == {"long": 2}
    assert grown.sections["funnel"]["decisions"][-1] == {
        "stage": "tidy",
        "title": "after tidying",
        "reasons": {"long": "it is longer than anybody reads", "odd": "never given"},
    }


def test_planted_pages_are_followed_through_it(grown: Grown) -> None:
    planted = grown.sections["planted"]
    assert [each["title"] for each in planted["decisions"]][-1] == "after tidying"
    (deep,) = [row for row in planted["pages"] if row["kind"] == "leak/deep"]
    assert deep["after"] == {"keep": 1, "survivors": 1, "cuts": 1, "tidy": 0}
    # What the new decision dropped is not trained on: its leaks left with their pages.
    assert (planted["leaks"]["total"]["dropped"], planted["leaks"]["total"]["left"]) == (5, 0)


def test_other_sections_do_not_notice(grown: Grown, made: Any) -> None:
    for name in ("rejects", "quality", "duplicates", "contamination", "overlap", "training"):
        assert grown.sections[name] == made.sections[name]
    assert "general" not in made.sections


def test_its_columns_stand_with_their_meaning_and_their_numbers(grown: Grown) -> None:
    measure, decision = grown.sections["general"]["stages"]
    assert (measure["stage"], measure["kind"], measure["purpose"]) == (
        "lengths",
        "measure",
        "How long each document is.",
    )
    length, linked = measure["columns"]
    assert (length["type"], length["meaning"]) == ("int64", "bytes of text & <b>no more</b>")
    crawl = length["sources"]["crawl"]
    assert (crawl["rows"], crawl["known"], crawl["least"], crawl["greatest"]) == (19, 19, 9, 1172)
    edges = [(crawl["first"] + n) * crawl["width"] for n in range(len(crawl["bins"]) + 1)]
    assert crawl["bins"] == np.histogram(sizes("crawl"), edges)[0].tolist() and sum(crawl["bins"]) == 19
    assert {source: values["true"] for source, values in linked["sources"].items()} == {
        "webtext2": 2,
        "books2": 0,
        "crawl": 19,
    }
    assert [column["name"] for column in decision["columns"] if column["sources"]] == [
        "cuts"
    ]  # the funnel has the rest
    assert decision["reasons"][0] == {
        "reason": "long",
        "meaning": "it is longer than anybody reads",
        "documents": {"webtext2": 1, "books2": 1, "crawl": 2},
    }


def test_its_statistics_stand_in_a_table(grown: Grown) -> None:
    measure, decision = grown.sections["general"]["stages"]
    rows = {row["name"]: row["values"] for row in measure["statistics"]}
    assert rows == {
        "documents": {source: len(ROWS[source]) for source in ROWS},
        "bytes": {source: sum(sizes(source)) for source in ROWS},
    }
    assert {"reasons.long", "kept"} <= {row["name"] for row in decision["statistics"]}


def test_the_summary_tells_of_it(grown: Grown) -> None:
    lines = grown.summary.splitlines()
    assert lines[2].split() == [
        "Documents",
        "ingested",
        "quality",
        "deduplication",
        "decontamination",
        "tidying",
        "tokens",
    ]
    assert lines[5].split() == ["crawl", "19", "12", "10", "9", "7", "1,000"]
    assert "lengths crawl: length 9 to 1,172, of 19 documents" in lines
    assert "tidy: long webtext2 1, books2 1, crawl 2" in lines


def test_the_page_shows_it_escaped_and_with_a_figure(grown: Grown) -> None:
    page = render(grown.artifact, [])
    assert '<section id="general">' in page and '<a href="#general">' in page
    assert "bytes of text &amp; &lt;b&gt;no more&lt;/b&gt;" in page
    assert '<abbr title="it is longer than anybody reads">long</abbr> 2' in page
    assert 'data-figure="general-lengths-length"' in page


NUMBERS = arrays(np.float64, st.integers(0, 30), elements=st.floats(allow_nan=False, allow_infinity=False))
WHOLE = arrays(np.int64, st.integers(0, 30), elements=st.integers(-(2**40), 2**40))


@given(NUMBERS | WHOLE, st.integers(0, 30))
def test_histograms_of_parts_add_up_to_that_of_the_whole(values: np.ndarray, cut: int) -> None:
    assert histogram(values[:cut]) + histogram(values[cut:]) == histogram(values)


@given(NUMBERS | WHOLE)
def test_a_histogram_holds_every_value_in_its_bin(values: np.ndarray) -> None:
    counted = histogram(values)
    assert sum(counted.bins.values()) == len(values)
    if len(values):
        assert max(counted.bins) - min(counted.bins) < BINS
        with np.errstate(over="ignore"):  # the last edge may lie beyond all floats
            low, high = np.ldexp([min(counted.bins), max(counted.bins) + 1.0], counted.exponent)
        assert low <= values.min() and values.max() < high


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([0.0, 0.0], [5e-324, 1e-300]),
        ([1.98e28], [-8.76e-308]),  # the ratio underflows to -0: its bin is -1 all the same
        ([-1.0], [0.0]),
    ],
)
def test_zeros_and_tiny_numbers_add_up(left: list[float], right: list[float]) -> None:
    assert histogram(np.array(left)) + histogram(np.array(right)) == histogram(np.array(left + right))


def test_no_value_makes_no_bin() -> None:
    assert histogram(np.zeros(0)) == Histogram()


def test_what_is_no_number_is_counted_and_not_drawn() -> None:
    values = values_of(pa.chunked_array([[0.5, None, float("nan"), float("inf")]]))
    assert (values.rows, values.known, values.least, values.greatest) == (4, 3, 0.5, 0.5)
    assert values_of(pa.chunked_array([["a", None]])).known == 1
    assert values_of(pa.chunked_array([[True, None, False]])).true == 1


def test_nested_statistics_are_told_by_their_path() -> None:
    assert list(flat("", {"a": {"b": 1, "c": [2, {"d": "x"}]}})) == [("a.b", 1), ("a.c.0", 2), ("a.c.1.d", "x")]
