"""`scores`: what planted answers are worth, by hand; clean and dirty; the number of examples chosen on other items."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import contents, counts, workers

from tasks.evaluation.answers import Answered
from tasks.evaluation.asking.table import RULES, answers_table, scored_of
from tasks.evaluation.overlap import Overlapped
from tasks.evaluation.scores import marks, scores
from tasks.evaluation.statistics import wilson
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import Output
from tasks.runtime.stage import stage

LABELS = {"0": {"shots": 0, "template": "default", "draw": 0, "step": None}}


@stage("answers", kind="measure", version="said")
def said(job: Job, *, rows: list[dict[str, Any]]) -> Answered:
    return job.total(block, [("00000", rows)])


def block(out: Output, rows: list[dict[str, Any]]) -> Answered:
    out.write(answers_table(rows))
    return Answered(len(rows))


@stage("overlap", kind="measure", version="said")
def checked(job: Job, *, states: list[str]) -> Overlapped:
    rows = [
        {"benchmark": "quiz", "item": str(n), "rule": "gpt3", "state": state, "source": None}
        for n, state in enumerate(states)
    ]
    with job.publish("items.parquet") as file:
        pq.write_table(pa.Table.from_pylist(rows), file)
    return Overlapped()


def choice(n: int, sums: list[float], gold: list[int], **more: Any) -> dict[str, Any]:
    """An answer to a question of choices whose lengths are 1, 2, 3, ... tokens, and twice as many bytes."""
    sizes = list(range(1, len(sums) + 1))
    return {
        "item": str(n), "prompt": "q", "prompt_sha256": "", "shots": 0, "choices": ["x"] * len(sums), "gold": gold,
        "log_likelihoods": sums, "tokens": sizes, "bytes": [2 * size for size in sizes], "greedy": [False] * len(sums),
        **more,
    }  # fmt: skip


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path, workers(1))


def score(run: Run, rows: list[dict[str, Any]], **how: Any) -> tuple[Artifact, dict[str, Any]]:
    """The artifact, and the statistics of its one way."""
    given = {
        "development": {}, "ways": LABELS, "overlap": None, "benchmark": "quiz", "form": "choice",
        "metric": "accuracy", "reading": "token", "best": None, "extract": None, "ranked": False,
        "programs": False, "seed": 1,
    }  # fmt: skip
    made = run(
        scores, "tiny.quiz", model="tiny", task="quiz", answers={"0": run(said, "a", rows=rows)}, **{**given, **how}
    )
    return made, counts(made)["ways"]["0"]


ROWS = [
    # By sum the first is likelier, by token the second.
    choice(0, [-2.0, -3.0], [0], unconditional=[-1.0, -4.0]),
    choice(1, [-2.0, -3.0], [1], unconditional=[-1.0, -4.0]),
    choice(2, [-1.0, -9.0], [0], unconditional=[-1.0, -9.5]),
    choice(3, [-1.0, -9.0, -9.0], [0, 2], unconditional=[-1.0, -1.0, -1.0]),
]


def test_the_four_readings(run):
    """One pass of the model, four ways to compare answers of unlike length."""
    assert marks(ROWS[0], "sum") == [-2, -3] and marks(ROWS[0], "token") == [-2, -1.5]
    assert marks(ROWS[0], "byte") == [-1, -0.75] and marks(ROWS[0], "unconditional") == [-1, 1]
    for reading, right in (("sum", [1, 0, 1, 1]), ("token", [0, 1, 1, 1]), ("unconditional", [0, 1, 0, 1])):
        made, of = score(run, ROWS, reading=reading)
        assert scored_of(made)["value"].to_pylist() == right
        low, high = wilson(sum(right), 4)
        assert of["all"] == {
            "items": 4, "value": sum(right) / 4,
            "low": pytest.approx(low, abs=1e-6), "high": pytest.approx(high, abs=1e-6),
        }  # fmt: skip
        assert of["readings"] == {"sum": 0.75, "token": 0.75, "byte": 0.75, "unconditional": 0.5}
    assert of["chance"] == pytest.approx((1 / 2 + 1 / 2 + 1 / 2 + 2 / 3) / 4, abs=1e-6)


def test_another_metric_asks_no_model(run):
    """`scores` takes answers and no model: its inputs say so."""
    made, _ = score(run, ROWS)
    assert all(
        "answers/" in label or "overlap/" in label for label in str(made.recipe["inputs"]).split("'") if "/" in label
    )


def test_faults_are_counted_and_are_no_items(run):
    rows = [*ROWS, {"item": "4", "fault": "it has 70 tokens, and the model reads 64"},
            {"item": "5", "fault": "it has 99 tokens, and the model reads 64"}]  # fmt: skip
    made, of = score(run, rows)
    assert of["faults"] == {"it has N tokens, and the model reads N": 2} and of["all"]["items"] == 4
    table = scored_of(made)
    assert table["value"].to_pylist()[4:] == [None, None] and table["fault"].to_pylist()[4].startswith("it has 70")


def test_clean_and_dirty(run):
    states = ["clean", "dirty", "clean", "uncheckable"]
    made, of = score(run, ROWS, overlap=run(checked, "all", states=states))
    assert scored_of(made)["gpt3"].to_pylist() == states
    assert set(scored_of(made)["gpt2"].to_pylist()) == {"unchecked"} and list(of["rules"]) == ["gpt3"]
    by_state = {state: (value["items"], value["value"]) for state, value in of["rules"]["gpt3"].items()}
    assert by_state == {"clean": (2, 0.5), "dirty": (1, 1.0), "uncheckable": (1, 1.0)}
    assert RULES == ("gpt3", "gpt2", "gpt4")


def test_without_an_overlap_nothing_is_called_clean(run):
    _, of = score(run, ROWS)
    assert of["rules"] == {}


def test_clusters_widen_the_interval(run):
    """Ten questions about each of six passages, all right or all wrong together."""
    rows = [choice(n, [-1.0, -9.0], [(n // 10) % 2]) for n in range(60)]
    _, alone = score(run, rows)
    _, together = score(run, [{**row, "cluster": str(n // 10)} for n, row in enumerate(rows)])
    assert alone["all"]["value"] == together["all"]["value"] == 0.5
    assert together["all"]["high"] - together["all"]["low"] > 2 * (alone["all"]["high"] - alone["all"]["low"])


def test_the_number_of_examples_is_chosen_on_other_items(run):
    """By the development items, whatever the test items say."""
    right, wrong = choice(0, [-1.0, -9.0], [0]), choice(0, [-1.0, -9.0], [1])
    ways = {str(k): {"shots": k, "template": "default", "draw": 0, "step": None} for k in (0, 1, 4)}
    made = run(
        scores, "tiny.quiz", model="tiny", task="quiz",
        answers={str(k): run(said, f"t{k}", rows=[wrong if k == 1 else right]) for k in (0, 1, 4)},
        development={str(k): run(said, f"d{k}", rows=[right if k else wrong]) for k in (0, 1, 4)},
        ways=ways, overlap=None, benchmark="quiz", form="choice", metric="accuracy", reading="token", best=0.9,
        extract=None, ranked=False, programs=False, seed=1,
    )  # fmt: skip
    found = counts(made)
    assert found["best"] == 0.9
    assert found["chosen"] == "1" and found["ways"]["1"]["all"]["value"] == 0, "of equals the fewest examples"
    assert {k: v["value"] for k, v in found["development"].items()} == {"0": 0.0, "1": 1.0, "4": 1.0}


def test_free_form_is_extracted(run):
    rows = [
        {"item": str(n), "shots": 0, "choices": [], "gold": [], "texts": [text], "references": ["42"]}
        for n, text in enumerate(["so it is #### 42", "#### 41", "no answer"])
    ]
    made, of = score(run, rows, form="free", metric="exact", extract=r"#### (\d+)")
    assert scored_of(made)["value"].to_pylist() == [1, 0, 0] and of["chance"] is None and of["readings"] == {}


def test_of_a_search_the_first_text_that_has_an_answer_counts(run):
    """LAMBADA's stop-word filter: the likeliest continuation that begins with another word."""
    rows = [
        {"item": str(n), "shots": 0, "choices": [], "gold": [], "texts": texts, "references": ["step"]}
        for n, texts in enumerate([[" the", " step up", " stone"], [" the", " stone", " step"], [" the"], []])
    ]
    made, _ = score(run, rows, form="free", metric="exact", extract=r"^ (?!the\b)(\w+)", ranked=True)
    assert scored_of(made)["value"].to_pylist() == [1, 0, 0, 0]
    assert scored_of(made)["samples"].to_pylist() == [None] * 4


