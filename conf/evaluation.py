"""`benchmarks` and `evaluate`: sets of items, how they are asked, and of which models' scores they are part."""

from typing import Annotated, Literal

from pydantic import Field

from conf.keys import Address, Keys, Pool
from conf.probes import Probes


class Task(Keys):
    """How a benchmark is asked of a model (GPT-3, section 2.4)."""

    kind: Literal["cloze", "choice"] = Field(
        description="cloze: the continuation must be the likeliest text; choice: the likeliest of several by token"
    )
    shots: Annotated[int, Field(ge=0)] = Field(0, description="solved examples before the question")
    limit: Annotated[int, Field(gt=0)] | None = Field(
        None, description="items asked at most, drawn by hash; all if absent"
    )


class Benchmark(Keys):
    """A set of items, declared once for decontamination, overlap and evaluation."""

    files: Address | list[Address] = Field(description="JSONL (.gz, .zst), path or glob")
    text: list[str] = Field(min_length=1, description="fields whose text, joined by spaces, must not be trained on")
    task: Task | None = Field(None, description="absent: only decontaminated")


class Evaluate(Keys):
    """What is asked of every model beside its perplexity on each source."""

    tasks: list[str] = Field(default_factory=list, description="benchmarks that have a `task`")
    probes: Probes | None = Field(None, description="absent: models are not probed for bias")
    on: Pool | None = Field(
        None, description="the Prefect work pool where models are asked; absent: where the rest runs"
    )
