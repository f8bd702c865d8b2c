"""`evaluate`: what is asked of every model, and how a benchmark is asked."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from conf.exams import Exam, exam
from conf.judges import Alignment
from conf.keys import Address, Keys, Pool
from conf.news import News
from conf.perplexity import FilePerplexity
from conf.probes import Probes
from conf.spelling import did_you_mean
from conf.task import Task


class Asked(Keys):
    """A task, asked in another way than its file says; or its name alone."""

    task: str = Field(description="name of a task file: `millrace tasks` lists them")
    shots: list[Annotated[int, Field(ge=0)]] | None = Field(
        None, min_length=1, description="numbers of solved examples; the file's if absent. One alone needs no list"
    )
    choose: bool = Field(False, description="choose the number of examples on the benchmark's `dev` items")
    templates: list[str] = Field(default_factory=lambda: ["default"], min_length=1, description="wordings of the file")
    draws: Annotated[int, Field(gt=0)] = Field(1, description="draws of solved examples, for how much they matter")
    items: Annotated[int, Field(gt=0)] | None = Field(None, description="items asked at most, drawn by hash; else all")
    benchmark: str | None = Field(None, description="benchmark whose items are asked; the file's if absent")
    fields: dict[str, str] = Field(default_factory=dict, description="beside the file's own")
    metric: str | None = Field(None, description="the file's if absent")
    reading: Literal["sum", "token", "byte", "unconditional"] | None = Field(None, description="the file's if absent")

    def asks(self, of: Task) -> str:
        """The benchmark whose items are asked; `of`: the task's file."""
        return self.benchmark or of.benchmark or self.task

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, given: object) -> object:
        return {"task": given} if isinstance(given, str) else given

    @field_validator("shots", mode="before")
    @classmethod
    def _one_number(cls, given: object) -> object:
        return [given] if isinstance(given, int) and not isinstance(given, bool) else given

    @model_validator(mode="after")
    def _once(self) -> Self:
        for key, listed in (("shots", self.shots or []), ("templates", self.templates)):
            if len(set(listed)) != len(listed):
                raise ValueError(f"{key} names one twice")
        return self


class Evaluate(Keys):
    """What is asked of every model beside its perplexity on each source."""

    tasks: list[Asked] = Field(default_factory=list, description="tasks, by name or with the keys below")
    perplexity: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")], FilePerplexity] = Field(
        default_factory=dict, description="text files by name, such as WikiText's, whose perplexity is measured"
    )
    folder: Address | None = Field(None, description="of task files beside those that come with Millrace")
    ladder: bool = Field(False, description="ask the ladder's models too, for curves by size")
    snapshots: bool = Field(False, description="ask the weights kept along the way too, for curves by updates")
    overlap: list[Literal["gpt3", "gpt2", "gpt4"]] = Field(
        ["gpt3"],
        min_length=1,
        description="the papers' rules by which benchmarks are looked for in the tokens as trained on; scores are told "
        "on all items and on those that each of them finds clean",
    )
    programs: bool = Field(
        False, description="run the programs that a model writes, where a metric needs it, in a closed subprocess"
    )
    exams: list[Address] = Field(
        default_factory=list, description="JSON files of exams that are made of tasks: docs/probes.md has one"
    )
    by: dict[str, list[str]] = Field(
        default_factory=dict,
        description="tasks whose scores are told by fields of their records too, as in {mmlu: [subject, language]}, "
        "and averaged over the values of the first one",
    )
    probes: Probes | None = Field(None, description="absent: models are not probed for bias")
    news: News | None = Field(None, description="absent: models write no news")
    alignment: Alignment | None = Field(None, description="absent: nobody judges what models answer; docs/judges.md")
    on: Pool | None = Field(
        None, description="the Prefect work pool where models are asked; absent: where the rest runs"
    )

    @model_validator(mode="after")
    def _of_tasks(self) -> Self:
        if self.folder is not None and not Path(self.folder).is_dir():
            raise ValueError(f"there is no folder {self.folder} of task files (`folder`)")
        tasks = [asked.task for asked in self.tasks]
        for name, fields in self.by.items():
            if name not in tasks:
                raise ValueError(f"by names {name}, which is none of evaluate.tasks{did_you_mean(name, tasks)}")
            if not fields or len(set(fields)) != len(fields):
                raise ValueError(f"by.{name} names no field, or one twice")
        named = [Path(file).stem for file in self.exams]
        if twice := [name for name in named if named.count(name) > 1]:
            raise ValueError(f"two exams are called {twice[0]}: give the files other names")
        for name, of in self.examined().items():
            for section in of.sections:
                if section.task not in tasks:
                    raise ValueError(
                        f"exam {name} asks the task {section.task}, which is none of evaluate.tasks"
                        f"{did_you_mean(section.task, tasks)}"
                    )
        return self

    def examined(self) -> dict[str, Exam]:
        """The exams, by the names of their files.

        Raises:
            Mistake: a file is absent, or not what it should be.
        """
        return {Path(file).stem: exam(Path(file)) for file in self.exams}
