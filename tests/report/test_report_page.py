"""The page: self-contained, its figures in it, nothing of a document's text alive; and looked at in a real browser."""

import json
import re
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import report_rows as rows_of
import report_toys as toys
from opened import CHROMIUM, browser

from tasks.report.changes import Before
from tasks.report.page import inline, render
from tasks.report.report import report
from tasks.report.timings import Timing
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run

SECTIONS = ["funnel", "removals", "rejects", "quality", "duplicates", "contamination", "overlap", "tokenizer",
            "mixture", "training", "scores", "planted", "changes", "lineage", "rows", "timings"]  # fmt: skip


@pytest.fixture(scope="module")
def page(made: Any, timings: list[Timing]) -> str:
    before = json.loads(json.dumps(made.report).replace('"documents": 19', '"documents": 20'))
    return render(made.artifact, timings, made.nodes, Before(before, "a" * 16, "yesterday <b>"))


class Parsed(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.data.append(data)


def test_hostile_text_is_shown_and_does_nothing(page: str) -> None:
    parsed = Parsed(page)
    assert not [tag for tag, _ in parsed.tags if tag in ("script", "img", "iframe", "object", "form")]
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    shown = "".join(parsed.data)
    assert "toy & <b>bold</b>" in shown and "</td><script>" in shown
    assert shown.count(rows_of.HOSTILE) == 4  # two removals; and one of them and its witness, side by side


def test_it_needs_nothing_from_elsewhere(page: str, made: Any) -> None:
    parsed = Parsed(page)
    links = [
        value
        for _, attributes in parsed.tags
        for name, value in attributes.items()
        if name in ("href", "src", "xlink:href")
    ]
    folders = [value for value in links if value and value.startswith("../")]
    assert len(folders) == len(made.nodes) and all(value and value[0] == "#" for value in links if value not in folders)
    assert not re.search(r"url\((?!#)", page) and "@import" not in page
    assert "default-src 'none'" in page


def test_every_link_and_reference_has_its_target_and_ids_are_unique(page: str) -> None:
    ids = [attributes["id"] for _, attributes in Parsed(page).tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > 50
    wanted = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)
    assert {a or b for a, b in wanted} <= set(ids)


def test_all_figures_and_timings_are_in_it(page: str, made: Any) -> None:
    assert page.count("<figure><svg") == len(made.report["figures"]) + 4 >= 13
    assert made.report["overview"] == ["overview-funnel", "overview-tokens", "overview-loss", "overview-scores"]
    assert "fresh" in page and "cached" in page
    assert "training-gap-tiny" in made.report["figures"]
    assert '<td>tiny</td><td class="l">0.5 kWh, counted by the GPUs, the rest of the machine not</td>' in page
    assert re.findall(r'<section id="([^"]+)">', page) == SECTIONS


def test_timings_do_not_change_the_artifact(made: Any, timings: list[Timing]) -> None:
    before = sorted((path.name, path.stat().st_mtime_ns) for path in made.artifact.folder.rglob("*"))
    assert render(made.artifact, timings) != render(made.artifact, timings[:3])
    assert before == sorted((path.name, path.stat().st_mtime_ns) for path in made.artifact.folder.rglob("*"))


def test_an_empty_pipeline_has_a_page(tmp_path: Path) -> None:
    artifact = Run(tmp_path, LocalEngine(1))(report, "empty", **toys.EMPTY)
    text = render(artifact, [])
    assert "No timings" in text and "<svg" not in text
    assert re.findall(r'<section id="([^"]+)">', text) == ["funnel", "timings"]


def test_the_surest_answers_and_bleus_signature_stand_beside_the_scores(page: str) -> None:
    cells = "<td>100.0 %<br><small>20.7 % to 100.0 %</small><br><small>of 1</small></td>"
    assert 2 * cells + cells.replace("of 1", "of 3") in page
    assert "<td>bleu<br><small>nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:2</small></td>" in page
    assert re.search('data-figure="[a-z-]*surest"', page)


def test_rendering_is_quick_and_loads_no_plotting(made: Any) -> None:
    code = (
        "import sys, time, json; from pathlib import Path\n"
        "from tasks.report.page import render\n"
        "from tasks.runtime.artifact import Artifact; from tasks.runtime.store import store_at\n"
        f"a = Artifact('report', 'toy', {made.artifact.fingerprint!r}, store_at({made.run.store.url!r}))\n"
        "start = time.process_time(); render(a, []); took = time.process_time() - start\n"
        "print(json.dumps([took, [m for m in ('matplotlib', 'scipy', 'sklearn', 'numba') if m in sys.modules]]))"
    )
    import sys

    root = Path(__file__).parents[2]
    out = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    took, loaded = json.loads(out.stdout)
    assert loaded == [] and took < 1.0  # .2 s of processor time alone; other tests may run beside


def test_a_figure_takes_the_pages_colours_and_ids_of_its_own() -> None:
    svg = '<?xml version="1.0"?><svg width="10pt" height="5pt"><metadata><dc:description>x &amp; "y"</dc:description></metadata><g id="a" style="fill: #2f6f9f"/><use xlink:href="#a" clip-path="url(#a)"/></svg>'  # noqa: E501
    made = inline(svg, "n")
    assert made == (
        '<svg role="img" data-figure="n" aria-label="x &amp; &quot;y&quot;"><g id="n-a" style="fill: var(--c1)"/>'
        '<use xlink:href="#n-a" clip-path="url(#n-a)"/></svg>'
    )


def chromium(folder: Path, *arguments: str) -> str:
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars",
             "--disable-component-update", "--disable-sync", f"--user-data-dir={folder / 'profile'}"]  # fmt: skip
    end = time.monotonic() + 120
    assert CHROMIUM
    out = subprocess.run(
        [CHROMIUM, *flags, *arguments], capture_output=True, text=True, timeout=end - time.monotonic(), check=True
    )
    return out.stdout


