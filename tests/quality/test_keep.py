"""The decision `keep`: GPT-3's Pareto rule, a threshold, languages, rules. Numbers: shared/RECIPES.md, "Classifier"."""

import math

import numpy as np
import pytest
import ruled
from corpora import by_id, counts, document_id, score_of, scored, source

from tasks.kernels.draw import uniform
from tasks.quality.harm import harm
from tasks.quality.harm_classifier import harm_classifier
from tasks.quality.heuristics import heuristics
from tasks.quality.keep import keep, keep_probability
from tasks.quality.pii import pii
from tasks.quality.rules import REASONS, stays
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run

SCORES = [0.0, 0.2, 0.5, 0.8, 0.9]
RATES = [0.001953, 0.005041, 0.026012, 0.193807, 0.424098]
PLAIN = {"before": None, "scores": None, "pareto": None, "threshold": None, "languages": None, "seed": 1}


def test_rates_are_the_papers():
    assert keep_probability(np.array(SCORES, np.float32), 9.0).round(6).tolist() == RATES


@pytest.mark.parametrize("score", SCORES)
def test_the_closed_form_is_numpys_pareto(score):
    draws = 200_000
    kept = int((np.random.default_rng(5).pareto(9, draws) > 1 - score).sum())
    rate = float(keep_probability(np.array([score], np.float32), 9.0)[0])
    assert abs(kept - draws * rate) < 4 * math.sqrt(draws * rate * (1 - rate))


def test_as_many_stay_as_expected(run):
    documents = source(run, "crawl", ["x"] * 20_000)
    kept = run(keep, "crawl", **{**PLAIN, "scores": scored(run, documents, SCORES), "pareto": 9.0}, documents=documents)
    rows = by_id(documents, kept)
    for score, rate in zip(SCORES, RATES, strict=True):
        of = [row for id, row in rows.items() if score_of(id, SCORES) == score]
        stay = sum(row["keep"] for row in of)
        assert len(of) > 3500
        assert abs(stay - len(of) * rate) < 4 * math.sqrt(len(of) * rate * (1 - rate))
    assert all(
        row["keep"] == (row["draw"] < (2 - float(np.float32(score_of(id, SCORES)))) ** -9) for id, row in rows.items()
    )
    assert {row["reason"] for row in rows.values() if row["keep"]} == {None}
    assert {row["reason"] for row in rows.values() if not row["keep"]} == {"quality"}
    stay = sum(row["keep"] for row in rows.values())
    assert counts(kept) == {
        "documents": 20_000,
        "bytes": 20_000,
        "kept": stay,
        "kept_bytes": stay,
        "expected": pytest.approx(
            sum(float(keep_probability(np.array([score_of(id, SCORES)], np.float32), 9.0)[0]) for id in rows)
        ),
        "reasons": {"quality": 20_000 - stay, "language": 0},
        "cut": 0,
    }


def test_draws_do_not_depend_on_sharding(run):
    found = []
    for shards in (1, 2, 5):
        documents = source(run, "crawl", ["x"] * 1000, shards)
        arguments = {**PLAIN, "scores": scored(run, documents, SCORES), "pareto": 9.0}
        found.append(by_id(documents, run(keep, "crawl", **arguments, documents=documents)))
        assert sum(row["keep"] for row in found[-1].values()) > 50
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("other", ["split", "classifier", "recall"])
def test_the_draw_is_of_this_stage_alone(run, other):
    """Else who is held out, or learned from, would be kept more often than its score says: all of the validation split
    of a tenth, where 42 in 100 are."""
    documents = source(run, "crawl", ["x"] * 4000)
    kept = run(keep, "crawl", **{**PLAIN, "scores": scored(run, documents, [0.9]), "pareto": 9.0}, documents=documents)
    rows = by_id(documents, kept)
    held_out = uniform(list(rows), 1, other) < 0.1
    stay = np.array([row["keep"] for row in rows.values()])[held_out]
    assert abs(stay.sum() - len(stay) * 0.424098) < 4 * math.sqrt(len(stay) * 0.25) and len(stay) > 300
    assert [row["draw"] for row in rows.values()] == uniform(list(rows), 1, "keep").tolist()


def test_another_seed_draws_anew(run):
    documents = source(run, "crawl", ["x"] * 1000)
    arguments = {**PLAIN, "scores": scored(run, documents, [0.9]), "pareto": 9.0}
    first, second = (
        by_id(documents, run(keep, "crawl", **{**arguments, "seed": seed}, documents=documents)) for seed in (1, 2)
    )
    both = sum(first[id]["keep"] and second[id]["keep"] for id in first)
    assert abs(both - 1000 * 0.424098**2) < 4 * math.sqrt(1000 * 0.18 * 0.82)


def test_a_threshold_keeps_what_reaches_it(run):
    scores = [0.1, 0.3, float(np.nextafter(np.float32(0.3), np.float32(0))), 0.7]
    documents = source(run, "crawl", ["x"] * 200)
    kept = run(
        keep, "crawl", **{**PLAIN, "scores": scored(run, documents, scores), "threshold": 0.3}, documents=documents
    )
    rows = by_id(documents, kept)
    assert {score_of(id, scores) for id, row in rows.items() if row["keep"]} == {0.3, 0.7}
    assert {score_of(id, scores) for id, row in rows.items() if not row["keep"]} == {scores[0], scores[2]}
    assert {row["draw"] for row in rows.values()} == {None}


