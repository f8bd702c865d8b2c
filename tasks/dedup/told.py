"""How `explain` tells of `survivors`: the witness, how alike it is, and what is alike enough."""

from collections.abc import Iterator, Mapping

from tasks.runtime.artifact import Artifact
from tasks.runtime.decisions import tell_decision
from tasks.runtime.stage import Place

SHAPES_NO_BYTES = True


def tell_survivors(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """`dropped: near; duplicate_of ..., similarity 0.93, at a threshold of 0.8`."""
    for line in tell_decision(artifact, place, others):
        alike = ", similarity " in line
        yield f"{line}, at a threshold of {artifact.manifest['parameters']['threshold']:g}" if alike else line
