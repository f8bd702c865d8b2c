"""A page stays below 5 MB whatever the run."""

import json
from typing import Any

import pytest

from tasks.report.fit import Drawn, fitted
from tasks.report.page import render

MOST = 5_000_000


def many(content: dict[str, Any], sources: int, models: int) -> dict[str, Any]:
    """A report's content as it is of so many sources and models, each as those that are there."""
    made = json.loads(json.dumps(content))
    sections = made["sections"]

    def repeated(rows: list[dict[str, Any]], count: int, key: str) -> list[dict[str, Any]]:
        return [{**rows[n % len(rows)], key: f"{key}-{n}-{'x' * 20}"} for n in range(count)]

    funnel, mixtures, models_of = sections["funnel"], sections["mixture"]["mixtures"], sections["training"]["models"]
    funnel["sources"] = repeated(funnel["sources"], sources, "source")
    for mixed in mixtures:
        mixed["sources"] = repeated(mixed["sources"], sources, "source")
    for row in models_of:
        row["validation"] = {f"s{n}": 4.0 for n in range(sources)}
    sections["mixture"]["mixtures"] = repeated(mixtures, models, "model")
    sections["training"]["models"] = repeated(models_of, models, "model")
    sections["scores"]["models"] = repeated(sections["scores"]["models"], models, "model")
    sections["removals"]["rows"] = [
        {**row, "documents": [{**each, "begins": "\U0001f600" * 80, "said": "x" * 200} for each in row["documents"]]}
        for row in repeated(sections["removals"]["rows"], 600, "source")
    ]
    return made


def test_of_a_hundred_sources_and_fifty_models(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    content = many(made.report, 100, 50)
    figures = {f"training-validation-model-{n}-{'x' * 20}": "<svg>" + "M1 2L3 4" * 10_000 + "</svg>" for n in range(50)}
    svgs = {name: made.artifact.read(f"figures/{name}.svg").decode() for name in content["overview"]}
    monkeypatch.setattr("tasks.report.page.figures_in", lambda _: (content, svgs | figures))
    page = render(made.artifact, [], made.nodes)
    assert 1_000_000 < len(page.encode()) < MOST
    assert "more rows are in the artifact of the report" in page and "More figures are in figures/" in page
    assert page.count("<table>") == page.count("</table>") and page.count("<tr") == page.count("</tr>")


def test_what_fits_is_left_alone_and_what_does_not_is_cut_where_it_is_largest() -> None:
    rows = "\n".join(["<table>", *(f"<tr><td>{n}</td></tr>" for n in range(1000)), "</table>"])
    small, large = Drawn("a", "A", "<p>small</p>"), Drawn("b", "B", rows)
    assert fitted([small, large]) == [small, large]
    first, cut = fitted([small, large], 5000)
    assert first == small and len(cut.html) < 5000
    assert "<td>149</td>" in cut.html and "<td>150</td>" not in cut.html and "850 more rows" in cut.html
