"""What each paper's rule finds of the planted leaks, document by document: the audit's rules on the text as ingested.

What decontamination takes out never reaches training, so the audit's own verdict says nothing of what its rules would
have found; here they read the very documents that the leaks were planted into. Items that are not in such a document,
and that a rule calls dirty all the same, are its false alarms.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tasks.decontaminate.benchmark import items_of
from tasks.evaluation.asking.table import RULES
from tasks.evaluation.overlap import Finders
from tasks.evaluation.rules.rule import DIRTY, UNCHECKABLE, Items
from tasks.runtime.artifact import Artifact

ROOM = 1_000_000  # words of a document that rule gpt2's filter is for
SEED = 1  # of rule gpt4's draws
Item = tuple[str, str]  # benchmark, item


@dataclass(frozen=True)
class Looked:
    """A document that leaks were planted into, by one rule: the leaked items that it calls dirty; the items that are
    not in the document and can be checked, and how many of these it calls dirty."""

    rule: str
    found: frozenset[Item]
    absent: int
    alarms: int


def looked(text: str, leaked: Collection[Item], benchmarks: tuple[tuple[str, Artifact], ...]) -> list[Looked]:
    """By each rule."""
    finders, items = _finders(benchmarks)
    met = finders.nothing()
    finders.look(text.encode("utf-8", "replace"), met)
    answers = []
    for rule, by_benchmark in finders.verdicts(met).items():
        states = {
            (name, item): verdict.state
            for name, verdicts in by_benchmark.items()
            for item, verdict in zip(items[name], verdicts, strict=True)
        }
        mine = {item: states[item] for item in leaked if item in states}
        others = [state for item, state in states.items() if item not in mine and state != UNCHECKABLE]
        answers.append(
            Looked(
                rule,
                frozenset(item for item, state in mine.items() if state == DIRTY),
                len(others),
                others.count(DIRTY),
            )
        )
    return answers


@lru_cache(maxsize=1)
def _finders(benchmarks: tuple[tuple[str, Artifact], ...]) -> tuple[Finders, dict[str, list[str]]]:
    """The rules over the benchmarks' texts as they stand (no tokenizer between), and the items' ids."""
    tables = {name: items_of(artifact, ["item", "text"]) for name, artifact in benchmarks}
    items = {
        name: Items(table["item"].to_pylist(), [text.encode("utf-8", "replace") for text in table["text"].to_pylist()])
        for name, table in tables.items()
    }
    return Finders.of(items, RULES, SEED, ROOM), {name: each.ids for name, each in items.items()}


def told(
    planted: list[dict[str, Any]],
    items: list[Item | None],
    documents: Iterable[tuple[frozenset[int], tuple[Looked, ...]]],
    trained: dict[str, dict[Item, str]],
    left: Collection[int],
) -> list[dict[str, Any]]:
    """A row a rule: by form, leaks that were looked for and that were found; false alarms; and of the audit, on tokens
    as trained, the items of the leaks that are left and how many it calls dirty, and those dirty without one.

    items: of each leak. documents: the leaks in each, and what the rules say. trained: states by rule. left: numbers of
    leaks of which training text has a gram.
    """
    said = [(leaks, each) for leaks, answers in documents for each in answers]
    still = {items[number] for number in left} - {None}
    rows: list[dict[str, Any]] = []
    for rule in RULES:
        by_rule = [(leaks, each) for leaks, each in said if each.rule == rule]
        found: dict[int, bool] = {}
        for leaks, each in by_rule:
            for number in leaks:
                found[number] = found.get(number, False) or items[number] in each.found
        forms: dict[str, dict[str, int]] = {}
        for number in sorted(found):
            of_form = forms.setdefault(planted[number]["form"], {"looked": 0, "found": 0})
            of_form["looked"] += 1
            of_form["found"] += int(found[number])
        dirty = {item for item, state in trained.get(rule, {}).items() if state == DIRTY}
        audit = {"left": len(still), "dirty": len(dirty & still), "alarms": len(dirty - still)}
        rows.append(
            {
                "rule": rule,
                "forms": forms,
                "absent": sum(each.absent for _, each in by_rule),
                "alarms": sum(each.alarms for _, each in by_rule),
                "trained": audit if rule in trained else None,
            }
        )
    return rows
