"""`evaluate`: what is asked of every model, and how a benchmark is asked."""

from typing import Annotated, Literal

from pydantic import Field

from conf.keys import Keys, Pool


class Task(Keys):
    """How a benchmark is asked of a model (GPT-3, section 2.4)."""

    kind: Literal["cloze", "choice"] = Field(
        description="cloze: the continuation must be the likeliest text; choice: the likeliest of several by token"
    )
    shots: Annotated[int, Field(ge=0)] = Field(0, description="solved examples before the question")
    limit: Annotated[int, Field(gt=0)] | None = Field(
        None, description="items asked at most, drawn by hash; all if absent"
    )


class Evaluate(Keys):
    """What is asked of every model beside its perplexity on each source."""

    tasks: list[str] = Field(default_factory=list, description="benchmarks that have a `task`")
    on: Pool | None = Field(
        None, description="the Prefect work pool where models are asked; absent: where the rest runs"
    )
