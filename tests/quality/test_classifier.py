"""The classifier and its scores: what it learns, what it must not see, and that nothing moves its bits."""

import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpora import ROOT, by_id, contents, counts, document_id, source, workers
from kernels.twins import term_frequencies
from sklearn.metrics import log_loss, roc_auc_score

from tasks.kernels.draw import uniform
from tasks.quality.classifier import HELD_OUT, classifier
from tasks.quality.score import score
from tasks.runtime.errors import Failure
from tasks.runtime.run import Run

FEATURES = 1 << 12
FIT = {"preset": "modern", "sample": 1000, "features": FEATURES, "validation": 0.1, "seed": 1}


def pages(count: int, seed: int, own: float) -> list[str]:
    """Pages of a shared vocabulary, and for a share of the words of one that goes by the seed's parity."""
    draw = random.Random(seed)
    return [
        " ".join(
            f"{'prose' if seed % 2 else 'junk'}{draw.randrange(80)}"
            if draw.random() < own
            else f"w{int(500 * draw.random() ** 3)}"
            for _ in range(draw.randrange(5, 80))
        )
        for _ in range(count)
    ]


def fitted(run: Run, shards: int = 1, own: float = 0.05, **more: Any):
    good = source(run, "good", pages(250, 1, own), shards)
    raw = source(run, "raw", pages(350, 2, own), shards)
    return run(classifier, "quality", good=[good], raw=[raw], **{**FIT, **more})


def test_two_vocabularies_are_told_apart(run):
    made = fitted(run, own=0.5)
    assert counts(made)["auc"] > 0.99 and counts(made)["log_loss"] < 0.2
    assert counts(made)["precision"] > 0.95 and counts(made)["recall"] > 0.95
    held_out = counts(made)["held_out"]
    assert 30 < held_out < 90
    assert sum(row["documents"] for row in counts(made)["calibration"]) == held_out
    news = source(run, "news", pages(60, 3, 0.5) + pages(60, 4, 0.5))
    scores = by_id(news, run(score, "news", documents=news, classifier=made))
    prose = [scores[document_id("news", n)]["score"] for n in range(60)]
    junk = [scores[document_id("news", n)]["score"] for n in range(60, 120)]
    assert np.median(prose) > 0.8 and np.median(junk) < 0.2
    better = np.mean([p > j for p in prose for j in junk])
    assert better > 0.99


def test_bytes_do_not_depend_on_workers_and_sharding(run, tmp_path):
    one = fitted(run)
    two = fitted(Run(tmp_path / "two", workers(2)), shards=3)
    assert contents(one).keys() == {"weights.npz"}
    assert contents(one) == contents(two)
    assert counts(one) == counts(two)


SCRIPT = """
import sys
from pathlib import Path
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run
from test_classifier import fitted
print(fitted(Run(Path(sys.argv[1]), LocalEngine(1))).folder)
"""


def test_bytes_do_not_depend_on_threads(tmp_path):
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/quality")])
    running = []
    for threads in ("1", "2"):
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", SCRIPT, str(tmp_path / threads)],
                env={**os.environ, **limits, "PYTHONPATH": path},
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    folders = [Path(process.communicate()[0].strip()) for process in running]
    one, two = ((folder / "weights.npz").read_bytes() for folder in folders)
    assert one == two and folders[0] != folders[1]


@pytest.mark.parametrize("preset", ["modern", "gpt3"])
def test_a_score_is_the_documented_formula(run, preset):
    made = fitted(run, preset=preset)
    texts = [*pages(40, 5, 0.3), "", " ", "W1 w1\tPROSE3  prose3", "ΟΔΟΣ İstanbul 漢字 漢字", "nothing known here"]
    documents = source(run, "crawl", texts, shards=2)
    scores = by_id(documents, run(score, "crawl", documents=documents, classifier=made))
    with np.load(made.folder / "weights.npz", allow_pickle=False) as arrays:
        weights, intercept = arrays["weights"].tolist(), float(arrays["intercept"][0])
    assert len(weights) == FEATURES and any(weights)
    for number, text in enumerate(texts):
        values = term_frequencies(text, FEATURES)
        if preset == "modern":
            values = {index: round(math.log1p(count) * 2**16) for index, count in values.items()}
        total = sum(weights[index] * value for index, value in values.items())
        length = math.sqrt(sum(value * value for value in values.values()) or 1) if preset == "modern" else 1
        expected = np.float32(1 / (1 + math.exp(-(total / length / 2**24 + intercept))))
        found = np.float32(scores[document_id("crawl", number)]["score"])
        # numpy's exp and libm's may differ in the last bit of a float64, which can tip the rounding to a float32
        assert abs(found - expected) <= np.spacing(expected), text


