"""The mixture's arithmetic, on GPT-3's table 2.2 (shared/RECIPES.md, "Mixture")."""

import json
from typing import Any

import pytest
from corpora import Counted, contents, counts

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage
from tasks.tokens.mixture import mixture, mixture_file

B = 10**9
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
    about: dict[str, Any] = {
        "dtype": "uint16", "vocabulary": 300, "end_of_text": 299, "tokenizer": "abc",
        "shards": [{"key": f"{n:05}", "train": count, "validation": held_out} for n, count in enumerate(shards)],
    }  # fmt: skip
    if sizes and clusters:
        about["sizes"] = sizes
        about["shards"] = [shard | {"clusters": parts} for shard, parts in zip(about["shards"], clusters, strict=True)]
    with job.publish("tokens.json") as file:
        file.write(json.dumps(about).encode())
    return Counted()


def source(run: Run, name: str, *shards: int, held_out: int = 0) -> Artifact:
    return run(counted, name, shards=list(shards), held_out=held_out)


def mixed(run: Run, held: dict[str, int], weights: dict[str, float], budget: int) -> tuple[dict[str, Any], Artifact]:
    made = run(
        mixture,
        "small",
        tokens={name: source(run, name, count) for name, count in held.items()},
        groups={name: name for name in held},
        weights=weights,
        budget=budget,
        seed=7,
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
    assert counts(made)["groups"]["webtext2"]["epochs"] == groups["webtext2"]["epochs"]


def test_a_groups_sources_count_together(run):
    tokens = {
        "cc-1": source(run, "cc-1", 100, 200, held_out=5),
        "wiki": source(run, "wiki", 50),
        "cc-2": source(run, "cc-2", 300),
    }
    groups = {"cc-1": "common-crawl", "cc-2": "common-crawl", "wiki": "wiki"}
    made = run(
        mixture, "small", tokens=tokens, groups=groups, weights={"common-crawl": 3, "wiki": 1}, budget=1200, seed=7
    )
    plan = json.loads(mixture_file(made).read_bytes())
    assert {key: plan[key] for key in ("tokenizer", "dtype", "end_of_text", "seed")} == {
        "tokenizer": "abc", "dtype": "uint16", "end_of_text": 299, "seed": 7,
    }  # fmt: skip
    crawl, wiki = plan["groups"]
    assert (crawl["held"], crawl["tokens"], crawl["epochs"]) == (600, 900, 1.5)
    assert (wiki["held"], wiki["tokens"], wiki["epochs"]) == (50, 300, 6.0)
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
    arguments = {"tokens": tokens, "groups": {"web": "all", "wiki": "all"}, "weights": {}, "budget": 1000, "seed": 7}
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
    with pytest.raises(Failure, match=r"stage mixture of small: mixture gives none the weight 2.5, but no document"):
        mixed(run, {"a": 300, "none": 0}, {"a": 1, "none": 2.5}, 600)


def test_a_store_may_be_moved(run, tmp_path):
    """The plan names folders within the store: the same bytes wherever that is."""
    other = Run(tmp_path / "elsewhere", run.engine)
    assert contents(mixed(run, HELD, WEIGHTS, B)[1]) == contents(mixed(other, HELD, WEIGHTS, B)[1])
