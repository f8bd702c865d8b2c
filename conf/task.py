"""Task files, conf/tasks/NAME.yaml or in a folder of the user's: how a benchmark's items are put to a model.

Templates are Jinja2 over a record's fields: `{{ question }}`. Keys that are said to hold an expression are what stands
between such braces, without them. tasks/evaluation/asking/way.py renders both.
"""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, Field, field_validator, model_validator

from conf.keys import Keys, Text
from conf.reading import Loader, read
from conf.spelling import did_you_mean


def _template(text: str) -> str:
    """Refuse what is no Jinja2. Whether its filters exist is seen when the first items are asked."""
    from jinja2 import Environment, TemplateSyntaxError

    try:
        Environment().parse(text)
    except TemplateSyntaxError as error:
        raise ValueError(f"not a Jinja2 template: {error.message}") from None
    return text


def _expression(text: str) -> str:
    from jinja2 import Environment, TemplateSyntaxError
    from jinja2.parser import Parser

    try:
        parser = Parser(Environment(), text, state="variable")
        parser.parse_expression()
        if not parser.stream.eos:
            raise ValueError("not a Jinja2 expression: something stands behind its end")
    except TemplateSyntaxError as error:
        raise ValueError(f"not a Jinja2 expression: {error.message}") from None
    return text


Template = Annotated[str, AfterValidator(_template)]
Expression = Annotated[Text, AfterValidator(_expression)]  # gold: 0 is the first choice


class Wording(Keys):
    """What a template of a task may say in its own way; what it leaves out is as in the task itself."""

    description: Template | None = Field(None, description="template: what stands before everything, once")
    question: Template | None = Field(None, description="template: what stands before the answer")
    delimiter: str | None = Field(None, description="between question and answer; the answer is never rewritten")
    between: str | None = Field(None, description="between a solved example and what follows")
    answer: Template | None = Field(None, description="cloze: template of the text that must be the likeliest")
    choices: Expression | list[Template] | None = Field(
        None, description="choice, rest: an expression that gives a list of texts, or a list of templates"
    )
    before: Template | None = Field(None, description="rest: template of what stands before the choice")
    rest: Template | None = Field(None, description="rest: template of what follows it")
    gold: Expression | None = Field(
        None, description="choice, rest: the right choice's place from 0, its text, or a list of those"
    )
    references: Expression | None = Field(
        None, description="free: the right answer, or a list of right ones; cloze: the text's label, for mcc_threshold"
    )
    solution: Template | None = Field(
        None, description="free: what a solved example shows after its question; the first right answer if absent"
    )


