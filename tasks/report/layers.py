"""Places for the boxes of a layered drawing, from top to bottom (Sugiyama, Tagawa and Toda 1981, in small).

Boxes stand in layers by the longest way to them, an edge over several layers takes a place of its own in each, and
each layer is put in the order of the means of its neighbours' places. Everything is in pixels.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

BOX, PASSING, GAP = 150, 14, 16  # widths of a box, of an edge that passes by, and between two of either
HIGH, BETWEEN = 44, 34  # of a box, and from layer to layer
MOST = 5  # boxes side by side: more of one layer stand in several rows
SWEEPS = 6

N = TypeVar("N", bound=Hashable)
Edges = Mapping[N, set[N]]  # of each box, those that it reads


@dataclass(frozen=True)
class Places:
    """Middles of the boxes' tops (x, y), each edge as points from what is read to its reader, and what all takes."""

    boxes: dict[Hashable, tuple[float, float]]
    edges: list[list[tuple[float, float]]]
    width: float
    height: float


def reduced(reads: Edges[N]) -> dict[N, set[N]]:
    """The edges without those that another way implies (the transitive reduction of a graph without cycles)."""
    reached: dict[N, set[N]] = {}

    def above(node: N) -> set[N]:
        if node not in reached:
            reached[node] = set()
            for read in reads[node]:
                reached[node] |= {read} | above(read)
        return reached[node]

    return {
        node: {read for read in inputs if not any(read in above(other) for other in inputs if other != read)}
        for node, inputs in reads.items()
    }


def layered(order: Sequence[N], reads: Edges[N], bands: Mapping[N, int]) -> list[list[N]]:
    """Layers of boxes: all of a band above those of the next, within it by the longest way."""
    depth: dict[N, int] = {}

    def of(node: N) -> int:
        if node not in depth:
            depth[node] = 1 + max((of(read) for read in reads[node] if bands[read] == bands[node]), default=-1)
        return depth[node]

    layers: list[list[N]] = []
    for band in sorted({*bands.values()}):
        members = [node for node in order if bands[node] == band]
        for level in range(1 + max(map(of, members))):
            row = [node for node in members if of(node) == level]
            rows = -(-len(row) // MOST)
            layers += [row[place::rows] for place in range(rows)]
    return layers


def placed(layers: Sequence[Sequence[N]], reads: Edges[N], inset: float = 0.0) -> Places:
    """Places for layers whose edges all run downwards; `inset`: room left of them."""
    rank = {node: number for number, layer in enumerate(layers) for node in layer}
    rows: list[list[Hashable]] = [list(layer) for layer in layers]
    up: dict[Hashable, list[Hashable]] = {node: [] for layer in layers for node in layer}
    chains: list[list[Hashable]] = []
    for reader in rank:
        for read in sorted(reads[reader], key=lambda node: list(rank).index(node)):
            chain: list[Hashable] = [read]
            for number in range(rank[read] + 1, rank[reader]):
                passing = ("passing", read, reader, number)
                rows[number].append(passing)
                up[passing] = [chain[-1]]
                chain.append(passing)
            up[reader].append(chain[-1])
            chains.append([*chain, reader])
    down: dict[Hashable, list[Hashable]] = {node: [] for node in up}
    for node, above in up.items():
        for each in above:
            down[each].append(node)
    for sweep in range(SWEEPS):
        near, towards = (up, rows[1:]) if sweep % 2 == 0 else (down, rows[-2::-1])
        for row in towards:
            places = _shares(rows)
            means = {
                node: sum(places[each] for each in near[node]) / len(near[node]) if near[node] else places[node]
                for node in row
            }
            row.sort(key=lambda node: means[node])
    width = max(_wide(row, rank) for row in rows)
    x: dict[Hashable, float] = {}
    for row in rows:
        spare = (width - _wide(row, rank)) / (len(row) + 1)
        at = inset
        for node in row:
            own = BOX if node in rank else PASSING
            at += spare + own / 2
            x[node] = round(at, 1)
            at += own / 2 + GAP
    top = {node: number * (HIGH + BETWEEN) + BETWEEN / 2 for number, row in enumerate(rows) for node in row}
    edges = []
    for chain in chains:
        points = [(x[chain[0]], top[chain[0]] + HIGH)]
        for node in chain[1:-1]:
            points += [(x[node], top[node]), (x[node], top[node] + HIGH)]
        edges.append([*points, (x[chain[-1]], top[chain[-1]])])
    return Places({node: (x[node], top[node]) for node in rank}, edges, inset + width, len(rows) * (HIGH + BETWEEN))


def _shares(rows: list[list[Hashable]]) -> dict[Hashable, float]:
    """How far to the right each stands in its row, 0 to 1."""
    return {node: (number + 0.5) / len(row) for row in rows for number, node in enumerate(row)}


def _wide(row: Sequence[Hashable], boxes: Mapping[N, int]) -> float:
    return sum(BOX if node in boxes else PASSING for node in row) + GAP * (len(row) - 1)