def test_languages(run):
    languages = ["en", "de", None, "fr"]
    documents = source(run, "crawl", ["a", "bc", "def", "ghij"], languages=languages)
    kept = run(keep, "crawl", **{**PLAIN, "languages": ["en", "fr"]}, documents=documents)
    rows = by_id(documents, kept)
    assert [rows[document_id("crawl", n)] for n in range(4)] == [
        {"keep": True, "reason": None, "draw": None},
        {"keep": False, "reason": "language", "draw": None},
        {"keep": False, "reason": "language", "draw": None},
        {"keep": True, "reason": None, "draw": None},
    ]
    assert counts(kept)["kept_bytes"] == 5
    assert counts(kept)["reasons"] == {"quality": 0, "language": 2}


def test_languages_may_ask_for_a_least_score(run):
    languages, scores = ["en", "en", "de", "de", None], [0.9, 0.7, 0.7, 0.1, 0.0]
    documents = source(run, "crawl", ["a", "b", "c", "d", "e"], languages=languages, scores=scores)
    least = {"en": 0.7, "de": 0.5}  # 0.7 is met by the stored float32 of 0.7
    rows = by_id(documents, run(keep, "crawl", **{**PLAIN, "languages": least}, documents=documents))
    assert [rows[document_id("crawl", n)]["reason"] for n in range(5)] == [None, None, None, "language", "language"]


def test_no_language_named_keeps_none(run):
    documents = source(run, "crawl", ["a", "b"], languages=["en", None])
    assert counts(run(keep, "crawl", **{**PLAIN, "languages": []}, documents=documents))["kept"] == 0


def test_a_bad_page_in_the_wrong_language_left_for_its_quality(run):
    documents = source(run, "crawl", ["a", "b"], languages=["de", "en"])
    arguments = {**PLAIN, "scores": scored(run, documents, [0.1]), "threshold": 0.5, "languages": ["en"]}
    kept = run(keep, "crawl", **arguments, documents=documents)
    assert [row["reason"] for row in by_id(documents, kept).values()] == ["quality", "quality"]


def test_without_scores_all_stay(run):
    documents = source(run, "books", ["a", "b", "c"], shards=2)
    kept = run(keep, "books", **PLAIN, documents=documents)
    assert [row["keep"] for row in by_id(documents, kept).values()] == [True] * 3
    assert counts(kept)["expected"] == 0


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Every measure of a text for every rule, of one that breaks none, and of an empty one; two texts a shard."""
    folder = tmp_path_factory.mktemp("ruled")
    run = Run(folder / "store", LocalEngine(1))
    ruled.labels(folder / "labels.jsonl")
    documents = source(run, "web", [*ruled.BREAKS.values(), ruled.BASE, ""], shards=20)
    files = {"files": [{"path": str(folder / "labels.jsonl")}], "inside": None}
    fields = {"yes": "rejected", "no": "chosen"}
    fitted = run(harm_classifier, "harm", **files, fields=fields, features=1 << 12, seed=1)
    measures = {
        "heuristics": run(heuristics, "web", documents=documents),
        "pii": run(pii, "web", documents=documents),
        "harm": run(harm, "web", documents=documents, classifier=fitted),
    }
    return run, documents, measures


def test_each_rule_drops_what_breaks_it_and_says_so(measured):
    run, documents, measures = measured
    kept = run(keep, "web", **PLAIN, documents=documents, measures=measures, rules=ruled.LIMITS)
    rows = by_id(documents, kept)
    reasons = [rows[document_id("web", number)]["reason"] for number in range(len(ruled.BREAKS) + 2)]
    assert reasons == [*ruled.BREAKS, None, "heuristics.words"]
    assert counts(kept)["reasons"] == {"quality": 0, "language": 0, **dict.fromkeys(REASONS, 1), "heuristics.words": 2}


def test_only_rules_with_limits_are_looked_at(measured):
    run, documents, measures = measured
    rules = {"pii": {"emails": {"max": 0}}, "heuristics": {"words": {"min": 5, "max": 10**6}}}
    given = {name: measures[name] for name in rules}
    kept = run(keep, "web", **PLAIN, documents=documents, measures=given, rules=rules)
    assert counts(kept)["reasons"] == {"quality": 0, "language": 0, "heuristics.words": 2, "pii.emails": 1}


@pytest.mark.parametrize(("limits", "stays"), [({"max": 1.5}, False), ({"max": 2}, True), ({"min": 2}, True)])
def test_limits_are_met_by_what_equals_them(measured, limits, stays):
    run, documents, measures = measured
    how = {"measures": {"pii": measures["pii"]}, "rules": {"pii": {"emails": limits}}}
    kept = run(keep, "web", **PLAIN, documents=documents, **how)
    assert by_id(documents, kept)[document_id("web", list(ruled.BREAKS).index("pii.emails"))]["keep"] == stays


def test_a_probability_is_compared_as_it_is_stored():
    stored = np.array([0.9, np.nextafter(np.float32(0.9), np.float32(1))], np.float32)
    assert stays(stored, {"max": 0.9}).tolist() == [True, False]
