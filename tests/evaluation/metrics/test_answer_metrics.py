"""The metrics: examples of each official scorer, peers on random input, and numbers over all items that add up."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, matthews_corrcoef

from tasks.evaluation.metrics import METRICS, Answer
from tasks.evaluation.metrics.normalised import drop, squad, trivia
from tasks.evaluation.metrics.numbers import number
from tasks.evaluation.metrics.quac import answerable, people
from tasks.evaluation.statistics import wilson


def value(metric: str, text: str, *references: str) -> float:
    return METRICS[metric].item(Answer(texts=[text], references=references))


def choice(marks: list[float], gold: list[int], cluster: str | None = None, **more: object) -> Answer:
    choices = [str(n) for n in range(len(marks))]
    return Answer(cluster=cluster, choices=choices, gold=gold, marks=marks, log_likelihoods=marks, **more)  # type: ignore[arg-type]


def test_every_metric_says_what_it_is() -> None:
    assert all(name == metric.name and metric.meaning for name, metric in METRICS.items())
    assert {metric.of for metric in METRICS.values()} == {"choice", "cloze", "free", "program"}


# ---- question answering


@pytest.mark.parametrize(
    ("normalise", "text", "expected"),
    [
        (squad, "The  Cat's\tan (Old) theme!", "cats old theme"),
        (squad, "An-a", "ana"),
        (squad, "a.b", "ab"),
        (squad, "Ünder the BRIDGE", "ünder bridge"),
        (squad, "«the»", "« »"),
        (trivia, "The_Rolling-Stones' “an” ‘a’", "rolling stones “ ”"),
        (trivia, "U.S.A.", "u s"),
        (drop, "The 1,000 men-at-arms, 5.0%", "1000.0 men at arms 50.0"),
        (drop, "10 yards", "10.0 yards"),
        (drop, "$10", "10.0"),
        (drop, "An e5 a-b", "e5 b"),
        (drop, "3-point", "3.0 point"),
    ],
)
def test_normalisations(normalise, text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("metric", "text", "references", "expected"),
    [
        ("exact", " 42\n", ["42"], 1),
        ("exact", "42.", ["42"], 0),
        ("exact_squad", "The Normans.", ["norman", "normans"], 1),
        ("f1_squad", "the Denver Broncos won", ["Denver Broncos", "Broncos"], 0.8),
        ("f1_squad", "cat cat dog", ["cat cat cat"], 2 / 3),  # as often as both have it
        ("f1_squad", "", [], 1),  # SQuAD v2.0: no answer, and none was given
        ("f1_squad", "something", [], 0),
        ("f1_squad", "the", ["a"], 1),  # nothing is left of either
        ("exact_coqa", "white", ["white", "a white one"], 0.5),
        ("f1_coqa", "white", ["white", "a white one"], (2 / 3 + 1) / 2),
        ("f1_coqa", "white", ["white"], 1),
        ("f1_quac", "CANNOTANSWER", ["CANNOTANSWER", "in 1999"], 1),
        ("f1_quac", "in 1999", ["CANNOTANSWER", "in 1999", "year 1999"], (0.5 + 1) / 2),
        ("f1_quac", "cannot", ["CANNOTANSWER"], 0),
        ("exact_trivia", "the beatles", ["Beatles", "The Fab Four"], 1),
        ("f1_trivia", "Fab_Four", ["Beatles", "The Fab Four"], 1),
        ("exact_drop", "25.0", ["25"], 1),
        ("exact_drop", "Brady\nManning", ["manning\nbrady"], 1),
        ("exact_drop", "Brady", ["Brady\nManning"], 0),
        ("f1_drop", "Brady", ["Brady\nManning"], 0.5),
        ("f1_drop", "25 yards", ["25"], 0.67),  # the official scorer rounds
        ("f1_drop", "24 yards", ["25 yards"], 0),  # numbers have to agree
        ("f1_drop", "five touchdowns", ["touchdowns\nfive"], 0.33),
        ("number", "So 5 * 3 = 15.\n#### 1,500", ["3 x 500\n#### 1500"], 1),
        ("number", "the answer is 15 apples", ["#### 15"], 1),
        ("number", "15.50 dollars", ["#### 15.5"], 1),
        ("number", "none", ["#### 15"], 0),
        ("number", "#### -3\n7", ["#### -3"], 1),
    ],
)
def test_answers(metric: str, text: str, references: list[str], expected: float) -> None:
    assert value(metric, text, *references) == pytest.approx(expected)


def test_quacs_references() -> None:
    assert answerable(["x", "CANNOTANSWER"]) == ["CANNOTANSWER"]
    assert answerable(["x", "CANNOTANSWER", "y"]) == ["x", "y"]


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        (["white"], 1),
        (["white", "CANNOTANSWER"], 1),  # none can answer it, and that is one answer
        (["white cat", "CANNOTANSWER", "white dog"], 0.5),
        (["white cat", "white dog", "white cat"], (1 + 0.5 + 1) / 3),
        (["cat", "dog"], 0),
    ],
)
def test_people_on_quac(references: list[str], expected: float) -> None:
    assert people(references) == pytest.approx(expected)


def test_human_equivalence() -> None:
    """By hand: people's F1s are .5, 1, 0 (left out), 1; the model's .75, 0, 0, 1. Dialogue b has one question that
    counts, and c none."""
    asked = [
        ("a", "white cat", ["white cat", "white dog"]), ("a", "no", ["yes"]), ("b", "x", ["cat", "dog"]),
        ("b", "CANNOTANSWER", ["CANNOTANSWER", "z"]), ("c", "x", ["cat", "dog"]),
    ]  # fmt: skip
    answers = [Answer(cluster=dialogue, texts=[text], references=of) for dialogue, text, of in asked]
    heq_q, heq_d = METRICS["heq_q"], METRICS["heq_d"]
    assert [heq_q.item(answer) for answer in answers] == [1, 0, 1, 1, 1]
    assert heq_q.corpus is not None and heq_q.corpus(answers) == pytest.approx(2 / 3)
    assert heq_d.corpus is not None and heq_d.corpus(answers) == pytest.approx(2 / 3)
    assert np.isnan(heq_q.corpus(answers[-1:])) and heq_d.corpus(answers[-1:]) == 1
    alone = [answer._replace(cluster=None) for answer in answers]
    assert heq_d.corpus(alone) == pytest.approx(4 / 5)


def test_a_text_without_a_number_and_one_that_is_all_punctuation() -> None:
    assert number("") is None and number("...") is None and number("####") is None and number("$.50") == number("0.5")


words = st.lists(st.sampled_from(["the", "cat", "10", "10.0", "a-b", "Sat!", "_", "’"]), max_size=6).map(" ".join)


@settings(deadline=None)  # ROUGE's library takes its time to load
@given(st.sampled_from([m.name for m in METRICS.values() if m.of == "free" and m.corpus is None]), words)
def test_a_reference_itself_is_worth_everything(metric: str, text: str) -> None:
    if metric.startswith("rouge") and len(re.findall("[a-z0-9]+", text.lower())) < (2 if metric == "rouge2" else 1):
        return  # nothing that ROUGE counts: it has no other words
    if metric == "number" and number(text) is None:
        return
    assert value(metric, text, text) == pytest.approx(1)


@settings(deadline=None)
@given(st.sampled_from(["f1_squad", "f1_trivia", "f1_drop"]), words, words, words)
def test_more_references_are_worth_no_less(metric: str, text: str, first: str, second: str) -> None:
    alone = value(metric, text, first)
    assert 0 <= alone <= value(metric, text, first, second) <= 1
    assert alone == value(metric, text, first, first)
    if metric != "f1_drop":  # where the reference's numbers have to be in the text, and not the other way round
        assert value(metric, first, text) == pytest.approx(alone)


# ---- choices


def test_choices() -> None:
    assert METRICS["accuracy"].item(choice([-1, -2, -3], [0])) == 1
    assert METRICS["accuracy"].item(choice([-1, -2, -3], [1, 2])) == 0
    assert METRICS["accuracy"].item(choice([-1, -1], [1])) == 0  # of equals the first is chosen
    assert METRICS["mc1"].item(choice([-5, -4], [1])) == 1
    assert METRICS["mc2"].item(choice(list(np.log([0.2, 0.1, 0.1])), [0, 2])) == pytest.approx(0.75)
    assert METRICS["mc2"].item(choice([-2000.0, -2001.0], [0])) == pytest.approx(1 / (1 + np.exp(-1)))
    assert METRICS["greedy"].item(choice([-1], [0], greedy=[True])) == 1
    record = choice([-3, -1, -2], [0, 2])._replace(choices=["the U.S.", "United States", "US"])
    assert METRICS["exact_record"].item(record) == 0 and METRICS["f1_record"].item(record) == 0
    near = record._replace(marks=[-1, -3, -2], choices=["United States of America", "US", "States"], gold=[2])
    assert METRICS["f1_record"].item(near) == pytest.approx(0.4)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_macro_f1_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    answers = [choice([float(n == said) for n in range(3)], [true]) for said, true in pairs]
    said, true = zip(*pairs, strict=True)
    corpus = METRICS["macro_f1"].corpus
    assert corpus is not None and corpus(answers) == pytest.approx(f1_score(true, said, average="macro"))
    turned = [a._replace(choices=["2", "1", "0"], marks=a.marks[::-1], gold=[2 - a.gold[0]]) for a in answers]
    assert corpus(turned) == pytest.approx(corpus(answers))  # classes are texts, not places


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_mcc_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    answers = [choice([float(n == said) for n in range(3)], [true]) for said, true in pairs]
    said, true = zip(*pairs, strict=True)
    corpus = METRICS["mcc"].corpus
    assert corpus is not None and corpus(answers) == pytest.approx(matthews_corrcoef(true, said), abs=1e-9)


@given(st.lists(st.tuples(st.integers(-4, -1), st.integers(0, 1)), min_size=2, max_size=12))
def test_the_threshold_is_the_best_of_all(pairs: list[tuple[int, int]]) -> None:
    answers = [Answer(log_likelihoods=[2.0 * mean], tokens=[2], references=[str(label)]) for mean, label in pairs]
    metric = METRICS["mcc_threshold"]
    assert metric.fit is not None and metric.corpus is not None
    if len({mean for mean, _ in pairs}) == 1:
        return  # nothing to put it between
    fit, corpus, fitted = metric.fit, metric.corpus, metric.fit.value(answers)

    def worth(threshold: float) -> float:
        return corpus([fit.read(answer, threshold) for answer in answers])

    means = sorted({mean for mean, _ in pairs})
    places = [(one + other) / 2 for one, other in pairwise(means)]
    best = max(map(worth, places))
    assert fitted == next(place for place in places if worth(place) == pytest.approx(best, abs=1e-12))


def test_mcc_by_hand() -> None:
    """Of 6 acceptable sentences 4 are said to be, of 4 others 1: (4 x 3 - 1 x 2) / sqrt(5 x 6 x 4 x 5)."""
    pairs = [(1, 1)] * 4 + [(0, 1)] * 2 + [(1, 0)] + [(0, 0)] * 3
    answers = [choice([float(said == 0), float(said == 1)], [true]) for said, true in pairs]
    corpus = METRICS["mcc"].corpus
    assert corpus is not None and corpus(answers) == pytest.approx(10 / 600**0.5)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from("abc")), min_size=1, max_size=30))
def test_multirc(options: list[tuple[bool, bool, str]]) -> None:
    answers = [choice([float(not said), float(said)], [int(true)], cluster) for said, true, cluster in options]
    expected = f1_score([true for _, true, _ in options], [said for said, _, _ in options], zero_division=0)
    f1_a, em = METRICS["f1_a"].corpus, METRICS["em"].corpus
    assert f1_a is not None and f1_a(answers) == pytest.approx(expected)
    questions = {cluster for _, _, cluster in options}
    right = [all(said == true for said, true, of in options if of == question) for question in questions]
    assert em is not None and em(answers) == pytest.approx(np.mean(right))


def test_perplexity() -> None:
    answers = [choice([float(np.log(p))], [0]) for p in (0.5, 0.125)]
    corpus = METRICS["perplexity"].corpus
    assert corpus is not None and corpus(answers) == pytest.approx(4)


# ---- texts of several sentences

SAID = ["the cat sat on the mat today", "no", "a quick brown fox jumps", "", "it is what it is ."]
TRUE = [
    ["the cat sat on the mat", "a cat was sitting on the mat today"], ["yes", "no"],
    ["the quick brown fox jumped"] * 2, ["nothing was said"] * 2, ["it is what it is ."] * 2,
]  # fmt: skip


def test_bleu_is_sacrebleus() -> None:
    import sacrebleu

    answers = [Answer(texts=[text], references=of) for text, of in zip(SAID, TRUE, strict=True)]
    expected = sacrebleu.corpus_bleu(SAID, [[of[n] for of in TRUE] for n in range(2)])
    corpus = METRICS["bleu"].corpus
    assert corpus is not None and corpus(answers) == pytest.approx(expected.score / 100)
    assert 0.2 < expected.score / 100 < 0.9
    assert METRICS["bleu"].item(answers[4]) == pytest.approx(1) and METRICS["bleu"].item(answers[3]) == 0
    signature = METRICS["bleu"].signature
    assert signature is not None
    rest = f"|case:mixed|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"
    assert signature(answers) == f"nrefs:2{rest}" and signature(answers[:1]) == f"nrefs:2{rest}"
    assert signature([*answers, Answer(texts=["x"], references=["x"])]) == f"nrefs:var{rest}"


def test_rouge_by_hand() -> None:
    """Lin 2004, section 3: "police killed the gunman" against "police kill the gunman" and "the gunman kill police"."""
    reference = "police killed the gunman"
    assert value("rouge1", "police kill the gunman", reference) == 1  # stems
    assert value("rougeL", "the gunman kill police", reference) == pytest.approx(0.5)
    assert value("rouge2", "the gunman kill police", reference) == pytest.approx(1 / 3)
    assert value("rougeL", "the gunman kill police", "nothing", reference) == pytest.approx(0.5)
    assert value("rougeLsum", "b c.\na b.", "a b.\nb c.") == 1 and value("rougeL", "b c.\na b.", "a b.\nb c.") == 0.5


# ---- intervals of what is reported


def test_intervals() -> None:
    rights = [choice([0.0, float(n % 3)], [1]) for n in range(30)]
    assert METRICS["accuracy"].interval(rights, 1) == wilson(20, 30)
    assert METRICS["macro_f1"].interval([], 1) is None
    said = np.random.default_rng(1).integers(0, 3, (2, 200))
    answers = [choice([float(n == a) for n in range(3)], [int(a if n % 2 else b)]) for n, (a, b) in enumerate(said.T)]
    for name in ("macro_f1", "mcc", "em"):
        metric = METRICS[name]
        found = metric.interval(answers, 1)
        assert metric.corpus is not None and found is not None
        assert found.low < metric.corpus(answers) < found.high and 0.05 < found.high - found.low < 0.25
    texts = [Answer(texts=[text], references=of) for text, of in zip(SAID, TRUE, strict=True)]
    of_bleu = METRICS["bleu"].interval(texts, 1)
    assert of_bleu is not None and 0 <= of_bleu.low < METRICS["bleu"].corpus(texts) <= of_bleu.high  # type: ignore[misc]


def test_questions_of_one_passage_widen_the_interval_of_f1_a() -> None:
    rng = np.random.default_rng(1)
    answers = [
        choice([0.5, float(n // 10 % 2)], [int(rng.uniform() < 0.5 + 0.4 * (n // 10 % 2))], str(n // 10))
        for n in range(200)
    ]
    by_passage, by_option = (
        METRICS["f1_a"].interval(these, 1) for these in (answers, [one._replace(cluster=None) for one in answers])
    )
    assert by_passage is not None and by_option is not None
    assert by_passage.high - by_passage.low > by_option.high - by_option.low
