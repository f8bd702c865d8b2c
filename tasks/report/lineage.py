"""Lineage: what was made from what, from sources to scores, as one drawing; and a list of every artifact.

A stage is a box, and its artifacts are marks in it: one a source, model or task. On the page alone, since folders
differ from machine to machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from tasks.report.layers import BOX, HIGH, layered, placed, reduced
from tasks.report.report import report
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import leaves
from tasks.runtime.stage import Stage

NAME, HEADING = "lineage", "Lineage"
GROUPS = ("corpus", "training", "evaluation")
OF_ROOMS = {"tokens": 1, "models": 1, "evaluation": 2, "report": 2, "export": 2}  # tasks/<room>; all else is the corpus
MARKS = 8  # artifacts of a stage that have a mark each; of more their number stands there
INSET = 30  # pixels left of the boxes, where the group's name stands


@dataclass(frozen=True)
class Node:
    """An artifact of the run, and how far it is: "built", "cached", "running", "to do" or "stopped"."""

    artifact: Artifact
    reads: frozenset[str]  # labels
    room: str
    section: str  # of the page, that shows it; "" where none does
    state: str = "built"
    kind: str = ""  # of the stage
    columns: tuple[tuple[str, str], ...] = ()  # that the stage writes of each row: name, meaning

    @property
    def anchor(self) -> str:
        """Of its row in the list."""
        return f"made-{quote(self.artifact.label, safe='').replace('%', '.')}"

    @property
    def folder(self) -> str:
        """A link from the page, which lies in the store's reports/, to the artifact's folder."""
        stage, _, rest = self.artifact.label.partition("/")
        return f"../{quote(stage)}/{quote(rest, safe='')}/"


@dataclass(frozen=True)
class Box:
    """A stage as it is drawn; x and y are of its left upper corner."""

    stage: str
    nodes: list[Node]
    x: float
    y: float

    @property
    def marks(self) -> list[tuple[float, Node]]:
        """Each artifact's x, and the artifact; none where they are too many."""
        if len(self.nodes) > MARKS:
            return []
        wide = (BOX - 16) / MARKS
        return [(round(self.x + 8 + wide * place, 1), node) for place, node in enumerate(self.nodes)]

    @property
    def told(self) -> str:
        """The artifact's name, or how many there are, and how many of them are there while a run is going."""
        if len(self.nodes) == 1:
            return self.nodes[0].artifact.name
        there = sum(node.state in ("built", "cached") for node in self.nodes)
        return f"{len(self.nodes)}" if there == len(self.nodes) else f"{there} of {len(self.nodes)}"

    @property
    def state(self) -> str:
        """That of its artifacts together."""
        states = {node.state for node in self.nodes}
        for state in ("stopped", "running", "to do"):
            if state in states:
                return state if state != "to do" or states == {"to do"} else "running"
        return "built"

    @property
    def section(self) -> str:
        return self.nodes[0].section


@dataclass(frozen=True)
class Drawing:
    """What the template draws: boxes, edges as SVG paths, the groups' names with where they begin and end."""

    boxes: list[Box]
    edges: list[str]
    returns: list[str]  # edges that lead back: what a source takes of earlier ones, a model of smaller ones
    groups: list[tuple[str, float, float]]
    width: float
    height: float


def nodes_of(
    artifacts: Sequence[Artifact], stages: Mapping[str, Stage], states: Mapping[str, str], otherwise: str = "built"
) -> list[Node]:
    """The run's artifacts but the report itself; `states` by label, and of those that are not among them."""
    return [
        Node(
            artifact,
            frozenset(leaves(artifact.recipe.get("inputs", {}))),
            f"{stages[artifact.stage].function.__module__}.".split(".")[1],
            stages[artifact.stage].section,
            states.get(artifact.label, otherwise),
            stages[artifact.stage].kind,
            tuple((column.name, column.meaning) for column in stages[artifact.stage].columns),
        )
        for artifact in artifacts
        if artifact.stage != report.name
    ]


def drawing(nodes: Sequence[Node]) -> Drawing | None:
    """The drawing of a run's artifacts; None of none."""
    if not nodes:
        return None
    of_label = {node.artifact.label: node.artifact.stage for node in nodes}
    members: dict[str, list[Node]] = {}
    reads: dict[str, set[str]] = {}
    for node in {node.artifact.label: node for node in nodes}.values():
        members.setdefault(node.artifact.stage, []).append(node)
        used = {of_label[label] for label in node.reads if label in of_label}
        reads.setdefault(node.artifact.stage, set()).update(used - {node.artifact.stage})
    order = list(members)  # as the run met them: what is read before its reader, but for what goes round
    back = [(read, stage) for stage in order for read in order[order.index(stage) :] if read in reads[stage]]
    forth = reduced({stage: inputs - {read for read, of in back if of == stage} for stage, inputs in reads.items()})
    bands = {stage: OF_ROOMS.get(of[0].room, 0) for stage, of in members.items()}
    for stage in reversed(order):  # what is read in a group belongs to it or comes before it
        bands |= {read: min(bands[read], bands[stage]) for read in forth[stage]}
    places = placed(layered(order, forth, bands), forth, INSET)
    boxes = [Box(stage, members[stage], places.boxes[stage][0] - BOX / 2, places.boxes[stage][1]) for stage in order]
    groups = []
    for band in sorted({*bands.values()}):
        tops = [places.boxes[stage][1] for stage in order if bands[stage] == band]
        groups.append((GROUPS[band], min(tops) - 8, max(tops) + HIGH + 8))
    returns = []
    for read, stage in back:
        (x, y), (to_x, to_y) = places.boxes[read], places.boxes[stage]
        returns.append(_path([(x + 20, y), (to_x + 20, to_y + HIGH)]))
    return Drawing(boxes, [_path(way) for way in places.edges], returns, groups, places.width + 6, places.height)


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Curves down from layer to layer, straight past boxes."""
    (x, y), *rest = points
    told = [f"M{x:g} {y:g}"]
    for number, (to_x, to_y) in enumerate(rest):
        middle = (y + to_y) / 2
        told.append(f"L{to_x:g} {to_y:g}" if number % 2 else f"C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}")
        x, y = to_x, to_y
    return "".join(told)
