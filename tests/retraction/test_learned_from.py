"""Who is of the classifier's sample, against the code that draws it: once some are gone, others are drawn."""

import random
from pathlib import Path
from typing import Any

import pytest
from corpora import document_id, source, workers

from tasks.quality.classifier import classifier
from tasks.quality.drawn import chosen, draw_both
from tasks.quality.remaining import remaining
from tasks.retraction.sample import learned_from
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.runtime.shards import read

SAMPLE, FEATURES = 24, 64


class Job:
    """What draw_both asks of a job."""

    engine = workers(1)


def ids_of(documents: Artifact) -> list[str]:
    return [id for shard in documents.shards() for id in read(shard, ["id"]).column("id").to_pylist()]


def spoken(documents: Artifact, language: str) -> list[str]:
    rows = [row for shard in documents.shards() for row in read(shard, ["id", "language"]).to_pylist()]
    return [row["id"] for row in rows if row["language"] == language]


def drawn(good: list[Artifact], raw: list[Artifact], how: dict[str, Any]) -> set[str]:
    """Ids of the whole sample."""
    sides, _ = draw_both(Job(), good, raw, sample=SAMPLE, features=FEATURES, **how)  # type: ignore[arg-type]
    found = set()
    for side in sides:
        for shard in side.shards:
            here, _, _ = chosen(shard, side.limits, **how)
            found |= {id for id, there in zip(read(shard, ["id"])["id"].to_pylist(), here, strict=True) if there}
    return found


def corpus(run: Run, seed: int, without: set[str]) -> dict[str, Artifact]:
    """Sources of random sizes and languages, of which one side lacks some; without these ids."""
    draw = random.Random(seed)
    made = {}
    for name, languages in (
        ("books", ["en", "de", "ka"]),
        ("talks", ["en", "fr"]),
        ("web", ["en", "de", "fr", "tr", None]),
    ):
        count = draw.randrange(40, 70)
        rows = [(document_id(name, n), f"{name} text {n} " * 5, draw.choice(languages)) for n in range(count)]
        rows = [row for row in rows if row[0] not in without]
        ids, texts, of_rows = (list(column) for column in zip(*rows, strict=True))
        made[name] = source(run, name, texts, 3, ids, of_rows)
    return made


@pytest.mark.parametrize("preset", ["modern", "gpt3"])
@pytest.mark.parametrize("seed", range(2))
def test_those_that_are_drawn_or_would_be(tmp_path: Path, preset: str, seed: int) -> None:
    run = Run(tmp_path / "store", workers(1))
    made = corpus(run, seed, set())
    good, raw = [made["books"], made["talks"]], [made["web"]]
    how = {"validation": 0.1, "seed": seed, "mixed": preset == "gpt3"}
    parameters = {"preset": preset, "sample": SAMPLE, "features": FEATURES, "validation": 0.1, "seed": seed}
    fitted = run(classifier, "all", good=good, raw=raw, **parameters)
    gone = {name: [id for id in ids_of(made[name]) if random.Random(id).random() < 0.3] for name in made}
    every = {id for ids in gone.values() for id in ids}

    found = learned_from(workers(1), fitted, gone)
    marked = {id for ids in found.values() for id in ids}
    first = drawn(good, raw, how) & every
    assert first < marked, "others took their places"
    # By brute force: take out who is drawn until nobody of them is.
    out: set[str] = set()
    while True:
        rest = corpus(run, seed, out)
        more = drawn([rest["books"], rest["talks"]], [rest["web"]], how) & every
        if not more:
            break
        out |= more
    # A good document that is drawn and then left out, since raw ones lack its language, takes another's place.
    lacking = {*spoken(made["books"], "ka")} if preset == "modern" else set()
    assert out == marked or (out < marked and marked & lacking)

    # Fitted from what remains, it is the classifier of a corpus that never had any of them.
    drawing = {"sample": SAMPLE, "validation": 0.1, "seed": seed, "mixed": preset == "gpt3"}
    left = {
        name: run(remaining, name, documents=made[name], ids=found[name], **drawing) if name in found else made[name]
        for name in made
    }
    never = corpus(run, seed, every)
    again, scratch = (
        run(classifier, "all", good=[of["books"], of["talks"]], raw=[of["web"]], **parameters) for of in (left, never)
    )
    assert again.read("weights.npz") == scratch.read("weights.npz") != fitted.read("weights.npz")
    assert again.manifest["statistics"] == scratch.manifest["statistics"]
    assert learned_from(workers(1), again, gone) == {}
