"""Which step of a model that learns from examples reads which record: the reader's own order, and back again."""

import io
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from corpora import workers
from examples_made import examples_made
from rich.console import Console

from flows.explain_step import show_step
from model.config import Architecture, stated
from model.examples import Examples
from model.files import store_at
from model.presets import FINE_TUNING
from tasks.models.train import train
from tasks.models.tuned_steps import tell_tuned, tuned_steps_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.runtime.stage import Place

COUNT, BATCH, EPOCHS = 30, 7, 2.5


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Artifact, Artifact]:
    """Examples, and the handle of a model that would learn from them: nothing is trained."""
    run = Run(tmp_path_factory.mktemp("tuned") / "store", workers(1))
    records = [{"text": f"the mill {n}", "label": ("bad", "good")[n % 2]} for n in range(COUNT)]
    examples = examples_made(run, "mill", records, form="classify", classes=["bad", "good"], shard=400)
    return run, examples, handle(run, examples)


def handle(run: Run, examples: Artifact, **given: Any) -> Artifact:
    planned = Run(run.store, None)
    how = {"training": {**FINE_TUNING, "batch": BATCH, "seed": 3}, "epochs": EPOCHS, **given}
    architecture = stated(Architecture(layers=1, width=32, heads=2, context=64, vocabulary=300))
    return planned(
        train, "tuned", start=None, examples=examples, objective="classify", objective_keys={},
        architecture=architecture, layers_transferred=None, torchrun=[], **how,
    )  # fmt: skip


def by_the_reader(examples: Artifact) -> tuple[list[list[str]], Examples]:
    """Ids of each step, as the trainer reads them."""
    read = Examples(store_at(examples.store.url, Path(), 0), examples.label, "train", 3)
    budget = round(EPOCHS * len(read))
    ids = [read.ids[read.where(i)[2]] for i in range(budget)]
    return [ids[at : at + BATCH] for at in range(0, budget, BATCH)], read


def test_each_step_reads_what_the_trainer_reads(made: tuple[Run, Artifact, Artifact]) -> None:
    _, examples, model = made
    steps, read = by_the_reader(examples)
    with tuned_steps_of(model) as told:
        assert told.updates.count == len(steps)
        assert [[each.id for each in told.of(n)] for n in range(1, len(steps) + 1)] == steps
        by_record: dict[str, list[int]] = defaultdict(list)
        for number, ids in enumerate(steps, 1):
            for id in ids:
                by_record[id].append(number)
        for id in read.ids:
            found = told.reading(id)
            assert [step for step, _ in found] == by_record[id] and len(found) in (2, 3)
            assert [each.epoch for _, each in found] == list(range(len(found)))
        assert told.reading("mill:" + "0" * 32) == []


def shown(run: Run, step: int, model: Artifact) -> str:
    out = io.StringIO()
    planned = Run(run.store, None)
    planned.artifacts.append(model)
    show_step(Console(file=out, width=300), planned, step, None)
    return out.getvalue()


def test_explain_shows_the_records_of_a_step_with_their_lines(made: tuple[Run, Artifact, Artifact]) -> None:
    run, examples, model = made
    steps, _ = by_the_reader(examples)
    told = shown(run, 2, model).splitlines()
    assert told[0].startswith(f"tuned, step 2 of {len(steps)}: examples 7 to 13 of the training, by {examples.label}")
    assert told[0].endswith("and seed 3; not trained yet") and len(told) == 1 + BATCH
    assert [line.split()[1] for line in told[1:]] == steps[1]
    assert all(" of mill.jsonl" in line and "epoch 0" in line for line in told[1:])
    with pytest.raises(Mistake, match=rf"tuned has no step 99: it has steps 1 to {len(steps)}"):
        shown(run, 99, model)


def test_a_record_is_told_its_steps(made: tuple[Run, Artifact, Artifact]) -> None:
    run, examples, model = made
    steps, read = by_the_reader(examples)
    (shard, *_) = examples.shards()

    def told(id: str, source: str = "mill", of: Artifact = model) -> list[str]:
        return list(tell_tuned(of, Place(source, shard, 0, id, b""), {}))

    id = read.ids[4]
    numbers = [number for number, ids in enumerate(steps, 1) if id in ids]
    lines = told(id)
    assert lines[0] == f"tuned: {len(numbers)} of {len(steps)} steps read it; it is not trained yet"
    assert [line.split(",")[0] for line in lines[1:]] == [f"tuned: step {number}" for number in numbers]
    assert told(id, "web") == [], "it is none of its records"
    assert told("mill:" + "0" * 32) == [f"tuned: no step of {len(steps)} reads it; it is not trained yet"]
    many = handle(run, examples, epochs=20)
    assert len(lines := told(id, of=many)) == 1 + 4 + 1 + 2 and "14 more readings" in lines[5]
    absent = handle(run, Artifact("examples", "mill", "0" * 16, run.store))
    assert told(id, of=absent) == ["tuned: not built, nor its examples"]
    assert " steps read it" in told(id, of=handle(run, examples, epochs=None, training=budgeted()))[0]


def budgeted() -> dict[str, Any]:
    return {**FINE_TUNING, "batch": BATCH, "seed": 3, "tokens": 60, "warm_up": 0}