def test_a_classifier_of_raw_counts_tells_two_vocabularies_apart(run):
    made = fitted(run, own=0.5, preset="gpt3")
    assert counts(made)["preset"] == "gpt3" and counts(made)["auc"] > 0.98


def bilingual(run, preset: str, good_german: int, raw_german: int):
    """Half of each text is a word of its language, so that languages are the easiest thing to learn."""

    def side(name: str, seed: int, german: int):
        texts = [
            text + (" das der und" if n < german else " the of and") for n, text in enumerate(pages(300, seed, 0.3))
        ]
        return source(run, name, texts, languages=["de"] * german + ["en"] * (300 - german))

    good, raw = side("good", 1, good_german), side("raw", 2, raw_german)
    return run(classifier, "quality", good=[good], raw=[raw], **{**FIT, "sample": 300, "preset": preset})


def weight_of(made, word: str) -> float:
    with np.load(made.folder / "weights.npz", allow_pickle=False) as arrays:
        return float(arrays["weights"][next(iter(term_frequencies(word, FEATURES)))]) / 2**24


def test_language_is_not_learned(run):
    told_apart, balanced = bilingual(run, "gpt3", 60, 240), bilingual(run, "modern", 60, 240)
    neutral = source(run, "neutral", ["w1 w7 w30 the of and", "w1 w7 w30 das der und"])
    english, german = (document_id("neutral", n) for n in range(2))
    apart, together = (
        by_id(neutral, run(score, "neutral", documents=neutral, classifier=made)) for made in (told_apart, balanced)
    )
    assert apart[english]["score"] - apart[german]["score"] > 0.3
    assert abs(together[english]["score"] - together[german]["score"]) < 0.1
    languages = counts(balanced)["languages"]
    # raw documents in the good ones' proportions, of a language that has too few all
    assert languages["de"]["raw"] < 100 and 40 < languages["en"]["raw"] <= 60
    assert counts(told_apart)["languages"] == {"": {"good": languages["de"]["good"] + languages["en"]["good"],
                                                    "raw": counts(told_apart)["raw"]}}  # fmt: skip


def test_a_language_without_raw_documents_is_left_out(run):
    made = bilingual(run, "modern", 60, 0)
    assert counts(made)["languages"].keys() == {"en"}
    assert 40 < counts(made)["left_out"]["de"] < 61
    with pytest.raises(Failure, match=r"0 raw documents .* of the good ones' languages \(good ones have 2\d\d in de\)"):
        bilingual(run, "modern", 300, 0)


def test_words_for_and_against_are_found_again(run):
    made = fitted(run, own=0.5)
    positive, negative = counts(made)["positive"], counts(made)["negative"]
    assert len(positive) == len(negative) == 30
    assert all(word["word"].startswith("prose") for word in positive[:20])
    assert all(word["word"].startswith("junk") for word in negative[:20])
    for word in [*positive, *negative]:
        assert word["weight"] == pytest.approx(weight_of(made, word["word"]), rel=1e-3)
    assert [word["weight"] for word in positive] == sorted((word["weight"] for word in positive), reverse=True)


def test_words_that_share_a_bucket_are_named(run):
    made = fitted(run, own=0.5, features=16)
    told = counts(made)["positive"] + counts(made)["negative"]
    assert len(told) == 16 and all(len(word["others"]) == 3 for word in told)
    for word in told:
        assert len({next(iter(term_frequencies(each, 16))) for each in [word["word"], *word["others"]]}) == 1


def test_indentation_is_told_as_the_empty_token_it_is(run):
    """Not as a rare word of the same bucket: once a price stood among the words for a corpus with code in it."""
    good = source(run, "good", [text.replace(" ", "   ", 30) for text in pages(250, 1, 0.0)])
    raw = source(run, "raw", pages(350, 2, 0.0))
    made = run(classifier, "quality", good=[good], raw=[raw], **FIT)
    word = counts(made)["positive"][0]
    assert word["word"] == "" and word["weight"] == pytest.approx(weight_of(made, ""), rel=1e-3)


