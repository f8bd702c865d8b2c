"""A part of a DAG, by stage and name: what a run that goes on to some stage, or builds one alone, has to build.

It is told from the handles of the DAG followed without building, whose inputs name each other by label. Stage and name
stand for an artifact here, since a list of files that is frozen by the run itself changes fingerprints behind it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.runtime.artifact import Artifact
from tasks.runtime.job import leaves


@dataclass(frozen=True)
class Part:
    """Stages and names of what is built, and the lists of files that only the rest reads."""

    wanted: frozenset[tuple[str, str]]
    idle_lists: frozenset[str] = field(default=frozenset())

    def holds(self, artifact: Artifact) -> bool:
        return (artifact.stage, artifact.name) in self.wanted


def part(
    asked: Iterable[Artifact], artifacts: Iterable[Artifact], lists: Mapping[str, Any], with_needs: bool = True
) -> Part:
    """The part that holds `asked`, of all `artifacts`, and, `with_needs`, whatever they need.

    `lists`: by where they are kept the lists of files that were made on the way. One is idle where artifacts read it,
    all of them outside the part.
    """
    artifacts = list(artifacts)
    by_label = {artifact.label: artifact for artifact in artifacts}
    taken: dict[str, Artifact] = {}
    waiting = list(asked)
    while waiting:
        artifact = waiting.pop()
        if artifact.label not in taken:
            taken[artifact.label] = artifact
            waiting += [by_label[label] for label in needs(artifact) if label in by_label] if with_needs else []
    wanted = frozenset((artifact.stage, artifact.name) for artifact in taken.values())
    idle = set()
    for place, files in lists.items():
        held = placeless(files)
        readers = [one for one in artifacts if any(value == held for value in one.recipe["parameters"].values())]
        if readers and not any((one.stage, one.name) in wanted for one in readers):
            idle.add(place)
    return Part(wanted, frozenset(idle))


def needs(artifact: Artifact) -> list[str]:
    """Labels of an artifact's inputs."""
    return list(leaves(artifact.recipe["inputs"]))


def placeless(value: Any) -> Any:
    """A parameter as the recipe has it: of a listed file (`name`, size, checksum) not where on this machine it lies.

    So a folder that is moved with its store finds everything built. A URL is no place of this machine, and stays.
    """
    if isinstance(value, list):
        return [placeless(item) for item in value]
    if isinstance(value, dict):
        lies_here = "name" in value and "://" not in str(value.get("path", "://"))
        return {key: placeless(item) for key, item in value.items() if not (key == "path" and lies_here)}
    return value