def test_calibration_of_a_model_that_knows_what_it_knows(run):
    """80 % to the first of two choices, which is right in 80 of 100 items."""
    rows = [choice(n, [float(np.log(0.8)), float(np.log(0.2))], [0 if n % 5 else 1]) for n in range(100)]
    made, of = score(run, rows)
    assert of["ece"] == pytest.approx(0, abs=1e-3) and of["temperature"] == pytest.approx(1, abs=0.01)
    assert scored_of(made)["confidence"].to_pylist()[0] == [pytest.approx(0.8, abs=1e-6), pytest.approx(0.2, abs=1e-6)]


def free(n: int, texts: list[str], sure: list[float], **more: Any) -> dict[str, Any]:
    """A generated answer to a question whose answer is 42."""
    return {
        "item": str(n), "shots": 0, "choices": [], "gold": [], "texts": texts, "text_log_likelihoods": sure,
        "references": ["42"], **more,
    }  # fmt: skip


def surest(found: dict[str, Any]) -> dict[str, tuple[int, float]]:
    return {share: (value["items"], value["value"]) for share, value in found["surest"].items()}


def test_the_surest_texts(run):
    """200 texts, the n-th of log-probability -n, in another order: right are the first 3, the 10th to 19th, and from
    the 100th on. An answer of probability e^-800 still has its place."""
    right = {*range(3), *range(10, 20), *range(100, 200)}
    rows = [free(n, ["42" if n in right else "41"], [-4.0 * n]) for n in sorted(range(200), key=lambda n: n * 77 % 200)]
    made, of = score(run, rows, form="free", metric="exact")
    assert surest(of) == {"0.01": (2, 1.0), "0.1": (20, 13 / 20), "0.5": (100, 0.13)}
    assert of["all"]["value"] == 113 / 200
    low, high = wilson(13, 20)
    assert (of["surest"]["0.1"]["low"], of["surest"]["0.1"]["high"]) == pytest.approx((low, high), abs=1e-6)
    assert scored_of(made)["log_probability"].to_pylist() == [row["text_log_likelihoods"][0] for row in rows]


