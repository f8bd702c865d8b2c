"""The lines that a page gives lead to the rows: pasted, they count what the figures say."""

import html
import re
from pathlib import Path
from typing import Any

from tasks.report.page import render
from tasks.report.rows import behind, reader
from tasks.report.sections import SECTIONS


def test_pasted_lines_count_what_the_funnel_says(made: Any, tmp_path: Path) -> None:
    page = render(made.artifact, [], made.nodes)
    pasted = html.unescape(re.search(r'id="rows">.*?<pre[^>]*>(.*?)</pre>', page, re.DOTALL)[1])  # type: ignore[index]
    section = re.search(r'id="rows-funnel">(.*?)</details>', page, re.DOTALL)[1]  # type: ignore[index]
    lines = [html.unescape(line) for line in re.findall(r"rows\([^\n<]+", section)]
    of_crawl = [line for line in lines if "keep/crawl-" in line]
    assert len(lines) == 9 and len(of_crawl) == 1  # three decisions on three sources
    there: dict[str, Any] = {}
    exec(pasted, there)
    found = eval(of_crawl[0], there).to_pylist()
    assert {row["reason"]: row["count_all"] for row in found} == {None: 12, "quality": 7}
    (step,) = [step for step in made.sections["funnel"]["sources"][2]["steps"] if step["step"] == "keep"]
    assert step["reasons"]["quality"] == 7


def test_the_same_lines_read_a_store_of_objects(s3: str) -> None:
    from report_toys import ingest

    from tasks.runtime.engine import LocalEngine
    from tasks.runtime.run import Run

    run = Run(f"{s3}/rows", LocalEngine(1))
    made = run(ingest, "crawl", source="crawl")
    there: dict[str, Any] = {}
    exec(reader(run.store.url), there)
    assert there["rows"](made.label).num_rows == 19 and there["counted"](made.label)["documents"] == 19


def test_every_section_of_a_stage_with_columns_leads_to_rows(made: Any) -> None:
    led = {section.name: behind(section.name, made.nodes) for section in SECTIONS}
    for name in ("funnel", "removals", "quality", "duplicates", "contamination", "tokenizer", "training", "scores"):
        assert led[name] or name not in {node.section for node in made.nodes}, name
    (kept,) = [each for each in led["funnel"] if each.stage == "keep"]
    assert [name for name, _ in kept.columns] == ["keep", "reason", "draw"] and kept.others == 0


def test_figures_link_to_the_rows(made: Any) -> None:
    page = render(made.artifact, [], made.nodes)
    assert (
        page.count('<figcaption><a href="#rows-')
        == len(re.findall(r"</svg>\s*<figcaption><a href=\"#rows-", page))
        >= 5
    )
