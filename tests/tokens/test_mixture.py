"""The mixture's arithmetic, on GPT-3's table 2.2 (shared/RECIPES.md, "Mixture")."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import Counted, contents, counts
from hypothesis import given
from hypothesis import strategies as st

from model.windows import counts_in_period, schedule
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job, Silent
from tasks.runtime.run import Run
from tasks.runtime.stage import stage
from tasks.tokens.mixture import mixture, mixture_file
from tasks.tokens.shares import share_out

B = 10**9
INDEX = pa.schema([("id", pa.string()), ("split", pa.string()), ("start", pa.int64()), ("tokens", pa.int64())])
HOW = {"context": 8, "validation": 0.1, "validation_windows": 2, "seed": 7}
HELD = {"common-crawl": 410 * B, "webtext2": 19 * B, "books1": 12 * B, "books2": 55 * B, "wikipedia": 3 * B}
WEIGHTS = {"common-crawl": 60.0, "webtext2": 22.0, "books1": 8.0, "books2": 8.0, "wikipedia": 3.0}


@stage("tokens", kind="export", version="counts")
def counted(
    job: Job,
    *,
    shards: list[int],
    held_out: int,
    sizes: list[int] | None = None,
    clusters: list[list[int]] | None = None,
) -> Counted:
    """Token shards as far as a mixture looks at them: one document of train each, and one held out."""
    about: dict[str, Any] = {
        "dtype": "uint16", "vocabulary": 300, "end_of_text": 299, "tokenizer": "abc",
        "shards": [{"key": f"{n:05}", "train": count, "validation": held_out} for n, count in enumerate(shards)],
    }  # fmt: skip
    if sizes and clusters:
        about["sizes"] = sizes
        about["shards"] = [shard | {"clusters": parts} for shard, parts in zip(about["shards"], clusters, strict=True)]
    with job.publish("tokens.json") as file:
        file.write(json.dumps(about).encode())
    for shard in about["shards"]:
        rows = [
            {"id": f"toy:{shard['key']}{split}", "split": split, "start": 0, "tokens": shard[split]}
            for split in ("train", "validation")
            if shard[split]
        ]
        with job.publish(f"{shard['key']}.parquet") as file:
            pq.write_table(pa.Table.from_pylist(rows, schema=INDEX), file)
    return Counted()


def source(run: Run, name: str, *shards: int, held_out: int = 0) -> Artifact:
    return run(counted, name, shards=list(shards), held_out=held_out)


def mixed(
    run: Run, held: dict[str, int], weights: dict[str, float], budget: int, **how: Any
) -> tuple[dict[str, Any], Artifact]:
    made = run(
        mixture,
        "small",
        tokens={name: source(run, name, count) for name, count in held.items()},
        groups={name: name for name in held},
        weights=weights,
        budget=budget,
        **{**HOW, **how},
    )
    return json.loads(mixture_file(made).read_bytes()), made


def test_the_papers_table(run):
    plan, made = mixed(run, HELD, WEIGHTS, 300 * B)
    groups = {row["group"]: row for row in plan["groups"]}
    assert list(groups) == list(WEIGHTS)
    normalised = {name: row["epochs"] for name, row in groups.items()}
    assert {name: f"{value:.3g}" for name, value in normalised.items()} == {
        "common-crawl": "0.435", "webtext2": "3.44", "books1": "1.98", "books2": "0.432", "wikipedia": "2.97",
    }  # fmt: skip
    as_they_stand = {name: f"{value * counts(made)['asked_sum'] / 100:.3f}" for name, value in normalised.items()}
    assert as_they_stand == {
        "common-crawl": "0.439", "webtext2": "3.474", "books1": "2.000", "books2": "0.436", "wikipedia": "3.000",
    }  # fmt: skip
    assert counts(made)["asked_sum"] == 101 and counts(made)["budget"] == 300 * B
    assert {name: row["asked"] for name, row in groups.items()} == WEIGHTS
    assert {name: row["held"] for name, row in groups.items()} == HELD
    assert sum(row["weight"] for row in groups.values()) == pytest.approx(1)
    assert abs(sum(row["tokens"] for row in groups.values()) - 300 * B) <= 5
    assert all(row["epochs"] * row["held"] == pytest.approx(row["tokens"]) for row in groups.values())
    told = counts(made)["groups"]
    assert {name: share["normalised"] for name, share in told.items()} == {
        name: pytest.approx(weight / 101) for name, weight in WEIGHTS.items()
    }
    assert not any(share["moved"] for share in told.values()) and counts(made)["max_epochs"] is None
    assert counts(made)["groups"]["webtext2"]["epochs"] == groups["webtext2"]["epochs"]


def test_a_groups_sources_count_together(run):
    tokens = {
        "cc-1": source(run, "cc-1", 100, 200, held_out=5),
        "wiki": source(run, "wiki", 50),
        "cc-2": source(run, "cc-2", 300),
    }
    groups = {"cc-1": "common-crawl", "cc-2": "common-crawl", "wiki": "wiki"}
    made = run(
        mixture, "small", tokens=tokens, groups=groups, weights={"common-crawl": 3, "wiki": 1}, budget=1200, **HOW
    )
    plan = json.loads(mixture_file(made).read_bytes())
    assert {key: plan[key] for key in ("tokenizer", "dtype", "end_of_text", "seed")} == {
        "tokenizer": "abc", "dtype": "uint16", "end_of_text": 299, "seed": 7,
    }  # fmt: skip
    crawl, wiki = plan["groups"]
    assert (crawl["held"], crawl["tokens"], crawl["epochs"]) == (600, 900, 1.5)
    assert (wiki["held"], wiki["tokens"], wiki["epochs"]) == (50, 300, 6.0)
    told = counts(made)["sources"]
    assert {name: (one["held"], one["tokens"], one["epochs"]) for name, one in told.items()} == {
        "cc-1": (300, 450, 1.5), "cc-2": (300, 450, 1.5), "wiki": (50, 300, 6.0),
    }  # fmt: skip
    assert told["cc-1"]["held_out"] == {"documents": 2, "tokens": 10, "windows": 2, "sample": 2}
    assert [(one["source"], one["train"], one["validation"]) for one in crawl["sources"]] == [
        ("cc-1", 300, 10),
        ("cc-2", 300, 0),
    ]
    assert run.store.exists(f"{crawl['sources'][0]['folder']}/tokens.json")


def test_documents_that_count_several_times_are_held_as_often(run):
    """Tokens of clusters from 1, 2 and 5 members on, in two shards; a group whose sources differ."""
    clusters = [[100, 20, 3], [50, 0, 4]]
    tokens = {
        "web": run(counted, "web", shards=[123, 54], held_out=5, sizes=[1, 2, 5], clusters=clusters),
        "wiki": run(counted, "wiki", shards=[60], held_out=0, sizes=[1, 2, 5], clusters=[[60, 0, 0]]),
    }
    arguments = {"tokens": tokens, "groups": {"web": "all", "wiki": "all"}, "weights": {}, "budget": 1000, **HOW}
    made = run(mixture, "small", **arguments, times=[3, 2])
    (row,) = json.loads(mixture_file(made).read_bytes())["groups"]
    assert row["again"] == 20 * 2 + 7 * 1 and row["held"] == 123 + 54 + 60 + row["again"]
    assert row["epochs"] == pytest.approx(1000 / row["held"])
    assert [(one["train"], one["validation"], one["times"]) for one in row["sources"]] == [
        (177, 10, [1, 3, 2]),
        (60, 0, [1, 3, 2]),
    ]
    assert counts(made)["groups"]["all"]["again"] == row["again"]
    plan, _ = mixed(run, HELD, WEIGHTS, B)
    assert not any("again" in row or "times" in row["sources"][0] for row in plan["groups"])


def test_without_weights_a_group_counts_by_its_tokens(run):
    plan, _ = mixed(run, {"a": 300, "b": 100, "none": 0}, {}, 800)
    assert [(row["group"], row["weight"], row["epochs"]) for row in plan["groups"]] == [("a", 0.75, 2), ("b", 0.25, 2)]


def test_a_weight_of_zero_leaves_a_group_out(run):
    plan, _ = mixed(run, {"a": 300, "none": 0, "b": 100}, {"a": 1, "none": 0, "b": 0}, 600)
    assert [(row["group"], row["weight"], row["epochs"]) for row in plan["groups"]] == [("a", 1, 2)]


def test_a_weight_on_nothing_is_told(run):
    with pytest.raises(Failure, match=r"stage mixture of small: mixture gives none the weight 2.5, but no text of it"):
        mixed(run, {"a": 300, "none": 0}, {"a": 1, "none": 2.5}, 600)


def test_a_store_may_be_moved(run, tmp_path):
    """The plan names folders within the store: the same bytes wherever that is."""
    other = Run(tmp_path / "elsewhere", run.engine)
    assert contents(mixed(run, HELD, WEIGHTS, B)[1]) == contents(mixed(other, HELD, WEIGHTS, B)[1])


# ---- a bound on epochs

BOUND = {"max_epochs": 4.0, "context": 5}


def test_what_a_bound_takes_goes_to_the_others_by_weight(run):
    """Asked 600, 300, 100 of 1,000 tokens; c may give 4 x 20 (4 windows of 5 tokens; the last of its 22
    is in none, and the first no target), and its other 20 are shared out 2 to 1."""
    plan, made = mixed(run, {"a": 501, "b": 201, "c": 22}, {"a": 6, "b": 3, "c": 1}, 1000, **BOUND)
    assert {row["group"]: row["tokens"] for row in plan["groups"]} == {"a": 613, "b": 307, "c": 80}
    assert {row["group"]: row["weight"] for row in plan["groups"]} == {
        "a": pytest.approx(0.92 * 2 / 3), "b": pytest.approx(0.92 / 3), "c": pytest.approx(0.08),
    }  # fmt: skip
    told = counts(made)
    assert {name: share["moved"] for name, share in told["groups"].items()} == {"a": 13, "b": 7, "c": -20}
    assert {name: share["normalised"] for name, share in told["groups"].items()} == {"a": 0.6, "b": 0.3, "c": 0.1}
    assert told["groups"]["c"]["epochs"] == pytest.approx(80 / 22) and told["max_epochs"] == 4


def test_what_is_shared_out_may_lift_another_above_the_bound(run):
    """c is above at once; its rest lifts b, which was at 290 of 300, above too; a takes what both leave."""
    plan, _ = mixed(run, {"a": 5000, "b": 76, "c": 21}, {"a": 42, "b": 29, "c": 29}, 1000, **BOUND)
    assert {row["group"]: row["tokens"] for row in plan["groups"]} == {"a": 620, "b": 300, "c": 80}


def test_a_budget_that_a_bound_cannot_fill_is_told_with_what_is_missing(run):
    held, weights = {"a": 101, "b": 51}, {"a": 1.0, "b": 1.0}
    plan, _ = mixed(run, held, weights, 600, **BOUND)
    assert {row["group"]: row["tokens"] for row in plan["groups"]} == {"a": 400, "b": 200}
    with pytest.raises(
        Failure, match=r"at 4 epochs, .*all groups together give 600 of the 1,000 tokens .*: 400 are missing.*`max`"
    ):
        mixed(run, held, weights, 1000, **BOUND)


def test_the_loader_goes_through_no_group_more_often(run):
    """Whatever the weights; within a window, and the 1/65,536 of the budget that its schedule resolves."""
    for seed in range(20):
        draw = np.random.default_rng(seed)
        held = dict(zip("abcd", draw.integers(10, 400, 4).tolist(), strict=True))
        weights = dict(zip("abcd", draw.uniform(0.1, 9, 4).tolist(), strict=True))
        epoch = {name: (count - 1) // 5 for name, count in held.items()}  # windows
        total = int(3.9 * sum(epoch.values()))
        plan, _ = mixed(run, held, weights, total * 5, **BOUND)
        counts_ = counts_in_period([row["weight"] for row in plan["groups"]])
        group, _ = schedule(counts_)
        served = np.bincount(np.resize(group, total), minlength=4)
        names = [row["group"] for row in plan["groups"]]
        assert all(served[g] <= 4 * epoch[name] + 1 + total / 65_536 for g, name in enumerate(names))


@given(
    st.lists(st.tuples(st.integers(1, 1000), st.floats(0.01, 100)), min_size=1, max_size=8),
    st.integers(1, 10_000),
    st.floats(0.1, 8),
)
def test_any_sharing_out_is_by_weight_below_the_bound(groups, budget, most):
    """Its definition: all is given, none above the bound, and those below it have tokens in proportion to weight, no
    fewer a weight than those at it."""
    held = {str(n): count for n, (count, _) in enumerate(groups)}
    weights = {str(n): weight for n, (_, weight) in enumerate(groups)}
    if budget > most * sum(held.values()) * 0.999999:
        return
    tokens = share_out(budget, weights, held, most)
    assert sum(tokens.values()) == pytest.approx(budget)
    assert all(tokens[name] <= most * held[name] * (1 + 1e-9) for name in held)
    rates = {name: tokens[name] / weights[name] for name in held}
    below = [rates[name] for name in held if tokens[name] < most * held[name] * (1 - 1e-9)]
    assert below and below == pytest.approx([below[0]] * len(below))
    assert all(rate <= below[0] * (1 + 1e-6) for rate in rates.values())


# ---- too little text, told before anything is trained


def test_a_group_shorter_than_a_window_is_told_with_what_it_needs(run):
    plan, _ = mixed(run, {"a": 300, "b": 9}, {"a": 1, "b": 1}, 600)
    assert [row["group"] for row in plan["groups"]] == ["a", "b"]
    with pytest.raises(Failure, match=r"needs 9 training tokens, one window at a context of 8, and b has 8; give it"):
        mixed(run, {"a": 300, "b": 8}, {"a": 1, "b": 1}, 600)
    mixed(run, {"a": 300, "b": 8}, {"a": 1, "b": 0}, 600)


def test_a_group_without_held_out_text_is_told_with_what_it_needs(run):
    """Documents of 50 tokens, a tenth of which are held out: about 500 tokens for one."""
    said: list[str] = []
    reporter = Silent()
    reporter.log = said.append  # type: ignore[method-assign]
    told = Run(run.store, run.engine, reporter)
    tokens = {"a": source(told, "a", 300, held_out=5), "b": source(told, "b", 50, 50), "c": source(told, "c", 50)}
    groups = {"a": "a", "b": "b", "c": "a"}
    made = told(mixture, "small", tokens=tokens, groups=groups, weights={}, budget=600, **HOW)
    assert counts(made)["unvalidated"] == {"b": 500}
    (line,) = said
    assert "group b is trained on and not validated" in line and "about 500 tokens, and it has 100" in line
    for quiet in ({"validation": 0.0}, {"validation_windows": 0}):
        other = told(mixture, "quiet", tokens=tokens, groups=groups, weights={}, budget=600, **{**HOW, **quiet})
        assert counts(other)["unvalidated"] == {} and len(said) == 1