def test_the_surest_choices(run):
    """The answer is the one with the best mark (by token the second); its probability is among the choices."""
    apart = [0.0, 1e-9, 15.0, 25.0]  # the last two are 1 to six decimals, and are told apart
    rows = [choice(n, [-2.0, -2.0 + more], [1 if n == 3 else 0]) for n, more in enumerate(apart)]
    made, of = score(run, rows)
    p = [float(np.exp(more) / (1 + np.exp(more))) for more in apart[:2]]
    assert np.exp(scored_of(made)["log_probability"].to_pylist()[:2]) == pytest.approx(p, abs=1e-9)
    assert scored_of(made)["confidence"].to_pylist()[2][1] == scored_of(made)["confidence"].to_pylist()[3][1] == 1
    assert surest(of) == {"0.01": (1, 1.0), "0.1": (1, 1.0), "0.5": (2, 0.5)}
    unlikely = choice(0, [-2.0, -3.0], [0])  # by token the second is chosen, by sum the less likely one
    made, _ = score(run, [unlikely])
    assert scored_of(made)["log_probability"].to_pylist() == [pytest.approx(np.log(1 / (1 + np.e)))]


def test_what_has_no_answer_is_least_sure(run):
    """A search that found none; several draws are no one answer; a number over all items is none of some."""
    rows = [free(0, ["x", "y"], [-1.0, -2.0]), free(1, ["x", "= 42"], [-7.0, -8.0]), free(2, ["= 41"], [-9.0])]
    rows.append({"item": "3", "fault": "no answer"})
    made, of = score(run, rows, form="free", metric="exact", extract=r"= (\d+)", ranked=True)
    assert scored_of(made)["log_probability"].to_pylist() == [None, -8.0, -9.0, None]
    assert surest(of) == {"0.01": (1, 1.0), "0.1": (1, 1.0), "0.5": (2, 0.5)}
    made, of = score(run, rows[:2], form="free", metric="exact")
    assert of["surest"] == {} and scored_of(made)["log_probability"].to_pylist() == [None, None]
    _, of = score(run, ROWS, metric="macro_f1")
    assert of["surest"] == {}


