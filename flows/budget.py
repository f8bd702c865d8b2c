"""What a run would do and cost, before it is paid for. Nothing is invented.

A size is counted, listed, expected by the user, or reckoned by a ratio that is named; a time is that of comparable work
in this store, or of the paces that Millrace brings along, and says which; where nothing is known, `-` stands, and the
totals say how many stages are not in them. docs/cost.md says what the figures rest on.
"""

from dataclasses import dataclass
from typing import Any

from conf.expected import Rates
from conf.pipeline import Pipeline
from flows.devices import MFU, Device, device
from flows.forecast import Forecast
from flows.foretold import Loss, loss_of
from flows.held import Held
from flows.paces import Time, Work, flops_of, listed_bytes, pace, training_of, work
from flows.shipped import SHIPPED
from flows.state import Past, State, state
from flows.tasks import missing
from model.config import training_memory
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import leaves
from tasks.runtime.part import Part
from tasks.runtime.run import Run

ON_CORES = 1e16  # FLOPs: a day and a half of one core; what is more is reckoned on a GPU unless conf says `device: cpu`
GPU = "h100"  # if none is asked for; the output states it


@dataclass(frozen=True)
class Asked:
    """What the user asks of a plan. `gpu`: a name of devices.py; rates replace those of the conf."""

    gpu: str | None = None
    mfu: float = MFU
    price_core_hour: float | None = None
    price_gpu_hour: float | None = None
    sizes: dict[str, float] | None = None  # bytes of crawls by source, as their servers say

    def rates(self, rates: Rates) -> Rates:
        given = {"core_hour": self.price_core_hour, "gpu_hour": self.price_gpu_hour}
        return rates.model_copy(update={key: value for key, value in given.items() if value is not None})


@dataclass(frozen=True)
class Row:
    """A stage's line. None: not known. Of a stage that is built `time`, `gpu_hours` and `price` are None."""

    artifact: Artifact
    state: State
    reads: float | None  # bytes of its inputs
    holds: Held
    work: Work
    time: Time | None  # core-seconds
    gpu_hours: float | None
    memory: float | None  # bytes, of its largest process
    price: float | None
    loss: Loss | None

    @property
    def key(self) -> str:
        return f"{self.artifact.stage}/{self.artifact.name}"

    @property
    def known(self) -> bool:
        """Whether it is known what it costs."""
        return self.state.built or self.time is not None or self.gpu_hours is not None


@dataclass(frozen=True)
class Plan:
    """All rows, and what they were reckoned with."""

    rows: list[Row]
    gpu: Device
    mfu: float
    rates: Rates
    absent: list[str]  # benchmarks without a file

    @property
    def due(self) -> list[Row]:
        return [row for row in self.rows if not row.state.built]

    @property
    def unknown(self) -> list[Row]:
        return [row for row in self.due if not row.known]

    @property
    def core_hours(self) -> float:
        return sum(row.time.seconds for row in self.due if row.time is not None) / 3600

    @property
    def gpu_hours(self) -> float:
        return sum(row.gpu_hours or 0.0 for row in self.due)

    @property
    def flops(self) -> float:
        """Of trainings to do."""
        return sum(row.work.amount or 0.0 for row in self.due if row.artifact.stage == "pretrain")

    @property
    def written(self) -> float:
        """Bytes to be written to the store, as far as they are known."""
        return sum(row.holds.disk or 0.0 for row in self.due)

    @property
    def priced(self) -> bool:
        return bool(self.rates.core_hour or self.rates.gpu_hour)

    @property
    def price(self) -> float:
        return sum(row.price or 0.0 for row in self.due)


def make(run: Run, pipeline: Pipeline, asked: Asked | None = None, part: Part | None = None) -> Plan:
    """A plan of the DAG's stages, or those of a part of it; `run` has followed all of it, and built nothing.

    Raises:
        Mistake: the GPU asked for is not known.
    """
    asked = asked or Asked()
    gpu = device(asked.gpu or GPU)
    past, rates = Past(run.store), asked.rates(pipeline.rates)
    forecast = Forecast(run, pipeline, past, asked.sizes)
    wanted = [artifact for artifact in run.artifacts if part is None or part.holds(artifact)]
    rows = [_row(artifact, run, past, forecast, asked, gpu, rates) for artifact in wanted]
    absent = [
        row.artifact.name
        for row in rows
        if not row.state.built and row.artifact.stage == "benchmark" and missing(row.artifact)
    ]
    return Plan(rows, gpu, asked.mfu, rates, absent)


def _row(artifact: Artifact, run: Run, past: Past, forecast: Forecast, asked: Asked, gpu: Device, rates: Rates) -> Row:
    now, holds = state(artifact, past), forecast.of(artifact.label)
    reads = _reads(artifact.recipe, holds, forecast)
    if now.built:
        return Row(artifact, now, reads, holds, Work("", None), None, None, None, None, None)
    what = work(artifact.recipe, holds, forecast)
    time = pace(artifact, what, past, forecast)
    hours = None
    if what.unit == "FLOPs" and what.amount is not None and _on_gpu(artifact, what, time, forecast, asked):
        time, hours = None, what.amount / (gpu.peak * asked.mfu) / 3600
    price = None
    if time is not None or hours is not None:
        price = (time.seconds / 3600 if time else 0.0) * rates.core_hour + (hours or 0.0) * rates.gpu_hour
    return Row(artifact, now, reads, holds, what, time, hours, _memory(artifact, what), price, loss_of(artifact, run))


def _on_gpu(artifact: Artifact, what: Work, time: Time | None, forecast: Forecast, asked: Asked) -> bool:
    """Whether a model's work is reckoned on a GPU: where that is asked for, or too much for cores, unless conf says
    `device: cpu`, or this store has a time for it."""
    recipe = artifact.recipe if artifact.stage == "pretrain" else forecast.recipe(artifact.recipe["inputs"]["model"])
    found = training_of(recipe)  # where a model is trained, there it is asked
    if found is not None and found[1].device == "cpu":
        return False
    if asked.gpu is not None:
        return True
    here = time is not None and time.source != "shipped"
    return not here and (flops_of(recipe) or what.amount or 0.0) > ON_CORES


def _reads(recipe: dict[str, Any], own: Held, forecast: Forecast) -> float | None:
    """Bytes of a recipe's inputs in the store, and of the files that it lists; None where one is not known."""
    if recipe["stage"] == "ingest":
        return own.input
    each: list[float | None] = []
    for label in leaves(recipe.get("inputs", {})):
        try:
            each.append(forecast.of(label).disk)
        except Failure:
            each.append(None)
    if recipe.get("parameters", {}).get("files"):
        each.append(listed_bytes(recipe["parameters"]))
    known = [number for number in each if number is not None]
    return sum(known) if each and len(known) == len(each) else None


def _memory(artifact: Artifact, what: Work) -> float | None:
    """Bytes of a stage's largest process: of a training one rank, roughly; else as measured of its kind."""
    if (found := training_of(artifact.recipe)) is not None:
        architecture, training = found
        return training_memory(architecture, training, training.dtype != "float32" and training.device != "cpu")
    shipped = SHIPPED.get((artifact.stage, what.way)) or SHIPPED.get((artifact.stage, ""))
    return shipped.memory if shipped else None
