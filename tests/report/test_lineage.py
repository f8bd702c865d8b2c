"""Lineage: boxes in layers whose edges run downwards, at any size of run; each leads to its section and folder."""

import re
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.models.pretrain import pretrain
from tasks.quality.keep import keep
from tasks.report.layers import BOX, GAP, HIGH, MOST, layered, placed, reduced
from tasks.report.lineage import Node, drawing
from tasks.runtime.artifact import Artifact
from tasks.runtime.store import store_at
from tasks.sources.ingest import ingest

STORE = store_at("/nowhere")


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[int], dict[int, set[int]], dict[int, int]]:
    """Nodes in an order, what each reads of those before, and bands that never fall along an edge."""
    count = draw(st.integers(1, 14))
    reads = {n: set(draw(st.lists(st.integers(0, n - 1), max_size=4))) if n else set() for n in range(count)}
    bands: dict[int, int] = {}
    for n in range(count):
        bands[n] = max([draw(st.integers(0, 2)), *(bands[read] for read in reads[n])])
    return list(range(count)), reads, bands


def reached(node: int, reads: dict[int, set[int]]) -> set[int]:
    return set().union(*({read} | reached(read, reads) for read in reads[node]), set())


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_boxes_do_not_overlap_and_every_edge_runs_down(graph: Any) -> None:
    order, reads, bands = graph
    kept = reduced(reads)
    assert all(reached(node, kept) == reached(node, reads) for node in order), "no way is lost"
    for node in order:
        for read in kept[node]:
            fewer = {**kept, node: kept[node] - {read}}
            assert read not in reached(node, fewer), "no edge that another way implies"
    layers = layered(order, kept, bands)
    assert sorted(node for layer in layers for node in layer) == order and max(map(len, layers)) <= MOST
    places = placed(layers, kept)
    assert len(places.edges) == sum(map(len, kept.values()))
    for points in places.edges:
        heights = [y for _, y in points]
        assert heights == sorted(heights) and heights[0] < heights[-1]
    for layer in layers:
        middles = sorted(places.boxes[node][0] for node in layer)
        assert all(b - a >= BOX + GAP - 0.2 for a, b in pairwise(middles))
        assert middles[0] >= BOX / 2 - 0.2 and middles[-1] <= places.width - BOX / 2 + 0.2
    assert all(y + HIGH <= places.height for _, y in places.boxes.values())


def node(stage: str, name: str, *reads: Node, room: str = "sources", section: str = "", state: str = "built") -> Node:
    artifact = Artifact(stage, name, "f" * 16, STORE)
    return Node(artifact, frozenset(each.artifact.label for each in reads), room, section, state)


def run_of(sources: int, models: int = 1) -> list[Node]:
    """Stages as the DAG has them, one with what later sources take of earlier ones."""
    nodes, before, tokens = [], [], []
    for n in range(sources):
        documents = node("ingest", f"s{n}")
        kept = node("keep", f"s{n}", documents, room="quality", section="quality")
        stays = node("survivors", f"s{n}", kept, documents, *before, room="dedup", section="duplicates")
        bucket = node("buckets", f"s{n}", stays, room="dedup")
        before = [bucket]
        tokens.append(node("tokens", f"s{n}", stays, documents, room="tokens", section="tokenizer"))
        nodes += [documents, kept, stays, bucket, tokens[-1]]
    for n in range(models):
        mixed = node("mixture", f"m{n}", *tokens, room="tokens", section="mixture")
        trained = node("pretrain", f"m{n}", mixed, room="models", section="training")
        nodes += [mixed, trained, node("scores", f"m{n}.t", trained, room="evaluation", section="scores")]
    return nodes


def test_a_stage_is_a_box_whatever_the_number_of_sources() -> None:
    small, large = drawing(run_of(2)), drawing(run_of(60, 50))
    assert small and large
    assert [box.stage for box in large.boxes] == [box.stage for box in small.boxes]
    assert len(large.edges) == len(small.edges) == 7  # ingest's edges to survivors and tokens are implied
    assert len(large.returns) == 1, "what a later source takes of an earlier one"
    assert [name for name, *_ in large.groups] == ["corpus", "training", "evaluation"]
    assert [len(box.marks) for box in small.boxes if box.stage == "keep"] == [2]
    assert [box.told for box in large.boxes if box.stage in ("keep", "scores")] == ["60", "50"]
    tops = {box.stage: box.y for box in large.boxes}
    assert tops["ingest"] < tops["keep"] < tops["survivors"] < tops["tokens"] < tops["pretrain"] < tops["scores"]


def test_what_the_corpus_reads_stands_in_the_corpus() -> None:
    made = node("generated", "sums", room="evaluation")
    sought = node("grams", "all", made, room="decontaminate")
    drawn = drawing([made, sought])
    assert drawn and [name for name, *_ in drawn.groups] == ["corpus"]


def test_a_box_tells_how_far_its_artifacts_are() -> None:
    states = ["built", "running", "to do"]
    nodes = [node("keep", f"s{n}", state=state) for n, state in enumerate(states)]
    drawn = drawing(nodes)
    assert drawn and (drawn.boxes[0].state, drawn.boxes[0].told) == ("running", "1 of 3")
    later = drawing([node("keep", "s", state="to do")])
    assert later and later.boxes[0].state == "to do" and drawing([]) is None


def test_names_cannot_leave_their_place() -> None:
    hostile = Node(Artifact("keep", "../../<b>'\"", "f" * 16, STORE), frozenset(), "quality", "")
    assert re.fullmatch(r"made-[A-Za-z0-9._-]+", hostile.anchor)
    assert hostile.folder == "../keep/..%2F..%2F%3Cb%3E%27%22-" + "f" * 16 + "/"


def test_the_page_links_every_artifact(made: Any) -> None:
    from tasks.report.page import render

    page = render(made.artifact, [], made.nodes)
    for each in made.nodes:
        assert (f'<tr id="{each.anchor}">' in page and f'href="#{each.anchor}"' in page) or len(made.nodes) > 8
        assert f'<a href="../{each.artifact.label}/">' in page and each.artifact.fingerprint in page
    assert '<a href="#quality"><rect class="box built"' in page
    assert keep.section == "quality" and pretrain.section == "training" and ingest.section == "rejects"
