"""`millrace whatif`: what it says of the decisions is what a real run then gives; and it writes nothing."""

import io
import json
from pathlib import Path
from typing import Any

import corpus_toy
import pytest
from rich.console import Console

from flows import dag
from flows.supposed import scratch_over
from flows.whatif import show, whatif
from tasks.fates import corpus as of
from tasks.fates.corpus import Corpus
from tasks.runtime.errors import Mistake
from tasks.runtime.shards import read, read_column
from tasks.tokens.tokens import Tokenised


@pytest.fixture(scope="module")
def conf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = corpus_toy.written(tmp_path_factory.mktemp("whatif"))
    corpus_toy.built(path)
    return path


def asked(conf: Path, settings: dict[str, Any]) -> dict[str, Any]:
    return whatif(conf, settings, 1, lambda _: None)


def funnel(built: dag.Built) -> dict[str, Any]:
    decisions = {name: source.decisions for name, source in built.sources.items()}
    return of.funnel(Corpus(built.documents, decisions, {}))


def kept(built: dag.Built) -> set[str]:
    """Ids of the documents that stay."""
    return {
        id
        for source in built.sources.values()
        for shard in source.documents.shards()
        for id, stays in zip(
            read(shard, ["id"]).column("id").to_pylist(),
            read_column(source.last, shard, ["keep"]).column("keep").to_pylist(),
            strict=True,
        )
        if stays
    }


# A setting of each decision's keys; what it must change, so that no row is a test of nothing.
SETTINGS = [
    {"quality.keep": {"pareto": 4}},
    {"quality.keep": {"threshold": 0.4}},
    {"keep.heuristics.words.min": 152},
    {"keep.pii.emails.max": 1},
    {"sources.web.languages": ["en"]},
    {"dedup.threshold": 0.9},
    {"dedup.bands": 4},
    {"dedup.across": False},
    {"decontaminate.shortest": 400},
    {"decontaminate.pieces": 1},
    {"decontaminate.frequent": 1},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda each: next(iter(each)))
def test_what_it_says_is_what_a_run_then_gives(conf: Path, settings: dict[str, Any]) -> None:
    store = corpus_toy.files(conf.parent)
    told = asked(conf, settings)
    assert corpus_toy.files(conf.parent) == store, "nothing was written"
    assert told["only_a_run"] == told["undecided"] == []
    assert told["after"]["funnel"] != told["before"]["funnel"], "choose a setting that changes something"
    now = corpus_toy.built(conf, until=dag.build_corpus)
    assert told["before"]["funnel"] == funnel(now)
    then = corpus_toy.built(conf, settings, until=dag.build_corpus)
    assert told["after"]["funnel"] == funnel(then)
    before, after = kept(now), kept(then)
    totals = told["documents"]["totals"]
    assert (totals["gained"], totals["lost"]) == (len(after - before), len(before - after))
    for kind, ids in (("gained", after - before), ("lost", before - after)):
        samples = {row["id"] for row in told["documents"]["samples"][kind]}
        assert samples <= ids and len(samples) == min(3, len(ids))


def test_a_bound_on_epochs_is_told_exactly_by_the_mixture_itself(conf: Path) -> None:
    """Weights are the tokenizer's sample's, too; a bound touches the mixture alone."""
    settings = {"mixture": {"weights": {"crawl": 3, "books": 2}, "epochs": {"max": 0.6}}}
    told = asked(conf, settings)
    assert told["after"]["funnel"] == told["before"]["funnel"] and told["documents"]["totals"]["lost"] == 0
    assert told["after"]["tokens"] == told["before"]["tokens"] and not told["tokens_a_byte"]
    then = corpus_toy.built(conf, settings)
    groups = of.mixtures(Corpus({}, {}, {}, mixtures=then.mixtures))
    assert told["after"]["mixtures"] == groups != told["before"]["mixtures"]
    assert {"stage": "pretrain", "name": "tiny"} in told["to_build"]


def test_other_weights_leave_the_funnel_and_the_tokens_known(conf: Path) -> None:
    told = asked(conf, {"mixture": {"crawl": 1, "books": 1}})
    assert told["after"]["funnel"] == told["before"]["funnel"]
    for name, counts in told["before"]["tokens"].items():
        after = told["after"]["tokens"][name]
        assert (after["train"], after["validation"]) == (counts["train"], counts["validation"])
        assert after["estimated"], "by the tokenizer of now: a run fits it anew, to a sample of these weights"
    assert [group["weight"] for group in told["after"]["mixtures"]["tiny"].values()] == [0.5, 0.5]