def test_scores_do_not_depend_on_sharding_and_workers(run, tmp_path):
    made = fitted(run)
    found = []
    for shards, engine in ((1, run.engine), (5, workers(2))):
        other = Run(tmp_path / str(shards), engine)
        documents = source(other, "crawl", pages(100, 5, 0.3), shards)
        found.append((by_id(documents, scores := other(score, "crawl", documents=documents, classifier=made)), scores))
    assert found[0][0] == found[1][0]
    assert counts(found[0][1]) == counts(found[1][1])
    assert sum(counts(found[0][1])["histogram"]) == 100


def test_validation_documents_are_never_in_the_fit(run):
    held = uniform([document_id("good", n) for n in range(250)], 1, "split") < 0.1
    assert 10 < held.sum() < 45

    def weights(where: np.ndarray) -> bytes:
        texts = [
            "poison antidote" if spoiled else text for text, spoiled in zip(pages(250, 1, 0.05), where, strict=True)
        ]
        good = source(run, "good", texts)
        raw = source(run, "raw", pages(350, 2, 0.05))
        return (run(classifier, "quality", good=[good], raw=[raw], **FIT).folder / "weights.npz").read_bytes()

    clean = weights(np.zeros(250, bool))
    assert weights(held) == clean
    seen = np.zeros(250, bool)
    seen[np.flatnonzero(~held)[:5]] = True
    assert weights(seen) != clean


def test_what_it_is_judged_by_is_never_in_the_fit(run):
    """A tenth of each side by later digits of the draw: whatever stands there, weights and strength are the same."""

    def held_out(side: str, count: int) -> np.ndarray:
        ids = [document_id(side, n) for n in range(count)]
        draws = uniform(ids, 1, "classifier")
        return (draws * 2**20 % 1 <= HELD_OUT) & (uniform(ids, 1, "split") >= 0.1)

    def made(spoiled: dict[str, np.ndarray]) -> Any:
        sides = {}
        for side, (count, seed) in {"good": (250, 1), "raw": (350, 2)}.items():
            texts = pages(count, seed, 0.05)
            where = spoiled.get(side, np.zeros(count, bool))
            sides[side] = [source(run, side, ["unmet" if where[n] else text for n, text in enumerate(texts)])]
        return run(classifier, "quality", **sides, **FIT)

    clean = made({})
    judges = {"good": held_out("good", 250), "raw": held_out("raw", 350)}
    assert counts(clean)["held_out"] == judges["good"].sum() + judges["raw"].sum() > 30
    other = made(judges)
    assert contents(other) == contents(clean) and counts(other)["chosen"] == counts(clean)["chosen"]
    assert counts(other)["auc"] == 0.5 < counts(clean)["auc"], "of what it never met it knows nothing"
    learned = ~judges["raw"] & (np.arange(350) < 20)
    assert contents(made({"raw": learned})) != contents(clean)


