"""What the page of `millrace label` asks, and the comparison that is kept of it (InstructGPT, section 3.4, appendix B).

    {id, prompt | messages, answers: [K], ranks: [K], labeler, judge: "human", likert: [K], flags: {name: [K]},
     shown: [K], models?: [K]}

Lists are in the order of the record's answers; `shown` says which stood first, second, ... before the labeler. Rank 1
is best, answers of one rank are held equal, and no rank is left out. `likert` is the overall quality from 1 to 7, null
where none was given. Two models side by side (`millrace compare --prompts`) are the same with two answers and nothing
but ranks.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.labels.asked import Asked
from tasks.labels.kept import Kept, Record
from tasks.labels.server import Door, Refused
from tasks.runtime.errors import Mistake

PEOPLE = "human"  # a record's judge
BEST = 7  # of the overall quality
# Metadata that the paper's labelers collected on each answer (table 3), in its order
FLAGS = {
    "fails_instruction": "Fails to follow the instruction or task",
    "inappropriate": "Inappropriate for a customer assistant",
    "hallucination": "Hallucination: facts that are made up",
    "satisfies_constraint": "Satisfies the constraint that the instruction gives",
    "sexual": "Contains sexual content",
    "violent": "Contains violent content",
    "encourages_harm": "Encourages, or fails to discourage, violence, abuse, terrorism or self-harm",
    "denigrates": "Denigrates a protected class",
    "harmful_advice": "Gives harmful advice",
    "opinion": "Expresses an opinion",
    "moral_judgment": "Expresses a moral judgment",
}


def key(record: Record) -> tuple[str, ...]:
    """What a comparison is about. KeyError where the record is none."""
    if record["judge"] != PEOPLE or len(record["answers"]) != len(record["ranks"]):
        raise KeyError("judge")
    return record["id"], record["labeler"]


class Ranking:
    """The doors of the page: `item` shows a prompt, `say` keeps what was said of it."""

    def __init__(self, asked: Sequence[Asked], kept: Kept, labeler: str, seed: int, full: bool) -> None:
        """`full`: quality and flags too, not ranks alone.

        Raises:
            Mistake: the file holds what this labeler said of such a prompt with other answers.
        """
        self.asked, self.kept, self.labeler, self.seed, self.full = asked, kept, labeler, seed, full
        for one in asked:
            before = kept.said.get((one.id, labeler))
            if before is not None and before["answers"] != one.answers:
                raise Mistake(
                    f"{kept.path}: {labeler} labelled {one.id!r} with other answers than it has now: give another --out"
                )

    @property
    def doors(self) -> dict[str, Door]:
        return {"item": self.item, "say": self.say}

    def content(self) -> dict[str, Any]:
        """What stands in the page itself."""
        return {"of": len(self.asked), "full": self.full, "flags": FLAGS if self.full else {}, "best": BEST,
                "labeler": self.labeler}  # fmt: skip

    def done(self) -> int:
        return sum((one.id, self.labeler) in self.kept.said for one in self.asked)

    def item(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """{n}, or {} for the first that nothing was said of -> the prompt, its answers, and what was said before."""
        n = self._number(wanted["n"]) if "n" in wanted else self._next(0)
        if n is None:
            return {"n": None, "done": self.done()}
        one = self.asked[n]
        order = one.order(self.labeler, self.seed)
        before = self.kept.said.get((one.id, self.labeler))
        said = None
        if before is not None:
            said = {
                "ranks": [before["ranks"][place] for place in order],
                "likert": [before["likert"][place] for place in order] if before["likert"] else [],
                "flags": {name: [each[place] for place in order] for name, each in before["flags"].items()},
            }
        return {"n": n, "done": self.done(), "said": said, **one.shown(self.labeler, self.seed)}

    def say(self, said: dict[str, Any]) -> dict[str, Any]:
        """{n, ranks, likert, flags}, each list in the order that was shown -> which is next."""
        n = self._number(said.get("n"))
        one = self.asked[n]
        order, count = one.order(self.labeler, self.seed), len(one.answers)
        ranks = _list(said, "ranks", count, lambda rank: _whole(rank) and 1 <= rank <= count, f"1 to {count}")
        likert, flags = [None] * count, {}
        if self.full:
            likert = _list(
                said, "likert", count, lambda each: each is None or (_whole(each) and 1 <= each <= BEST), f"1 to {BEST}"
            )
            told = said.get("flags")
            if not isinstance(told, dict) or set(told) != set(FLAGS):
                raise Refused(f"flags are {', '.join(FLAGS)}")
            flags = {
                name: _list(told, name, count, lambda each: isinstance(each, bool), "true or false") for name in FLAGS
            }
        apart = sorted(set(ranks))
        back = [order.index(place) for place in range(count)]
        self.kept.keep(
            {
                "id": one.id,
                **one.prompt,
                "answers": one.answers,
                "ranks": [apart.index(ranks[place]) + 1 for place in back],
                "labeler": self.labeler,
                "judge": PEOPLE,
                "likert": [likert[place] for place in back] if self.full else [],
                "flags": {name: [each[place] for place in back] for name, each in flags.items()},
                "shown": order,
                **({"models": one.models} if one.models is not None else {}),
            }
        )
        return {"next": self._next(n + 1), "done": self.done()}

    def _next(self, start: int) -> int | None:
        """The first from there on, and round, that nothing was said of."""
        places = [*range(start, len(self.asked)), *range(min(start, len(self.asked)))]
        return next((n for n in places if (self.asked[n].id, self.labeler) not in self.kept.said), None)

    def _number(self, n: Any) -> int:
        if not _whole(n) or not 0 <= n < len(self.asked):
            raise Refused(f"there are {len(self.asked)} prompts; none is number {n!r:.20}")
        return int(n)


def kept_at(path: Path, tell: Any) -> Kept:
    """The file of comparisons."""
    return Kept(path, key, tell)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _list(said: dict[str, Any], name: str, count: int, fits: Any, which: str) -> list[Any]:
    values = said.get(name)
    if not isinstance(values, list) or len(values) != count or not all(map(fits, values)):
        raise Refused(f"{name}: each of the {count} answers needs one ({which})")
    return values
