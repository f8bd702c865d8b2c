"""The section of news: what it shows of what was told, on the page and in the summary; a machine is never a human."""

import json
from pathlib import Path
from typing import Any

from test_probes_section import estimate, shown

from tasks.evaluation.news.judged import FILE, Judged, news_judged
from tasks.evaluation.news.repetition import FILE as REPEATED
from tasks.evaluation.news.repetition import Repeated, repetition
from tasks.runtime.job import Job
from tasks.runtime.stage import stage

TEXT = {"title": "A <i>title", "text": "<b>Some text", "score": 0.25}
MACHINE = {
    "accuracy": estimate(0.76, 0.72, 0.80, 50), "neutral": 0.0, "by": [1.0, 0.5],
    "against": {"t": 3.9, "p": 0.0002}, "hardest": TEXT, "easiest": TEXT,
}  # fmt: skip


def told(parameters: int, **more: Any) -> dict[str, Any]:
    """What news-judged.json holds of a model."""
    return {
        "parameters": parameters, "texts": 25, "short": 0, "words": 190.5, "human_words": 200.1, "shots": [3, 3],
        "temperature": 1.0, "unfit": [], "machine": MACHINE, "people": None, "outdated": 0, **more,
    }  # fmt: skip


@stage("news-judged", kind="decision", version="said")
def said(job: Job, *, told: dict[str, Any]) -> Judged:
    with job.publish(FILE) as file:
        file.write(json.dumps(told).encode())
    return Judged()


@stage("repetition", kind="decision", version="said")
def repeated(job: Job, *, rows: list[dict[str, Any]]) -> Repeated:
    with job.publish(REPEATED) as file:
        file.write(json.dumps(rows).encode())
    return Repeated()


def side(rep: float) -> dict[str, Any]:
    return {
        "rep": {n: estimate(rep, rep, rep + 0.01) for n in ("2", "3", "4")},
        "distinct": {n: 0.9 for n in ("1", "2", "3")},
        "self_bleu": 0.321,
    }


def test_news(tmp_path: Path) -> None:
    people = {"accuracy": estimate(0.52, 0.49, 0.54, 80), "neutral": 0.078, "by": [0.5], "against": None}
    rows = [
        {"of": "news", "length": length, "texts": 20, "own": side(0.25), "human": side(0.02)} for length in (50, 100)
    ]
    unfit = [{"title": "Too <b>long", "fault": "its title has 70 tokens; the context has 64"}]
    page, summary = shown(
        tmp_path,
        [
            (said, news_judged, "large", {"told": told(2_000_000, people=people, outdated=7)}),
            (said, news_judged, "small", {"told": told(90_000, unfit=unfit, short=3)}),
            (repeated, repetition, "large", {"rows": rows}),
        ],
    )
    assert page.index(">small<") < page.index(">large<"), "by size"
    assert page.count("<svg") == 1 and '"Machine" is no human.' in page.replace("&#34;", '"')
    assert '76.0 % <span class="muted">[72.0 %, 80.0 %]</span>' in page and "3.9 (0.0002)" in page
    assert '52.0 % <span class="muted">[49.0 %, 54.0 %]</span>' in page and "80 people" in page and "7.8 %" in page
    assert "&lt;b&gt;Some text" in page and "<b>Some text" not in page and "A <i>title" not in page
    assert "the context has 64" in page and "3 of small" in page and "Of large 7 ratings are of other texts" in page
    assert "86 % [83 %, 90 %]" in page and "0.321" in page
    assert (
        "News large: told from people's by a machine in 76.0 % [72.0 %, 80.0 %]; against the control t 3.9" in summary
    )
    assert "News large: told from people's by people in 52.0 % [49.0 %, 54.0 %]\n" in summary
    assert summary.count("Repetition large") == 1
    assert "Repetition large, news, first 100 words: rep-4 25.0 %, people's 2.0 %" in summary


def test_news_that_nobody_can_tell(tmp_path: Path) -> None:
    none = told(1, texts=0, words=None, human_words=None, machine=None)
    page, summary = shown(tmp_path, [(said, news_judged, "small", {"told": none})])
    assert page.count("<svg") == 0 and "Repetition" not in page.partition("News, and repetition</h2>")[2]
    assert "told from people's" not in summary
