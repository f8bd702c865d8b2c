"""`millrace diff`: held against a plain comparison of all documents, with the same sources and others."""

import io
import json
from pathlib import Path
from typing import Any

import corpus_toy
import pytest
from rich.console import Console

from conf.load import load
from flows import dag
from flows.diff import show
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.runtime.shards import columns_of, read, read_column


@pytest.fixture(scope="module")
def confs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two pipelines with stores of their own: the second has a source more, and its web in shards of another size."""
    folders = [tmp_path_factory.mktemp(name) for name in ("a", "b")]
    first = corpus_toy.written(folders[0])
    more = [*corpus_toy.texts()["web"][:6], *(corpus_toy.prose(900 + n) for n in range(6))]
    second = corpus_toy.written(folders[1], more=more)
    second.write_text(second.read_text().replace("shard: 20000", "shard: 50000", 2).replace("pareto: 1}", "pareto: 3}"))
    for conf in (first, second):
        corpus_toy.built(conf)
    return first, second


def asked(a: Path | str, b: Path | str, **how: Any) -> dict[str, Any]:
    out = io.StringIO()
    settings = (how.pop("set_a", {}), how.pop("set_b", {}))
    show(Console(file=out, width=200), (str(a), str(b)), settings, how.get("out"), 3, 1, True, lambda _: None)
    return json.loads(out.getvalue())


def standings(conf: Path, settings: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """By id, of every document: `kept` and its cuts, or the decision and reason; by reading every row."""
    built = corpus_toy.built(conf, settings, until=dag.build_corpus)
    found: dict[str, tuple[str, Any]] = {}
    for source in built.sources.values():
        for shard in source.documents.shards():
            for row, id in enumerate(read(shard, ["id"]).column("id").to_pylist()):
                standing: tuple[str, Any] = ("kept", [])
                for decision in source.decisions:
                    said = read_column(decision, shard).slice(row, 1).to_pylist()[0]
                    if said["reason"]:
                        standing = (f"{decision.stage}: {said['reason']}", None)
                    elif said["keep"] and "cuts" in columns_of(decision, shard):
                        standing = ("kept", said["cuts"] or [])
                found[id] = standing
    return found


def plainly(before: dict[str, tuple[str, Any]], after: dict[str, tuple[str, Any]]) -> dict[str, tuple[str, str, str]]:
    """(kind, before, after) of every document that stands otherwise."""
    found = {}
    for id in {*before, *after}:
        a, b = before.get(id, ("not there", None)), after.get(id, ("not there", None))
        if a[0] == b[0] == "kept" and a[1] != b[1]:
            found[id] = ("cut otherwise", "kept", "kept")
        elif (a[0] == "kept") != (b[0] == "kept"):
            found[id] = ("gained" if b[0] == "kept" else "lost", a[0], b[0])
    return found


OTHERWISE: list[dict[str, Any]] = [
    {},  # the other pipeline
    {"dedup.threshold": 0.9, "decontaminate.margin": 60},
    {"decontaminate.shortest": 400},
    {"quality.keep": {"threshold": 0.5}},
]


@pytest.mark.parametrize("settings", OTHERWISE, ids=lambda each: next(iter(each), "other pipeline"))
def test_every_document_that_stands_otherwise_is_told(
    confs: tuple[Path, Path], settings: dict[str, Any], tmp_path: Path
) -> None:
    """Between two pipelines, and between one and itself with other settings."""
    a, b = confs if not settings else (confs[0], confs[0])
    if "decontaminate.margin" in settings:
        corpus_toy.built(a, settings, until=dag.build_corpus)  # a margin is measured: only a run tells
    listing = tmp_path / "all.jsonl"
    stores = [corpus_toy.files(conf.parent) for conf in confs]
    told = asked(a, b, set_b=settings, out=listing)
    assert [corpus_toy.files(conf.parent) for conf in confs] == stores, "nothing but the list was written"
    wanted = plainly(standings(a, {}), standings(b, settings))
    rows = [json.loads(line) for line in listing.read_text().splitlines()]
    assert {row["id"]: (row["kind"], row["before"], row["after"]) for row in rows} == wanted
    assert len(rows) == len(wanted) > 1
    for kind, count in told["documents"]["totals"].items():
        assert count == sum(of == kind for of, *_ in wanted.values())
        ids = [row["id"] for row in told["documents"]["samples"][kind]]
        assert set(ids) <= {id for id, (of, *_) in wanted.items() if of == kind} and len(ids) == min(3, count)
    counted = {
        tuple(row[key] for key in ("source", "kind", "before", "after")): row for row in told["documents"]["counts"]
    }
    for place, row in counted.items():
        same = [id for id, said in wanted.items() if (id.partition(":")[0], *said) == place]
        assert row["documents"] == len(same)
    changed = {row["key"] for row in told["settings"]}
    assert changed >= ({"quality.keep.pareto"} if not settings else {key for key in settings if key != "quality.keep"})


def test_the_same_corpus_has_no_differences(confs: tuple[Path, Path]) -> None:
    told = asked(confs[0], confs[0])
    assert told["settings"] == told["losses"] == told["scores"] == []
    assert set(told["documents"]["totals"].values()) == {0} and told["documents"]["counts"] == []
    assert told["a"]["funnel"] == told["b"]["funnel"]


def test_a_document_of_a_source_that_is_in_one_alone_is_gained(confs: tuple[Path, Path]) -> None:
    told = asked(*confs)
    more = [row for row in told["documents"]["counts"] if row["source"] == "more"]
    assert {(row["kind"], row["before"], row["after"]) for row in more} == {("gained", "not there", "kept")}
    assert told["a"]["funnel"].get("more") is None and told["b"]["funnel"]["more"][0]["documents"] == 12
    assert [row["key"] for row in told["settings"] if row["key"].startswith("quality.keep")]
    back = asked(confs[1], confs[0])["documents"]["totals"]
    totals = told["documents"]["totals"]
    assert (back["gained"], back["lost"]) == (totals["lost"], totals["gained"])


def test_an_earlier_run_is_named_by_its_report(confs: tuple[Path, Path]) -> None:
    """A report that is built when the pipeline was another one; its corpus is in the store still."""
    from flows.dag.whole import crawl_to_model

    folder = confs[0].parent
    small = folder / "small.yaml"
    text = confs[0].read_text()
    small.write_text(text[: text.index("models:")])
    engine = LocalEngine(1)
    pipeline = load(small)
    run = Run(pipeline.store_url(), engine)
    report = crawl_to_model(run, pipeline).report
    assert report is not None
    told = asked(report.label, small, set_b={"dedup.threshold": 0.9})
    assert told["documents"]["totals"]["gained"] > 0 and told["documents"]["totals"]["lost"] == 0
    assert {row["key"].rpartition(".")[2] for row in told["settings"]} == {"threshold"}
    assert told["a"]["funnel"] == asked(small, small)["a"]["funnel"]
    with pytest.raises(Mistake, match=f"report/none-0 is not in .*: there are {report.label}"):
        asked("report/none-0", small)
    with pytest.raises(Mistake, match="its settings are what they were"):
        asked(report.label, small, set_a={"seed": 2})
    with pytest.raises(Mistake, match="one of the two is a pipeline"):
        asked(report.label, report.label)


def test_the_tables_and_the_list(confs: tuple[Path, Path], tmp_path: Path) -> None:
    out = io.StringIO()
    there = tmp_path / "there"
    show(Console(file=out, width=160), tuple(map(str, confs)), ({}, {}), there, 2, 1, False, lambda _: None)
    text = out.getvalue()
    assert "quality.keep.pareto" in text and "not there" in text and "drawn by hash" in text
    assert there.read_text().count("\n") == sum(
        int(word) for word, kind in zip(text.split(), text.split()[1:], strict=False) if kind in ("gained,", "lost,")
    ) + int(text.split("lost, ")[1].split()[0])
    with pytest.raises(Mistake, match="is there: give --list another name"):
        asked(*confs, out=there)
