"""Who leaves: rounds on disk and the walk give the twin's answer, on random graphs and on chains."""

import random

import numpy as np
import pyarrow as pa
import pytest
from corpora import source, written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.dedup import walk
from tasks.dedup.edges import EDGE, EDGES
from tasks.dedup.pieces import cleared, rows_of, write
from tasks.dedup.places import Places
from tasks.runtime.fixed import fixed
from tasks.runtime.job import Job, Silent
from tasks.runtime.run import Run, handle
from tests.kernels import twins

RANKED = 2  # sources of one shard each


@pytest.fixture
def places(run: Run) -> Places:
    documents = tuple(source(run, name, ["some words"]) for name in ("first", "second"))
    return Places(documents, documents)


def graph(order: list[tuple[int, int]], earlier: list[list[int]]) -> pa.Table:
    """Edges between documents (rank, number of id), which stand in order; their rows are dealt out at random."""
    draw = random.Random(1)
    rows = list(range(len(order)))
    draw.shuffle(rows)
    place = [rank << 32 | rows[n] for n, (rank, _) in enumerate(order)]
    pairs = [(later, other) for later, others in enumerate(earlier) for other in sorted({*others})]
    draw.shuffle(pairs)
    ids = [np.frombuffer(order[n][1].to_bytes(16), np.uint8) for n in range(len(order))]
    columns = [
        pa.array([place[later] for later, _ in pairs], pa.int64()),
        pa.array([place[other] for _, other in pairs], pa.int64()),
        pa.array([EDGE] * len(pairs), pa.int8()),
        fixed(np.array([ids[later] for later, _ in pairs], np.uint8).reshape(-1, 16)),
        fixed(np.array([ids[other] for _, other in pairs], np.uint8).reshape(-1, 16)),
        pa.array([0.5 + later / 1000 for later, _ in pairs], pa.float32()),
    ]
    return pa.table(columns, schema=EDGES), place


def decided(run: Run, places: Places, edges: pa.Table, memory: int, pieces: int = 3) -> list[dict]:
    job = Job(handle(run.store, written, "graph", {}), written, run.engine, Silent(), None)
    with cleared(job):
        cut = [edges.slice(start, 1 + len(edges) // pieces) for start in range(0, len(edges), 1 + len(edges) // pieces)]
        made = walk.decide(job, [write(job.artifact, part) for part in cut], places, memory)
        rows = [row for piece in made for row in rows_of(piece, artifact=job.artifact).to_pylist()]
    return sorted(rows, key=lambda row: row["place"])


def expected(place: list[int], earlier: list[list[int]]) -> dict[int, int]:
    return {place[n]: place[w] for n, w in enumerate(twins.witnesses(earlier)) if w >= 0}


@st.composite
def graphs(draw):
    n = draw(st.integers(1, 30))
    ranks = sorted(draw(st.lists(st.integers(0, RANKED - 1), min_size=n, max_size=n)))
    ids = draw(st.lists(st.integers(0, 2**128 - 1), min_size=n, max_size=n, unique=True))
    earlier = [draw(st.lists(st.integers(0, d - 1), max_size=5)) if d else [] for d in range(n)]
    return sorted(zip(ranks, ids, strict=True)), earlier


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs())
def test_rounds_and_walk_give_the_definition(run, places, case):
    order, earlier = case
    edges, place = graph(order, earlier)
    in_one = decided(run, places, edges, 1 << 30)
    assert {row["place"]: row["target"] for row in in_one} == expected(place, earlier)
    assert decided(run, places, edges, 0) == in_one
    assert decided(run, places, edges, walk.EDGE_BYTES * len(edges) // 2) == in_one


@pytest.mark.parametrize("length", [2, 41, 60])
def test_a_chain_in_the_order_of_its_ids(run, places, length):
    """Each is like the one before it only: every other one stays. Rounds settle one link each."""
    earlier = [[n - 1] if n else [] for n in range(length)]
    edges, place = graph([(1, n) for n in range(length)], earlier)
    found = decided(run, places, edges, 0)
    assert [row["place"] for row in found] == sorted(place[1::2])
    assert {row["place"]: row["target"] for row in found} == dict(zip(place[1::2], place[0::2], strict=False))
    assert decided(run, places, edges, 1 << 30) == found
    assert [row["similarity"] for row in found] == pytest.approx(
        [0.5 + place.index(row["place"]) / 1000 for row in found]
    )


def test_a_chain_of_a_hundred_thousand_is_cut_by_rounds_and_then_walked(run, places, monkeypatch):
    """In a random order of ids a round or two leaves so little that it is walked."""
    length, steps = 100_000, []
    draw = np.random.default_rng(1)
    order = np.argsort(draw.permutation(length))  # the chain's links in the order of their ids
    earlier: list[list[int]] = [[] for _ in range(length)]
    for left, right in zip(order[:-1].tolist(), order[1:].tolist(), strict=True):
        earlier[max(left, right)].append(min(left, right))
    edges, place = graph([(1, int(n) << 64) for n in range(length)], earlier)
    real = walk.step
    monkeypatch.setattr(walk, "step", lambda *given: steps.append(1) or real(*given))
    found = decided(run, places, edges, walk.EDGE_BYTES * length // 4)
    assert {row["place"]: row["target"] for row in found} == expected(place, earlier)
    assert 4 <= len(steps) <= 10, "two a round, and two at the end"
    assert decided(run, places, edges, 1 << 30) == found
