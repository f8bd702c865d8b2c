"""The list that `without` names: documents that were taken back, one id a line. `millrace retract` writes it.

    crawl:0123456789abcdef0123456789abcdef              # a comment: from a # at the line's beginning or behind a space
    crawl:fedcba9876543210fedcba9876543210 classifier   # of the quality classifier's sample: it is fitted without it

A piece's id stands for its document. A fit of the classifier has all scores measured anew; without those that say so it
is the same whether the others are there or not.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tasks.runtime.errors import Mistake

ID = re.compile(r"([a-z0-9][a-z0-9-]*):[0-9a-f]{32}")
COMMENT = re.compile(r"(?:^|\s)#.*$")
FORGET = "classifier"  # what a line may name behind an id


class Line(NamedTuple):
    """A line that says something: its number, its first word, and the words behind it."""

    number: int
    name: str
    more: tuple[str, ...]


@dataclass(frozen=True)
class Retracted:
    """Ids of documents that were taken back, ascending, by source; and those that the classifier is fitted without."""

    ids: dict[str, list[str]] = field(default_factory=dict)
    classifier: dict[str, list[str]] = field(default_factory=dict)


def lines(path: Path) -> Iterator[Line]:
    """The lines of a list, without comments.

    Raises:
        Mistake: it cannot be read, or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Mistake(f"{path} cannot be read: {error.strerror}; give the path of a list of ids") from None
    except UnicodeDecodeError as error:
        raise Mistake(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    for number, line in enumerate(text.splitlines(), 1):
        if words := COMMENT.sub("", line).split():
            yield Line(number, words[0], tuple(words[1:]))


def listed(path: Path, sources: Iterable[str]) -> Retracted:
    """The documents that a list takes back; the same for any order of its lines. A source without any has no entry.

    Raises:
        Mistake: a line is no id, or of no source of the pipeline; every fault with its line.
    """
    known = list(sources)
    ids: dict[str, set[str]] = {}
    of_classifier: dict[str, set[str]] = {}
    faults = []
    for number, name, more in lines(path):
        id = name.partition("#")[0]
        match = ID.fullmatch(id)
        if match is None:
            faults.append(f"{path}:{number}: {name} is no document's id; `millrace retract` finds the ids of URLs")
        elif match[1] not in known:
            there = ", ".join(known)
            faults.append(f"{path}:{number}: {name} is of no source of this pipeline (there are {there}); take it out")
        elif more not in ((), (FORGET,)):
            faults.append(f"{path}:{number}: behind an id only `{FORGET}` may stand, or a comment behind a #")
        else:
            ids.setdefault(match[1], set()).add(id)
            if more:
                of_classifier.setdefault(match[1], set()).add(id)
    if faults:
        raise Mistake("\n".join(faults))
    return Retracted(*({name: sorted(of[name]) for name in known if name in of} for of in (ids, of_classifier)))
