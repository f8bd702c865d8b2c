"""`evaluate.exams`: exams made of tasks, one JSON (or YAML) file each (GPT-4's technical report, appendix A)."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from conf.keys import Keys
from conf.reading import read

Points = Annotated[float, Field(gt=0)]


class Section(Keys):
    """Questions of one kind, and how many points all of them right are worth."""

    kind: Literal["choice", "free"] = Field(
        description="choice: a guess is right by `chance`; free: a guess is worth nothing"
    )
    weight: Points = Field(description="raw points of all items right")
    task: str = Field(description="task that asks the items, one of evaluate.tasks")
    items: list[str] | None = Field(None, min_length=1, description="ids of its items; all of them if absent")


class Exam(Keys):
    """Sections, and what their points are worth. A result between two keys of a mapping has the lower one's value."""

    title: str = Field(min_length=1)
    sections: list[Section] = Field(min_length=1)
    scale: dict[float, float] | None = Field(
        None, description="scaled score by the least raw points that earn it; absent: raw points are the score"
    )
    percentiles: dict[float, float] | None = Field(
        None, description="lower bound of people's percentile by the least score that earns it"
    )
    chance: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="share of choice items that a guess has right")

    @field_validator("scale", "percentiles")
    @classmethod
    def _rises(cls, given: dict[float, float] | None) -> dict[float, float] | None:
        if given is not None:
            values = [given[key] for key in sorted(given)]
            if not given or values != sorted(values):
                raise ValueError("a better result must not be worth less")
        return given

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.percentiles is not None and any(not 0 <= value <= 100 for value in self.percentiles.values()):
            raise ValueError("percentiles are from 0 to 100")
        return self

    def steps(self) -> dict[str, object]:
        """As the stage takes it: the mappings as rising lists of pairs."""
        pairs = {
            name: None if given is None else [[key, given[key]] for key in sorted(given)]
            for name, given in (("scale", self.scale), ("percentiles", self.percentiles))
        }
        return {**self.model_dump(mode="json"), **pairs}


@cache
def exam(path: Path) -> Exam:
    """What an exam's file says.

    Raises:
        Mistake: it is absent, or not what it should be; every fault with its line.
    """
    return read(path, Exam, "an exam")
