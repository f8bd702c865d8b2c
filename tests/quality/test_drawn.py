"""The classifier's sample, row by row: draws, languages, sources and sites; which documents of which side are taken."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from corpora import Counted, document_id, source

from tasks.kernels.draw import uniform
from tasks.quality.drawn import balanced, chosen, draw_both, features_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import DOCUMENTS, Output
from tasks.runtime.stage import stage

HOW: dict[str, Any] = {"validation": 0.1, "seed": 1, "mixed": False}


class Asked:
    """What draw_both asks of a job."""

    engine = LocalEngine(1)


@stage("paged", kind="input", version="1")
def paged(job: Job, *, urls: list[str | None]) -> Counted:
    return job.total(paged_shard, [("00000", urls)])


def paged_shard(out: Output, urls: list[str | None]) -> Counted:
    rows = [
        {"id": document_id("web", n), "url": url, "text": f"page {n}", "bytes": 6, "language": "en"}
        for n, url in enumerate(urls)
    ]
    out.write(pa.Table.from_pylist(rows, schema=DOCUMENTS))
    return Counted(len(rows))


def test_a_site_is_the_host_of_a_url_and_else_the_document(run: Run) -> None:
    urls = ["https://News.example:8080/a?b", "http://news.example/b", None, "no url", "http://[", "", "ftp://x.y/z"]
    (shard,) = run(paged, "web", urls=urls).shards()
    drawn = features_of(shard, limits={"en": 0.999999}, features=64, how={**HOW, "validation": 0.0})
    ids = [document_id("web", n) for n in range(len(urls))]
    assert drawn.sites.tolist() == ["news.example", "news.example", ids[2], ids[3], ids[4], ids[5], "x.y"]
    assert drawn.sources.tolist() == ["web"] * len(urls)
    assert np.diff(drawn.indptr).tolist() == [2] * len(urls) and len(drawn) == len(urls)


def drawn_by_hand(names: dict[str, list[str | None]], sample: int) -> dict[str, Any]:
    """By the page's words: the `sample` smallest draws of the good side; of the raw side by language as many."""
    every = {}
    for name, languages in names.items():
        ids = [document_id(name, n) for n in range(len(languages))]
        split, draws = uniform(ids, 1, "split"), uniform(ids, 1, "classifier")
        rows = zip(ids, languages, draws, split, strict=True)
        every[name] = sorted((draw, id, language or "") for id, language, draw, part in rows if part >= 0.1)
    best = every["good"][:sample]
    counts = {language: sum(row[2] == language for row in best) for language in {row[2] for row in best}}
    raw = {
        language: [row for row in every["raw"] if row[2] == language][: -(-sample * count // len(best))]
        for language, count in counts.items()
    }
    matched = {language for language, rows in raw.items() if rows}
    return {
        "good": [row[1] for row in best if row[2] in matched],
        "raw": [row[1] for _, row in sorted((row[0], row) for rows in raw.values() for row in rows)],
        "left": {language: count for language, count in counts.items() if language not in matched},
    }


@pytest.mark.parametrize("sample", [25, 60, 500])
def test_both_sides_are_drawn_by_language_in_the_good_ones_proportions(run: Run, sample: int) -> None:
    spoken = {"good": ["en", "de", "en", "fr", None] * 30, "raw": ["en", "en", "de", None, "it"] * 40}
    sides = {name: source(run, name, ["a b"] * len(of), 3, languages=of) for name, of in spoken.items()}
    both, left_out = draw_both(Asked(), [sides["good"]], [sides["raw"]], sample=sample, features=64, **HOW)  # type: ignore[arg-type]
    expected = drawn_by_hand(spoken, sample)
    assert left_out == expected["left"] and set(left_out) == {"fr"}
    for name, side in zip(("good", "raw"), both, strict=True):
        ids = {id: draw for id, draw in zip(expected[name], uniform(expected[name], 1, "classifier"), strict=True)}
        assert side.drawn.draws.tolist() == sorted(ids.values())
        taken = [here.sum() for here, _, _ in (chosen(shard, side.limits, **HOW) for shard in side.shards)]
        assert sum(taken) == len(ids) == len(side.drawn)
        assert set(side.drawn.sources) == {name}
    assert min(len(side.drawn) for side in both) > 15


def test_mixed_languages_are_one(run: Run) -> None:
    good: Artifact = source(run, "good", ["a"] * 40, languages=["en", "de"] * 20)
    raw = source(run, "raw", ["a"] * 60, languages=["it", None] * 30)
    both, left_out = draw_both(Asked(), [good], [raw], sample=20, features=64, **{**HOW, "mixed": True})  # type: ignore[arg-type]
    assert [len(side.drawn) for side in both] == [20, 20] and left_out == {}
    assert {*both[0].drawn.languages, *both[1].drawn.languages} == {""}


def test_weights_are_as_many_as_the_documents_that_count() -> None:
    draw = np.random.default_rng(1)
    languages = draw.choice(np.array(["en", "de", "fr"], object), 200)
    good = (draw.random(200) < 0.3) & (languages != "fr")
    weights = balanced(languages, good)
    for name in ("en", "de"):
        of = languages == name
        assert weights[of & good].sum() == pytest.approx(of.sum() / 2) == weights[of & ~good].sum()
    assert weights[languages == "fr"].tolist() == [0.0] * int((languages == "fr").sum())