class Task(Wording):
    """How a benchmark is asked, and which number is reported of it. Sources of each key: the file's `paper`."""

    title: str
    paper: str = Field("", description="where the paper tells of it, and its results")
    source: str = Field("", description="where the data are to be had")
    licence: str = ""
    data: str = Field("", description="what to put where, for who has no such file yet")
    like: str | None = Field(
        None, description="a task that comes with Millrace, whose keys this file has but for those that it gives itself"
    )
    benchmark: str | None = Field(None, description="the benchmark whose items it asks; of the task's name if absent")
    form: Literal["choice", "cloze", "rest", "free"] = Field(
        description="choice: the likeliest of several answers; cloze: the answer must be the likeliest text; rest: the "
        "choice after which the rest of the sentence is likeliest (partial evaluation); free: generated text"
    )
    fields: dict[str, str] = Field(
        default_factory=dict, description="names that the templates use: the record's own, such as answer: completion"
    )
    cluster: Expression | None = Field(None, description="what items of one passage share; intervals go by it")
    scored: Literal["rest", "choice and rest"] = Field("rest", description="rest: the text whose likelihood counts")
    metric: str | None = Field(
        None,
        description="reported; docs/metrics.md lists them. If absent accuracy of choice and rest, greedy (each "
        "token the likeliest) of cloze, exact (the text is a reference) of free",
    )
    reading: Literal["sum", "token", "byte", "unconditional"] = Field(
        "token", description="how log-likelihoods of unlike length are compared; all four are printed"
    )
    neutral: str | None = Field(
        None, description="context of the unconditional reading, such as 'Answer:' (GPT-3, section 2.4)"
    )
    best: float | None = Field(None, description="a stated best result: curves run from chance to it (GPT-1, figure 2)")
    shots: list[Annotated[int, Field(ge=0)]] = Field(
        default_factory=lambda: [0], min_length=1, description="numbers of solved examples, as the paper has them"
    )
    draw: Literal["item", "task"] = Field(
        "item", description="item: examples are drawn for each item (GPT-3); task: once, and shared (MMLU)"
    )
    same: Expression | None = Field(
        None, description="what an item's solved examples have in common with it, such as MMLU's subject"
    )
    length: Annotated[int, Field(gt=0)] = Field(64, description="free: tokens generated at most")
    stop: list[str] = Field(default_factory=list, description="free: texts at which generation ends")
    beams: Annotated[int, Field(gt=0)] = Field(1, description="free: beam search of this width; GPT-3's is 4")
    penalty: float = Field(0.6, description="free: length penalty of the beam search (GPT-3, section 2.4)")
    temperature: Annotated[float, Field(ge=0)] = Field(0.0, description="free: 0 is greedy")
    top_k: Annotated[int, Field(gt=0)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    samples: Annotated[int, Field(gt=0)] = Field(1, description="free: texts an item")
    extract: str | None = Field(
        None, description="free: regular expression whose first group is the answer in a text; else the whole text"
    )
    templates: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")], Wording] = Field(
        default_factory=dict, description="other wordings, by name"
    )

    @model_validator(mode="before")
    @classmethod
    def _as_another(cls, given: object) -> object:
        return _whole(given, set()) if isinstance(given, dict) else given

    @field_validator("extract")
    @classmethod
    def _is_pattern(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                groups = re.compile(pattern).groups
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
            if groups < 1:
                raise ValueError("it has no group: put the answer between ( and )")
        return pattern

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Each form needs its keys, in each wording."""
        for name in ("default", *self.templates):
            wanted = REQUIRED[self.form]
            has = {**self.model_dump(), **self._worded(name)}
            if missing := [key for key in wanted if has[key] is None]:
                raise ValueError(f"form {self.form} needs {', '.join(missing)} (template {name})")
        if self.reading == "unconditional" and self.neutral is None:
            raise ValueError("reading unconditional needs `neutral`, its context")
        return self

    def _worded(self, template: str) -> dict[str, Any]:
        if template == "default":
            return {}
        return self.templates[template].model_dump(exclude_none=True)

    @property
    def reported(self) -> str:
        """The metric's name."""
        return self.metric or METRIC[self.form]

    def way(self, template: str) -> dict[str, Any]:
        """What shapes prompts and answers, with a template: the keys of tasks.evaluation.asking.way.Way."""
        said = {"description": "", "delimiter": " ", "between": "\n\n"}
        said |= self.model_dump(include=set(Wording.model_fields), exclude_none=True) | self._worded(template)
        asked = {key: said.get(key) for key in Wording.model_fields}
        asked["question"] = asked["question"] or ""
        return asked | self.model_dump(include=ASKING)


REQUIRED = {
    "choice": ("question", "choices", "gold"),
    "cloze": ("question", "answer"),
    "rest": ("choices", "gold", "before", "rest"),
    "free": ("question", "references"),
}
METRIC = {"choice": "accuracy", "rest": "accuracy", "cloze": "greedy", "free": "exact"}
ASKING = {
    "form", "fields", "scored", "cluster", "neutral", "draw", "same", "length", "stop", "beams", "penalty",
    "temperature", "top_k", "top_p", "samples",
}  # fmt: skip

PACKAGED = Path(__file__).parent / "tasks"


def files(folder: str | None = None) -> dict[str, Path]:
    """Task files by the task's name: those that come with Millrace, and a folder's own, which go first."""
    found = {path.stem: path for path in sorted(PACKAGED.glob("*.yaml"))}
    return found | ({path.stem: path for path in sorted(Path(folder).glob("*.yaml"))} if folder else {})


def _whole(given: dict[str, Any], above: set[str]) -> dict[str, Any]:
    """What a file says, with what it has from the task that it is like."""
    name = given.get("like")
    if not isinstance(name, str):
        return given
    path = PACKAGED / f"{name}.yaml"
    if name in above or not path.is_file():
        raise ValueError(
            f"like: {name} is no task that comes with Millrace, or is like this one itself"
            f"{did_you_mean(name, {path.stem for path in PACKAGED.glob('*.yaml')} - above)}"
        )
    with path.open(encoding="utf-8") as file:
        other = yaml.load(file, Loader)
    return {**_whole(other, {*above, name}), **given}


@cache
def load(path: Path) -> Task:
    """A task file.

    Raises:
        Mistake: it is not what it should be; every fault with its line.
    """
    return read(path, Task, "a task such as conf/tasks/lambada.yaml")