@browser
@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), [(1200, 12000), (390, 18000)])
def test_a_browser_draws_it(page: str, tmp_path: Path, width: int, height: int) -> None:
    import numpy as np
    from PIL import Image

    # A probe of our own, in a copy: what the browser laid out, asked of it after loading.
    probe = (
        "<script>addEventListener('load',()=>{const box=e=>e.getBoundingClientRect();"
        "document.documentElement.dataset.wide=document.documentElement.scrollWidth;"
        "document.documentElement.dataset.figures=[...document.querySelectorAll('figure svg')]"
        ".filter(e=>box(e).width>200&&box(e).height>100&&e.querySelectorAll('path').length>3).length;"
        "document.documentElement.dataset.headings=[...document.querySelectorAll('h2')]"
        ".filter(e=>box(e).height>10).map(e=>e.textContent).join('|')})</script>"
    )
    copy = tmp_path / "report.html"
    copy.write_text(
        re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace("</head>", f"{probe}</head>")
    )
    shot = tmp_path / "page.png"
    dom = chromium(tmp_path, "--dump-dom", f"--window-size={width},{height}", copy.as_uri())
    assert int(re.search(r'data-figures="(\d+)"', dom)[1]) == page.count("<figure><svg")  # type: ignore[index]
    headings = re.search(r'data-headings="([^"]+)"', dom)[1].split("|")  # type: ignore[index]
    assert len(headings) == len(SECTIONS) and headings[0] == "Funnel" and "Planted / found" in headings
    # Chromium's window is at least 500 wide; wide tables scroll inside their frames, not with the page.
    assert int(re.search(r'data-wide="(\d+)"', dom)[1]) <= max(width, 500)  # type: ignore[index]

    original = tmp_path / "original.html"
    original.write_text(page)
    chromium(tmp_path, f"--screenshot={shot}", f"--window-size={width},{height}", original.as_uri())
    pixels = np.asarray(Image.open(shot).convert("RGB")).reshape(-1, 3)
    for colour in ((0x2F, 0x6F, 0x9F), (0xC8, 0x74, 0x2A)):  # the figures' first two series
        assert (np.abs(pixels.astype(int) - colour).max(axis=1) < 6).sum() > 500
    assert len(np.unique(pixels[::7] // 16, axis=0)) > 30