def test_tokens_of_other_documents_are_estimated_and_said_to_be(conf: Path) -> None:
    settings = {"dedup.threshold": 0.9}
    told = asked(conf, settings)
    before, after = told["before"]["tokens"]["web"], told["after"]["tokens"]["web"]
    assert after["estimated"] and after["known"] > 0 and after["train"] > before["train"]
    assert "Tokens after ~ are estimated" in " ".join(told["notes"])
    then = corpus_toy.built(conf, {**settings})
    counts = then.tokens["web"].counts(Tokenised)
    assert after["train"] == pytest.approx(counts.train, rel=0.02), (
        "the tokenizer is fitted anew, on nearly the same text"
    )
    mixed = of.mixtures(Corpus({}, {}, {}, mixtures=then.mixtures))["tiny"]
    for group, share in told["after"]["mixtures"]["tiny"].items():
        assert share["weight"] == mixed[group]["weight"]
        assert share["epochs"] == pytest.approx(mixed[group]["epochs"], rel=0.02)


def test_documents_that_stay_count_the_tokens_they_have(conf: Path) -> None:
    """Under the same decisions and another share of validation: the sum is known to the token."""
    told = asked(conf, {"validation": 0.3})
    for name, after in told["after"]["tokens"].items():
        before = told["before"]["tokens"][name]
        if after is not None and after.get("estimated"):
            assert after["train"] + after["validation"] == before["train"] + before["validation"] == after["known"]


def test_what_only_a_run_would_tell_is_named(conf: Path) -> None:
    told = asked(conf, {"dedup.permutations": 256})
    assert {(row["stage"], row["name"]) for row in told["only_a_run"]} == {
        ("signatures", "books"),
        ("signatures", "web"),
    }
    assert "parameter permutations" in told["only_a_run"][0]["why"]
    assert [row["stage"] for row in told["undecided"] if row["name"] == "web"] == ["survivors", "cuts"]
    steps = told["after"]["funnel"]["web"]
    assert [step["documents"] is None for step in steps] == [False, False, True, True]
    assert told["documents"] is None and told["after"]["tokens"]["web"] is None


def test_a_mixture_that_cannot_be_filled_is_told_before_the_run(conf: Path) -> None:
    told = asked(conf, {"mixture": {"weights": {"crawl": 3, "books": 2}, "epochs": {"max": 0.5}}})
    assert any(note.startswith("A run would stop: ") and "epochs" in note for note in told["notes"])


def test_the_table_shows_both_sides(conf: Path) -> None:
    out = io.StringIO()
    show(Console(file=out, width=160), conf, {"dedup.threshold": 0.9}, 1, False, lambda _: None)
    text = out.getvalue()
    assert "dedup.threshold=0.9" in text and "documents, now" in text and "Gained, 3 of" in text
    for line in text.splitlines():
        if line.split()[:1] == ["near"]:
            _, now, then, change = line.split()
            assert int(then) - int(now) == int(change) < 0
            break
    else:
        pytest.fail(text)


def test_a_key_that_is_none_and_a_store_are_refused(conf: Path, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="dedup"):
        asked(conf, {"dedup.treshold": 0.9})
    with pytest.raises(Mistake, match="leave `store` as it is"):
        asked(conf, {"store": str(tmp_path)})
    empty = corpus_toy.written(tmp_path)
    with pytest.raises(Mistake, match=r"nothing of .* is ingested"):
        asked(empty, {"dedup.threshold": 0.9})
    assert not (tmp_path / "store").exists()


def test_the_json_is_one_object(conf: Path) -> None:
    out = io.StringIO()
    show(Console(file=out, width=20), conf, {"keep.pii.emails.max": 1}, 1, True, lambda _: None)
    told = json.loads(out.getvalue())
    assert told["version"] == 1 and told["settings"] == {"keep.pii.emails.max": 1}


def test_the_scratch_store_is_gone_and_the_base_is_never_written(conf: Path, tmp_path: Path) -> None:
    from conf.load import load

    before = corpus_toy.files(conf.parent)
    with scratch_over(load(conf), 1) as (store, _):
        name = next(entry.name for entry in store.list("keep"))
        (tmp_path / "new").write_text("other")
        assert store.publish(name, tmp_path / "new") and store.read(name) == b"other"
        top = Path(store.where(name))
        store.delete(name)
        assert store.read(name) != b"other" and store.exists(name)
    assert not top.parent.exists() and corpus_toy.files(conf.parent) == before
