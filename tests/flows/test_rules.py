"""Rules of `keep` from a pipeline's YAML to the page: measured, decided, explained, and told of where most is lost."""

import io
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import ruled
from rich.console import Console

from conf.load import load
from flows import dag, page
from flows.explain import show
from tasks.report.losses import SHOWN
from tasks.report.report import losses_in, summary_of
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run


class Followed(NamedTuple):
    run: Run
    built: dag.Built
    summary: str
    html: str
    sections: dict[str, Any]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Two sources: one of a text for every rule, kept to them; one of good texts, which are only measured."""
    folder = tmp_path_factory.mktemp("ruled")
    ruled.labels(folder / "labels.jsonl")
    texts = {
        "web": [*ruled.BREAKS.values(), ruled.BASE],
        "books": [ruled.BASE + f"\nThe end of {n}." for n in range(12)],
    }
    for name, each in texts.items():
        rows = [{"text": text, "url": f"http://{name}.example/{n}"} for n, text in enumerate(each)]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    limits = {**ruled.LIMITS, "harm": ruled.LIMITS["harm"]["harm"]}
    conf = {
        "store": f"{folder}/store",
        "sources": {
            "books": {
                "kind": "jsonl", "files": f"{folder}/books.jsonl", "url": "url",
                "keep": {"heuristics": {}, "pii": {}, "harm": None},
            },
            "web": {"kind": "jsonl", "files": f"{folder}/web.jsonl", "url": "url"},
        },
        "keep": limits,
        "harm": {"files": f"{folder}/labels.jsonl", "harmful": "rejected", "harmless": "chosen", "features": 4096},
        "dedup": {"across": False},
        "tokenizer": {"vocabulary": 300},
    }  # fmt: skip
    (folder / "conf.yaml").write_text(json.dumps(conf))
    pipeline = load(folder / "conf.yaml")
    run = Run(pipeline.store_url(), LocalEngine(1))
    built, where = page.crawl_to_model(run, pipeline)
    assert built.report is not None
    sections = json.loads(built.report.read("report.json"))["sections"]
    return Followed(run, built, summary_of(built.report), Path(where).read_text(), sections)


def test_a_source_is_measured_as_it_asks(followed: Followed) -> None:
    assert {"heuristics", "pii", "harm"} <= set(followed.built.sources["web"].measures)
    assert {"heuristics", "pii"} <= set(followed.built.sources["books"].measures)
    assert "harm" not in followed.built.sources["books"].measures, "`harm: null` takes it away"


def test_the_funnel_names_each_rule_that_was_asked(followed: Followed) -> None:
    books, web = (row["steps"][1]["reasons"] for row in followed.sections["funnel"]["sources"])
    assert web == dict.fromkeys(ruled.BREAKS, 1) and books == {}
    decision = followed.sections["funnel"]["decisions"][0]
    assert set(decision["reasons"]) == {"quality", "language", *ruled.BREAKS}
    assert "it has too few or too many words" in followed.html


def test_explain_tells_the_counts_and_the_rule(followed: Followed) -> None:
    out = io.StringIO()
    show(Console(file=out, width=400), followed.run, f"http://web.example/{list(ruled.BREAKS).index('pii.emails')}")
    told = dict(line.split(maxsplit=1) for line in out.getvalue().splitlines() if line.strip())
    assert told["heuristics"].startswith("characters 429, words 81, alphabetic_words 81, stop_words 2, lines 7,")
    assert "hashes" not in told["heuristics"]
    assert told["pii"].strip() == "emails 2"
    assert told["harm"].startswith("harm 0.")
    assert "\nkeep        dropped: pii.emails\n" in re.sub(" +\n", "\n", out.getvalue())
    assert told["keep"].strip() == "pii.emails 2, against max 1", "the last of its lines"


def test_the_report_shows_what_each_rule_drops(followed: Followed) -> None:
    books, web = followed.sections["rules"]["sources"]
    rows = {rule["reason"]: rule for rule in web["rules"]}
    assert list(rows) == list(ruled.BREAKS) and web["documents"] == len(ruled.BREAKS) + 1
    assert all(rule["dropped"] == 1 and rule["broken"] >= 1 for rule in rows.values())
    assert rows["heuristics.sentences"]["broken"] > 1, "one that breaks two rules left for the first"
    assert rows["pii.emails"]["limits"] == {"max": 1} and rows["pii.emails"]["above_zero"] == 1
    assert {rule["limits"] for rule in books["rules"]} == {None}
    assert "harm" not in {rule["reason"] for rule in books["rules"]}
    assert followed.sections["rules"]["harm"]["auc"] > 0.9
    assert f"Rules    web: 97.3 % of {len(ruled.BREAKS) + 1} dropped: harm 1" in followed.summary
    assert "harm classifier on" in followed.summary
    assert "general" not in followed.sections, "no histogram a column"


def test_a_source_that_loses_most_is_told_with_examples(followed: Followed) -> None:
    losses = {(loss["source"], loss["stage"]): loss for loss in followed.sections["losses"]["losses"]}
    assert set(losses) == {("web", "keep"), ("books", "survivors")}
    web = losses["web", "keep"]
    assert not web["meant"] and len(web["left"]) == SHOWN and len(web["stayed"]) == 1
    assert all(example["reason"] in ruled.BREAKS for example in web["left"])
    assert web["stayed"][0]["begins"] == " ".join(ruled.BASE.split())[:80] and web["stayed"][0]["reason"] == ""
    line = f"WARNING  web: keep drops 97.3 % of {len(ruled.BREAKS) + 1} documents, "
    assert line in followed.summary
    copies = losses["books", "survivors"]
    assert copies["reasons"] == {"near": 11} and {example["reason"] for example in copies["left"]} == {"near"}
    assert "WARNING  books: survivors drops 91.7 % of 12 documents" in followed.summary
    assert web["left"][0]["id"] in followed.html
    told = losses_in(followed.built.report)
    assert "### WARNING web: keep drops" in told and told.count("| web:") >= SHOWN


def test_prefects_pages_warn_of_a_loss(followed: Followed) -> None:
    from flows.stage_page import stage_page
    from flows.state import Past

    past = Past(followed.run.store)
    keep = followed.built.sources["web"].decisions[0]
    told = stage_page(keep, followed.run.stages["keep"], "fresh", past)
    assert "**WARNING**: 36 of 37 documents leave" in told and "leave: heuristics.words" in told
    books = stage_page(followed.built.sources["books"].decisions[0], followed.run.stages["keep"], "fresh", past)
    assert "WARNING" not in books and "leave: heuristics.words" not in books, "a rule without limits is no reason"
    assert followed.built.report is not None
    assert "### WARNING web: keep drops" in stage_page(
        followed.built.report, followed.run.stages["report"], "fresh", past
    )