def test_a_number_over_all_items_under_each_reading(run):
    """Two classes, all of one by sum, told apart by token: the correlation, not the share that is right."""
    rows = [choice(n, [-2.0, -3.0] if n % 2 else [-2.0, -4.5], [n % 2], choices=["no", "yes"]) for n in range(20)]
    _, of = score(run, rows, metric="mcc")
    assert of["all"]["value"] == of["readings"]["token"] == 1 and of["readings"]["sum"] == of["chance"] == 0


def sentence(n: int, mean: float, label: object) -> dict[str, Any]:
    """A text of n + 1 tokens, asked by itself."""
    return {
        "item": str(n), "shots": 0, "choices": ["x"], "gold": [0], "log_likelihoods": [mean * (n + 1)],
        "tokens": [n + 1], "bytes": [n + 1], "greedy": [False], "references": [str(label)],
    }  # fmt: skip


def test_a_threshold_is_fitted_on_development_items(run):
    """GPT-1's rule: of the development items those above -4 are acceptable but for one, the best threshold is between
    -4.5 and -3.5, whatever the items say that are scored; and it chooses nothing."""
    developed = [(-9.0, 0), (-6.0, 1), (-5.0, 0), (-4.5, 0), (-3.5, 1), (-2.0, 1), (-1.0, 1)]
    scored = [(-4.1, 1), (-3.9, 1), (-8.0, 0), (-1.0, 0), (-2.0, 1)]
    dev, test = ([sentence(n, *one) for n, one in enumerate(items)] for items in (developed, scored))
    dev.append({"item": "long", "fault": "it has 99 tokens"})
    how = {"form": "cloze", "metric": "mcc_threshold", "development": {"0": run(said, "d", rows=dev)}}
    made, of = score(run, test, **how)
    assert of["threshold"] == -4 and of["chance"] == 0 and of["surest"] == {}
    assert scored_of(made)["value"].to_pylist() == [0, 1, 1, 0, 1]
    assert of["all"]["value"] == pytest.approx((2 * 1 - 1 * 1) / (3 * 2 * 3 * 2) ** 0.5, abs=1e-6)
    assert counts(made)["chosen"] is None and counts(made)["development"] == {}


@pytest.mark.parametrize(
    ("items", "said_"),
    [
        ([(-1.0, 1)], "1 development items are too few, or too much alike"),
        ([(-1.0, 1), (-1.0, 0)], "2 development items are too few, or too much alike"),
        ([(-1.0, 1), (-2.0, "yes")], "item 1: `references` gives"),
    ],
)
def test_a_threshold_that_cannot_be_fitted(run, items, said_):
    dev = run(said, "d", rows=[sentence(n, *one) for n, one in enumerate(items)])
    with pytest.raises(Mistake, match=said_):
        score(run, [sentence(0, -1.0, 1)], form="cloze", metric="mcc_threshold", development={"0": dev})


def test_where_nothing_counts_there_is_no_number(run):
    """Of one question people do not agree on HEQ-Q is not defined."""
    _, of = score(run, [free(0, ["x"], [-1.0], references=["cat", "dog"])], form="free", metric="heq_q")
    assert of["all"] == {"items": 1, "value": None, "low": None, "high": None}


def test_bleu_is_signed(run):
    rows = [free(n, ["the mill races on"], [-1.0], references=["the mill races", "a mill"]) for n in range(3)]
    _, of = score(run, rows, form="free", metric="bleu")
    assert of["signature"].startswith("nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    _, of = score(run, rows, form="free", metric="exact")
    assert of["signature"] is None


def test_the_same_bytes_twice(run, tmp_path):
    other = Run(tmp_path / "other", workers(1))
    assert contents(score(run, ROWS)[0]) == contents(score(other, ROWS)[0])


@pytest.mark.parametrize(
    ("how", "said_"),
    [
        ({"metric": "charm"}, "there is no metric charm"),
        ({"metric": "exact"}, "metric exact is of tasks of form free; this one has form choice"),
    ],
)
def test_a_metric_of_another_form(run, how, said_):
    with pytest.raises(Mistake, match=said_):
        score(run, ROWS, **how)
