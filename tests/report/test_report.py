"""`report`: figures that follow from a store whose documents' fate is written down (report_rows.ROWS)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import report_rows as rows_of
import report_toys as toys

from tasks.report.chances import found_by_lsh, wilson
from tasks.report.figures import draw
from tasks.report.mixture import figures as mixture_figures
from tasks.report.rejects import lines as reject_lines
from tasks.report.report import report
from tasks.report.summary import LINES, summary
from tasks.report.training import thinned
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run


def files(folder: Path) -> dict[str, bytes]:
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return {name: (folder / name).read_bytes() for name in names if not name.startswith("run.")}


def test_built_twice_in_different_places_it_is_the_same_bytes(made: Any, tmp_path: Path) -> None:
    run, arguments = toys.build(tmp_path / "elsewhere")
    again = run(report, "toy", **arguments)
    first, second = files(made.artifact.folder), files(again.folder)
    assert {"report.json", "summary.txt", "figures/training-loss.svg", "figures/planted-copies.svg"} <= set(first)
    assert first == second


def test_two_workers_give_the_bytes_of_one(made: Any, tmp_path: Path) -> None:
    _, arguments = toys.build(tmp_path)
    engine = LocalEngine(2)
    try:
        again = Run(tmp_path, engine)(report, "toy", **arguments)
    finally:
        engine.close()
    assert files(again.folder) == files(made.artifact.folder)


def test_the_funnel_counts_documents_and_reasons(made: Any) -> None:
    crawl = made.sections["funnel"]["sources"][2]
    assert (crawl["source"], crawl["group"]) == ("crawl", "common-crawl")
    counted = {step["step"]: (step["documents"], step.get("reasons")) for step in crawl["steps"]}
    assert counted == {
        "ingest": (19, {}),
        "keep": (12, {"quality": 7}),
        "survivors": (10, {"exact": 1, "near": 1}),
        "cuts": (9, {"contaminated": 1}),
        "tokens": (2, None),
    }
    assert crawl["steps"][3]["cut"] == 1


def test_the_funnel_says_what_the_reasons_mean(made: Any) -> None:
    decisions = made.sections["funnel"]["decisions"]
    assert [each["title"] for each in decisions] == ["after quality", "after deduplication", "after decontamination"]
    assert decisions[1]["reasons"]["near"] == "it is a near copy of a document that stays"


def test_rejects_are_counted_by_reason_and_told_apart(made: Any) -> None:
    rows = {row["reason"]: (row["records"], row["kind"]) for row in made.sections["rejects"]["reasons"]}
    assert rows == {"gzip": (1, "damage"), "http": (1, "damage"), "status": (1, "policy")}


def test_what_was_read_in_another_way_than_it_should_have_a_line_each() -> None:
    content = {"reasons": [], "fell_back": {"crawl": 3}, "unread": {"wiki": {"date": 2, "url": 1}}}
    assert list(reject_lines(content)) == [
        "Pages without main content, read in a wider way: crawl 3",
        "Values that could not be read, wiki: date 2, url 1",
    ]


def test_the_realised_keep_rate_stands_beside_the_expected_one(made: Any) -> None:
    row = made.sections["quality"]["sources"][0]
    scores = np.array([document["score"] for document in rows_of.ROWS["crawl"]], np.float32).astype(float)
    assert (row["documents"], row["passed"]) == (19, 12)
    assert row["expected"] == pytest.approx(((2 - scores) ** -9.0).mean(), abs=1e-6)
    assert row["inside"] is False  # the toys' lottery was not drawn by score
    assert sum(row["bins"]["documents"]) == 19
    table = {row["score"]: row["rate"] for row in made.sections["quality"]["table"]}
    assert table == pytest.approx({0: 0.001953, 0.2: 0.005041, 0.5: 0.026012, 0.8: 0.193807, 0.9: 0.424098}, abs=1e-6)


def test_clusters_and_removals_side_by_side(made: Any) -> None:
    content = made.sections["duplicates"]
    assert content["clusters"][0] == {"from": 2, "to": 2, "clusters": 2}
    assert sum(row["clusters"] for row in content["clusters"]) == 2
    assert sum(content["near"]) == 1 and content["near"][18] == 1  # 0.9, in twentieths
    (pair,) = content["shown"]
    assert (pair["id"], pair["duplicate_of"]) == (rows_of.id_of("crawl", 3), rows_of.id_of("crawl", 2))
    assert pair["text"] == rows_of.ROWS["crawl"][3]["text"][:200]
    assert pair["witness"] == rows_of.ROWS["crawl"][2]["text"][:200]
    assert pair["text_there"].endswith("leaves") and pair["witness_there"].endswith("stays")


def test_contamination_leaves_out_frequent_grams_and_documents_that_were_gone(made: Any) -> None:
    content = made.sections["contamination"]
    assert content["benchmarks"] == [
        {
            "benchmark": "cloze",
            "items": 6,
            "too_short": 0,
            "grams": 48,
            "hit": 3,
            "documents": 4,
            "cut": 3,
            "removed": 1,
        }
    ]
    assert [row["touched"] for row in content["sources"]] == [1, 1, 2]
    assert content["lengths"] == [{"from": 1000, "touched": 4, "removed": 1}]


def test_the_mixture_is_in_the_sources_order_with_the_realised_share(made: Any) -> None:
    rows = made.sections["mixture"]["mixtures"][0]["groups"]
    assert [row["group"] for row in rows] == ["webtext2", "books2", "common-crawl"]
    assert all(row["realised"] == pytest.approx(1 / 3) and row["realised_epochs"] == 1.1 for row in rows)
    assert [row["moved"] for row in rows] == [0, -600, 0]
    sources = made.sections["mixture"]["mixtures"][0]["sources"]
    assert [(row["source"], row["group"], row["held_out"]["windows"]) for row in sources] == [
        (source, group, 4) for source, group in rows_of.GROUPS.items()
    ]
    text = (made.artifact.folder / "summary.txt").read_text()
    assert (
        "books2           asked 60, planned 30.0 %, realised 33.3 %, 1.1 epochs (-600 tokens by max 3 epochs)" in text
    )
    assert "WARNING  tiny: books2 is trained on and not validated: of its 300 tokens none is held out" in text


def test_perplexity_stands_beside_how_sure_it_is(made: Any) -> None:
    """Of the loss 4 +- .1, from 4 documents: exp(4 -+ 3.182 x .1), and 54.6 x .1 in the summary."""
    (model,) = made.sections["scores"]["models"]
    crawl, books = model["perplexity"]["crawl"], model["perplexity"]["books2"]
    assert crawl["interval"] == pytest.approx([39.717, 75.057], abs=2e-3) and books["interval"] is None
    assert "perplexity books2 20.1, crawl 54.6 ± 5.5" in (made.artifact.folder / "summary.txt").read_text()


def test_curves_are_thinned_to_means_over_the_updates_that_have_a_value(made: Any) -> None:
    model = made.sections["training"]["models"][0]
    assert model["last_tenth"] == pytest.approx(8 - (361 + 400) / 200)
    assert len(model["curve"]) == 200 and model["curve"][0] == [200, pytest.approx(8 - 0.015)]
    assert len(model["groups"]["books2"]) == 200
    assert model["validations"] == {"books2": [[10000, 6.0], [20000, 5.0], [30000, 4.0], [40000, 3.0]]}
    assert model["validation_errors"] == {"books2": [[tokens, 0.5] for tokens in (10000, 20000, 30000, 40000)]}
    assert thinned([], "loss") == [] and thinned([{"tokens": 1, "loss": None}], "loss") == []


def test_the_summary_tells_what_the_figures_say(made: Any) -> None:
    text = (made.artifact.folder / "summary.txt").read_text()
    assert "damaged records  1 of 2 listed as rejects, 1 others listed" in text
    assert "6 planted, 3 of 5 extracted seen by hits; 1 left with their page, 4 met: 3 removed, 1 remain" in text
    assert len(text.splitlines()) <= LINES


def test_words_and_labels_stand_beside_the_classifier(made: Any) -> None:
    text = (made.artifact.folder / "summary.txt").read_text()
    assert "  words for: prose (empty)\n  words against: <b>click\n" in text
    assert "on 285 documents that people labelled: AUC 0.892 ± 0.019, by length alone 0.771 ± 0.027" in text


def test_a_long_summary_is_cut_and_control_characters_do_not_reach_the_terminal(made: Any) -> None:
    contamination = made.sections["contamination"]
    sections = made.sections | {"contamination": {**contamination, "benchmarks": contamination["benchmarks"] * 80}}
    long = {**made.report, "title": "\x1b[31mred\a", "sections": sections}
    lines = summary(long)
    assert len(lines) == LINES and lines[0] == "?[31mred?"
    assert lines[-1].endswith("more lines: see the page")


def test_an_empty_pipeline_has_a_report_too(tmp_path: Path) -> None:
    artifact = Run(tmp_path, LocalEngine(1))(report, "empty", **toys.EMPTY)
    assert json.loads(artifact.read("report.json")) == {
        "title": "nothing",
        "overview": [],
        "sections": {"funnel": {"sources": [], "decisions": []}},
        "figures": [],
    }
    assert (artifact.folder / "summary.txt").read_text() == "nothing\n"


def test_names_in_figures_are_text_and_no_formulas(made: Any) -> None:
    content = json.loads(json.dumps(made.sections["mixture"]))
    content["mixtures"][0]["groups"][0]["group"] = "$x_1$ <g>"
    svg = draw(mixture_figures(content))["tiny"].decode()
    assert "$x_1$ &lt;g&gt;" in svg


def test_found_by_lsh_agrees_with_simulation() -> None:
    bands, rows, permutations, threshold, trials = 14, 8, 128, 0.75, 20_000
    generator = np.random.Generator(np.random.PCG64(7))
    for jaccard in (0.7, 0.75, 0.8):
        same = generator.random((trials, permutations)) < jaccard
        band = same[:, : bands * rows].reshape(trials, bands, rows).all(axis=2).any(axis=1)
        share = (band & (same.mean(axis=1) >= threshold)).mean()
        expected = found_by_lsh(jaccard, bands, rows, permutations, threshold)
        assert share == pytest.approx(expected, abs=4 * (expected * (1 - expected) / trials) ** 0.5 + 1e-4)
    assert found_by_lsh(0.6, bands, rows, permutations, 0.0) == pytest.approx(1 - (1 - 0.6**rows) ** bands)
    assert found_by_lsh(1.0, bands, rows, permutations, threshold) == pytest.approx(1.0)
    assert found_by_lsh(0.0, bands, rows, permutations, threshold) == 0.0


def test_wilson_gives_the_published_interval() -> None:
    # Newcombe 1998, table I, method 3: 81 of 263, and 0 of 20
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) is None