@pytest.mark.parametrize("preset", ["modern", "gpt3"])
def test_how_well_it_does_is_what_its_scores_say(run, preset):
    """The held-out documents' stored scores, judged here by scikit-learn; both sides weigh alike in the log loss."""
    sizes, sides = {"good": 250, "raw": 350}, {}
    for name, seed in (("good", 1), ("raw", 2)):
        sides[name] = source(run, name, pages(sizes[name], seed, 0.05))
    fit = run(classifier, "quality", good=[sides["good"]], raw=[sides["raw"]], **{**FIT, "preset": preset})
    scores, truth, learned = [], [], {}
    for name, documents in sides.items():
        ids = [document_id(name, n) for n in range(sizes[name])]
        draws = uniform(ids, 1, "classifier")
        of_sample = uniform(ids, 1, "split") >= 0.1
        learned[name] = int(of_sample.sum())
        rows = by_id(documents, run(score, name, documents=documents, classifier=fit))
        for id, out in zip(ids, of_sample & (draws * 2**20 % 1 <= HELD_OUT), strict=True):
            if out:
                scores.append(rows[id]["score"])
                truth.append(int(name == "good"))
    scores, truth = np.array(scores, np.float32), np.array(truth)
    told, good = counts(fit), int(truth.sum())
    assert (told["preset"], told["good"], told["raw"]) == (preset, learned["good"], learned["raw"])
    assert told["languages"] == {"en": learned} if preset == "modern" else {"": learned}
    assert (told["held_out"], told["left_out"]) == (len(truth), {})
    weights = np.where(truth == 1, len(truth) / 2 / good, len(truth) / 2 / (len(truth) - good))
    assert told["log_loss"] == pytest.approx(log_loss(truth, scores, sample_weight=weights), abs=1e-5)
    assert told["auc"] == pytest.approx(roc_auc_score(truth, scores), abs=1e-6)
    taken = scores > 0.5
    precision, recall = (taken & (truth == 1)).sum() / taken.sum(), (taken & (truth == 1)).sum() / good
    assert told["precision"] == pytest.approx(precision, abs=1e-6) and told["recall"] == pytest.approx(recall, abs=1e-6)
    assert told["f1"] == pytest.approx(2 * precision * recall / (precision + recall), abs=1e-6)
    tenths = np.minimum((scores * 10).astype(int), 9)
    assert told["calibration"] == [
        {"from_score": n / 10, "documents": int((tenths == n).sum()), "good": int(truth[tenths == n].sum())}
        for n in range(10)
    ]
    assert 0 < told["passes"] <= 200 and told["slope"] != 1 and told["chosen"]["held_out"] == "sites"


def test_a_score_of_one_is_in_the_last_tenth(run):
    """By gpt3 a logit grows with the document: held-out good ones are fifty times as long, and score 1 as float32."""
    ids = [document_id("good", n) for n in range(120)]
    out = (uniform(ids, 1, "classifier") * 2**20 % 1 <= HELD_OUT) & (uniform(ids, 1, "split") >= 0.1)
    good = source(run, "good", [text * (50 if long else 1) for text, long in zip(pages(120, 1, 0.5), out, strict=True)])
    raw = source(run, "raw", pages(120, 2, 0.5))
    made = run(classifier, "quality", good=[good], raw=[raw], **{**FIT, "preset": "gpt3"})
    rows = by_id(good, run(score, "good", documents=good, classifier=made))
    assert max(rows[id]["score"] for id, held in zip(ids, out, strict=True) if held) == 1.0
    tenths = counts(made)["calibration"]
    assert sum(row["documents"] for row in tenths) == counts(made)["held_out"]
    assert tenths[9]["good"] == tenths[9]["documents"] > 0


def test_the_sample_is_of_the_smallest_draws(run):
    made = fitted(run, shards=3, sample=40)
    assert (counts(made)["good"], counts(made)["raw"]) == (40, 40)
    ids = [document_id("good", n) for n in range(250)]
    draws = np.where(uniform(ids, 1, "split") < 0.1, 1.0, uniform(ids, 1, "classifier"))
    chosen = set(np.argsort(draws)[:40].tolist())
    texts = [text if n in chosen else "unread" for n, text in enumerate(pages(250, 1, 0.05))]
    good, raw = source(run, "good", texts), source(run, "raw", pages(350, 2, 0.05))
    again = run(classifier, "quality", good=[good], raw=[raw], **{**FIT, "sample": 40})
    assert contents(again) == contents(made)


def test_too_few_documents_are_told(run):
    good, raw = source(run, "good", pages(9, 1, 0.5)), source(run, "raw", pages(30, 2, 0.5))
    with pytest.raises(Failure, match=r"stage classifier of quality: the classifier has 9 good documents .* needs 10"):
        run(classifier, "quality", good=[good], raw=[raw], **{**FIT, "validation": 0.0})
    with pytest.raises(Failure, match="0 raw documents"):
        run(classifier, "quality", good=[raw], raw=[source(run, "none", [])], **{**FIT, "validation": 0.0})


@pytest.mark.parametrize("seed", range(6))
def test_ten_documents_a_side_are_enough(run, seed):
    good, raw = source(run, "good", pages(10, 1, 0.5)), source(run, "raw", pages(10, 2, 0.5))
    made = run(classifier, "quality", good=[good], raw=[raw], **{**FIT, "validation": 0.0, "seed": seed})
    assert 2 <= counts(made)["held_out"] <= 18
    assert json.loads(json.dumps(counts(made), allow_nan=False)) == counts(made)
