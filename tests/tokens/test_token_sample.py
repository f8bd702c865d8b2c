"""The sample of a fit: the documents of smallest draw, up to a number of bytes, found without gathering all draws."""

import random

import numpy as np
import pytest
from corpora import decided, document_id, source, workers

from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens import sample
from tasks.tokens.pieces import held_out
from tasks.tokens.sample import drawn_up_to

COUNT = 300


@statistics
class Drawn:
    """-1 where nothing is drawn."""

    cut: float = 0.0


@stage("drawing", kind="fit", version="1")
def drawing(job: Job, *, documents: Artifact, decision: Artifact, size: int) -> Drawn:
    cut = drawn_up_to(job, documents, decision, size, 0.2, 1)
    return Drawn(-1.0 if cut is None else cut)


def texts() -> list[str]:
    draw = random.Random(1)
    return ["x" * draw.choice([0, 1, 10, 100, 1000]) for _ in range(COUNT)]


def plain(size: int, dropped: set[int]) -> set[int]:
    """The numbers of the documents taken, by the definition."""
    ids = [document_id("web", n) for n in range(COUNT)]
    draws, held = uniform(ids, 1, sample.PURPOSE), held_out(ids, 0.2, 1)
    taken, bytes_taken = set(), 0
    for n in np.argsort(draws, kind="stable").tolist():
        if bytes_taken >= size:
            break
        if n in dropped or held[n]:
            continue
        taken.add(n)
        bytes_taken += len(texts()[n])
    return taken


@pytest.mark.parametrize("bins", [1, 4, 1 << 16])
@pytest.mark.parametrize("size", [1, 5_000, 40_000, 10**9])
def test_the_cut_takes_the_documents_of_smallest_draw(run, monkeypatch, bins, size):
    monkeypatch.setattr(sample, "_BINS", bins)
    documents = source(run, "web", texts(), 3)
    decision = decided(run, documents, [document_id("web", n) for n in range(0, COUNT, 7)])
    cut = run(drawing, "web", documents=documents, decision=decision, size=size).counts(Drawn).cut
    taken = set()
    for shard in documents.shards():
        own = sample.draws(shard, decision, 0.2, 1)
        rows = np.flatnonzero(own <= cut).tolist()
        taken |= {int(shard.key) + 3 * row for row in rows}
    expected = plain(size, set(range(0, COUNT, 7)))
    small = {n for n in expected ^ taken if texts()[n]}
    assert not small, "they differ by more than empty documents"
    assert 0 < len(taken) < COUNT


def test_shards_and_workers_change_nothing(tmp_path):
    found = []
    for place, (shards, number) in enumerate([(1, 1), (7, 2), (100, 1)]):
        run = Run(tmp_path / str(place), workers(number))
        documents = source(run, "web", texts(), shards)
        made = run(drawing, "web", documents=documents, decision=decided(run, documents), size=20_000)
        found.append(made.counts(Drawn).cut)
    assert found[0] == found[1] == found[2] and 0 < found[0] < 1


@pytest.mark.parametrize("size", [0, 1000])
def test_nothing_to_draw(run, size):
    documents = source(run, "web", texts() if size == 0 else [])
    made = run(drawing, "web", documents=documents, decision=decided(run, documents), size=size)
    assert made.counts(Drawn).cut == -1
