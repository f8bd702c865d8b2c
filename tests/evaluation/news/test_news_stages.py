"""The stages of news, from a model to what is told of its texts: what they write, what they count, the same bytes."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpora import contents
from made_news import articles, planted, write
from made_news import rows as rows_of

sys.path.append(str(Path(__file__).resolve().parents[1] / "probes"))
from small_models import made, run_in

from tasks.evaluation.news.judged import Judged, judged_of, news_judged
from tasks.evaluation.news.news import CONTROL, HOW, Written, news, written_in
from tasks.evaluation.news.quiz import asked
from tasks.evaluation.news.ratings import ANSWERS
from tasks.evaluation.news.repetition import Repeated, repetition, repetition_of
from tasks.evaluation.probes.samples import samples
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

ABOUT: dict[str, Any] = {"titles": 6, "words": 40, "seed": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_in(tmp_path_factory.mktemp("store"))


def test_a_model_writes_to_titles(run: Run, tmp_path: Path) -> None:
    model = made(run, context=512)
    files = write(tmp_path / "a.jsonl", articles(9, words=40))
    artifact = run(news, "small", model=model, files=files, **ABOUT, **HOW)
    found, counts = written_in(artifact), artifact.counts(Written)
    assert counts.texts == len(found) == 6 and counts.unfit == 0 and counts.parameters > 10_000
    assert [row["fault"] for row in found] == [None] * 6 and {row["seed"] for row in found} == {1}
    assert len({row["text"] for row in found}) == 6 and all(len(row["text"].split()) <= 40 for row in found)
    assert counts.words == sum(len(row["text"].split()) for row in found)
    assert counts.human_words == sum(len(row["human"].split()) for row in found)
    # An article of 40 such words has some 200 tokens, of which two and an answer do not fit 512.
    assert {row["shots"] for row in found} <= {0, 1}
    control = written_in(run(news, "small-control", model=model, files=files, **ABOUT, **CONTROL))
    assert {row["shots"] for row in control} == {0} and [row["human"] for row in control] == [
        row["human"] for row in found
    ]
    assert all(one["text"] != two["text"] for one, two in zip(found, control, strict=True))


def test_whole_articles_stand_before_a_title_as_far_as_they_fit(run: Run, tmp_path: Path) -> None:
    files = write(tmp_path / "a.jsonl", articles(9, words=6))
    shots = {}
    for context in (64, 160, 512):
        artifact = run(
            news, f"c{context}", model=made(run, context=context), files=files, **{**ABOUT, "words": 6}, **HOW
        )
        shots[context] = [row["shots"] for row in written_in(artifact)]
    assert set(shots[512]) == {3} and set(shots[64]) == {0} and 0 < min(shots[160]) <= max(shots[160]) < 3


def test_a_title_that_fills_the_context_is_named(run: Run, tmp_path: Path) -> None:
    rows = articles(9, words=6)
    rows[:8] = [{**row, "title": "mill " * 80} for row in rows[:8]]
    artifact = run(news, "long", model=made(run), files=write(tmp_path / "a.jsonl", rows), **ABOUT, **HOW)
    counts = artifact.counts(Written)
    faults = [row["fault"] for row in written_in(artifact) if row["fault"] is not None]
    assert counts.unfit == len(faults) >= 5 and all("the context has 64" in fault for fault in faults)
    told = judged_of(run(news_judged, "long", news=artifact, control=None, ratings=[], seed=1))
    assert told["machine"] is None and len(told["unfit"]) == counts.unfit and told["people"] is None


def test_the_articles_are_too_few(run: Run, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="8 articles; 6 titles and 3 articles before them need 9"):
        run(news, "few", model=made(run), files=write(tmp_path / "a.jsonl", articles(8)), **ABOUT, **HOW)


def judged(run: Run, ratings: list[dict[str, Any]]) -> tuple[Judged, dict[str, Any], dict[str, Any]]:
    """A model that writes as people do, and a control that does not."""
    control = run(planted, "odd-control", count=25, odd=0.8, seed=2)
    of_control = run(news_judged, "odd-control", news=control, control=None, ratings=ratings, seed=1)
    model = run(planted, "even", count=25, odd=0.0, seed=1)
    artifact = run(news_judged, "even", news=model, control=of_control, ratings=ratings, seed=1)
    return artifact.counts(Judged), judged_of(artifact), judged_of(of_control)


def test_a_machine_tells_the_control_and_not_the_model(run: Run) -> None:
    counts, told, control = judged(run, [])
    assert counts == Judged(titles=25, participants=0, ratings=0)
    assert control["machine"]["accuracy"]["value"] > 0.95 and control["machine"]["against"] is None
    accuracy = told["machine"]["accuracy"]
    assert accuracy["low"] < 0.5 < accuracy["high"] and accuracy["of"] == 50
    assert told["machine"]["against"]["t"] > 5 and told["machine"]["against"]["p"] < 1e-5
    assert told["people"] is None and told["words"] == 60
    texts = {row["title"]: row["text"] for row in rows_of(25, 0.0)}
    assert all(
        told["machine"][name]["text"] == texts[told["machine"][name]["title"]] for name in ("hardest", "easiest")
    )
    assert told["machine"]["hardest"]["score"] < told["machine"]["easiest"]["score"]


def test_people(run: Run, tmp_path: Path) -> None:
    """Of the control's texts everybody tells all; of the model's each answers by a coin of their own."""
    names = list(ANSWERS)
    lines = []
    for name, count in (("odd-control", 0.8), ("even", 0.0)):
        artifact = next(one for one in run.artifacts if one.stage == "news" and one.name == name)
        made_rows = written_in(artifact)
        whose = {row["item"]: row["text"] for row in made_rows}
        for number in range(1, 9):
            quiz = asked(made_rows, name, artifact.fingerprint, number)
            coin = np.random.default_rng(number).random(25)
            for item, toss in zip(quiz["items"], coin, strict=True):
                is_machine = item["shown"] == whose[item["item"]]
                said = is_machine if count else toss < 0.5
                lines.append(
                    {
                        "model": name, "news": artifact.fingerprint, "quiz": number, "participant": f"p{number}",
                        "item": item["item"], "text": item["text"],
                        "answer": names[2] if toss > 0.9 else names[3 if said else 1],
                    }
                )  # fmt: skip
    counts, told, control = judged(
        run, write(tmp_path / "a.jsonl", lines[:300]) + write(tmp_path / "b.jsonl", lines[290:])
    )  # some lines twice
    assert counts.participants == 8 and counts.ratings == 200
    assert control["people"]["accuracy"]["value"] == 1.0 and control["people"]["accuracy"]["low"] is None
    people = told["people"]
    assert people["accuracy"]["of"] == 8 and people["accuracy"]["low"] < 0.5 < people["accuracy"]["high"]
    assert 0.03 < people["neutral"] < 0.2 and people["against"]["t"] > 5
    assert told["outdated"] == 0 and told["machine"] == judged(run, [])[1]["machine"]


def test_ratings_of_other_texts_are_counted_apart(run: Run, tmp_path: Path) -> None:
    quiz = asked(rows_of(25, 0.0), "even", "an older one", 1)
    about = {"model": "even", "news": "an older one", "quiz": 1, "participant": "p"}
    lines = [{**about, "item": i["item"], "text": i["text"], "answer": "I don't know"} for i in quiz["items"]]
    counts, told, _ = judged(run, write(tmp_path / "ratings.jsonl", lines))
    assert counts.ratings == 0 and told["outdated"] == 25 and told["people"] is None


def test_repetition_of_news_and_of_samples(run: Run) -> None:
    model = made(run)
    how = {"files": [], "rated": False, "limit": None, "samples": 1, "tokens": 60, "top_p": 0.9, "seed": 1}
    people = run(samples, "w16-people", model=model, **how)
    texts = run(planted, "even", count=25, odd=0.0, seed=1)
    artifact = run(repetition, "even", news=texts, samples=people, seed=1)
    rows = repetition_of(artifact)
    assert [(row["of"], row["length"]) for row in rows][:2] == [("news", 25), ("news", 50)]
    assert artifact.counts(Repeated) == Repeated(len(rows), sum(row["texts"] for row in rows))
    assert rows[0]["texts"] == 25 and rows[0]["own"]["rep"].keys() == {"2", "3", "4"}
    within = rows[0]["own"]["rep"]["2"]
    assert within["low"] <= within["value"] <= within["high"] < 0.2
    assert repetition_of(run(repetition, "alone", news=texts, samples=None, seed=1)) == [
        row for row in rows if row["of"] == "news"
    ]


def test_twice_the_same_bytes(tmp_path: Path) -> None:
    files = write(tmp_path / "a.jsonl", articles(9, words=20))
    found = []
    for place in ("a", "b"):
        other = run_in(tmp_path / place)
        texts = other(news, "small", model=made(other, context=512), files=files, **ABOUT, **HOW)
        other(news_judged, "small", news=texts, control=None, ratings=[], seed=1)
        other(repetition, "small", news=texts, samples=None, seed=1)
        found.append({artifact.label: contents(artifact) for artifact in other.artifacts})
    assert found[0] == found[1] and len(found[0]) == 4
    assert json.loads(
        found[0][next(label for label in found[0] if label.startswith("news-judged"))]["news-judged.json"]
    )
