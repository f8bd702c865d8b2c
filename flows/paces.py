"""How long a stage takes: its work, in its own unit, and a pace that was measured, here or elsewhere.

A pace of this store is that of an artifact of the same stage and way of working, of at least COMPARABLE of the work:
a demo's 9,000 pages say nothing of a crawl's 4e8. Else the figures that Millrace brings along (shipped.py), named as
such; where there are none, nothing is said.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from flows.held import NOTHING, Held, of_statistics
from flows.ratios import token_bytes
from flows.shipped import SHIPPED, Shipped
from flows.state import Past
from model.config import Architecture, Training, flops_per_token, total_windows
from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.errors import Failure
from tasks.runtime.job import leaves

COMPARABLE = 0.1  # of the work to come, at the least: ten times as far is as far as a pace is taken


class Known(Protocol):
    """What is known of artifacts by label. Both raise Failure for one that is neither of the run nor in the store."""

    def of(self, label: str) -> Held: ...
    def recipe(self, label: str) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Work:
    """What a stage is to do. `way`: what else its pace depends on, such as the kind of input."""

    unit: str
    amount: float | None
    way: str = ""


@dataclass(frozen=True)
class Time:
    """Core-seconds that some work takes, the share of them that goes side by side, and what that rests on."""

    seconds: float
    parallel: bool
    source: str


def training_of(recipe: dict[str, Any]) -> tuple[Architecture, Training] | None:
    """Of a recipe of `pretrain`; None for what is no model's recipe, or one of an earlier version's keys."""
    if recipe.get("stage") != "pretrain":
        return None
    try:
        parameters = recipe["parameters"]
        return Architecture(**parameters["architecture"]), Training(**parameters["training"])
    except (KeyError, TypeError, ValueError):
        return None


def flops_of(recipe: dict[str, Any]) -> float | None:
    """FLOPs of a model's whole training: one token's at full context, times its budget."""
    if (found := training_of(recipe)) is None:
        return None
    architecture, training = found
    return float(flops_per_token(architecture)) * total_windows(training, architecture.context) * architecture.context


def work(recipe: dict[str, Any], own: Held, known: Known) -> Work:
    """What a stage does of what its inputs hold; `own` is what it makes, as far as that is known."""
    stage, parameters, inputs = recipe["stage"], recipe.get("parameters", {}), recipe.get("inputs", {})
    of = known.of

    def held(key: str) -> Held:
        label = inputs.get(key)
        return of(label) if isinstance(label, str) else NOTHING

    def documents(key: str) -> float | None:
        return total(of(label).documents for label in leaves(inputs.get(key, [])))

    def text(key: str) -> float | None:
        return total(of(label).text for label in leaves(inputs.get(key, [])))

    if stage == "ingest":
        return (
            Work("bytes of input", own.input, own.kind)
            if own.kind == "warc"
            else Work("bytes of text", own.text, own.kind)
        )
    if stage == "sample":
        return Work("bytes of input", 1e6 * parameters["megabytes"])
    if stage in OF_FILES:
        return Work("bytes of input", listed_bytes(parameters))
    if stage == "grams":
        return Work("bytes of input", total(_benchmark(label, known) for label in leaves(inputs["benchmarks"])))
    if stage in OVER_TEXT:
        return Work("bytes of text", held("documents").text)
    if stage in OVER_ROWS:
        return Work("documents", held("documents").documents)
    if stage in ("survivors", "buckets"):
        met = [held("before").documents, *(of(label).documents for label in leaves(inputs.get("buckets", [])))]
        return Work("documents", total(met), f"{parameters.get('bands')} bands of {parameters.get('rows')}")
    if stage in ("frequent", "report"):
        return Work("documents", documents("documents"))
    if stage == "classifier":
        return Work("documents", _sampled(parameters, documents("good"), documents("raw")), parameters["preset"])
    if stage == "tokenizer":
        kept, sample = text("decisions"), parameters.get("sample")
        learned = min(sample, kept) if isinstance(sample, int) and kept is not None else kept
        return Work("bytes of text", learned, f"{parameters['kind']} of {parameters['vocabulary']:,}")
    if stage == "examples":
        return Work("bytes of text", held("records").text)
    if stage == "tokens":
        return Work("bytes of text", own.text)
    if stage == "mixture":
        return Work("documents", documents("tokens"))
    if stage == "overlap":
        return Work("bytes of text", text("tokens"), "+".join(parameters["rules"]))
    if stage == "ngrams":
        return Work("tokens", float(parameters["windows"]) * parameters["context"])
    if stage == "pretrain":
        return Work("FLOPs", flops_of(recipe))
    if stage in ("answers", "perplexity"):
        return Work("FLOPs", _asked(recipe, known), "forward")
    return Work("run", 1.0)


def _asked(recipe: dict[str, Any], known: Known) -> float | None:
    """FLOPs of asking a model: a third of a training's for each token that it reads.

    Of a benchmark: its files' bytes, once for the items and as often for the examples before each; of perplexity the
    windows that the mixture holds out of each source.
    """
    parameters, inputs = recipe["parameters"], recipe["inputs"]
    if (found := training_of(known.recipe(inputs["model"]))) is None:
        return None
    architecture, _ = found
    each = flops_per_token(architecture) / 3
    if recipe["stage"] == "perplexity":
        mixture = known.recipe(inputs["mixture"])["parameters"] if "mixture" in inputs else None
        if mixture is None:
            return None
        return each * len(mixture["groups"]) * mixture["validation_windows"] * architecture.context
    read = _benchmark(inputs["benchmark"], known)
    return None if read is None else each * read / token_bytes(architecture.vocabulary) * (parameters["shots"] + 1)


def _benchmark(label: str, known: Known) -> float | None:
    """Bytes of a benchmark's files; of a generated one about 50 an item."""
    recipe = known.recipe(label)
    if recipe["stage"] == "generated":
        return 50.0 * recipe["parameters"]["items"]
    return listed_bytes(recipe["parameters"])


OF_FILES = ("submissions", "benchmark", "labels", "harm-classifier", "labelled")
OVER_TEXT = ("score", "hits", "signatures", "heuristics", "pii", "harm")
OVER_ROWS = ("keep", "cuts", "retracted", "remaining", "cleared")


def total(amounts: Any) -> float | None:
    """The sum; None where a part of it is not known, or there is none."""
    each = list(amounts)
    return None if not each or any(amount is None for amount in each) else float(sum(each))


def listed_bytes(parameters: dict[str, Any]) -> float | None:
    """Bytes of the files that parameters list; None where one's size is not known."""
    files = [item for item in parameters.get("files") or [] if isinstance(item, dict)]
    return total(None if "missing" in item else item.get("size") for item in files)


def _sampled(parameters: dict[str, Any], good: float | None, raw: float | None) -> float | None:
    """Documents that a classifier is fitted on: of each side, its sample at the most."""
    sample = parameters.get("sample")
    if good is None or raw is None or not isinstance(sample, int):
        return None
    return float(min(sample, good) + min(sample, raw))


def pace(artifact: Artifact, what: Work, past: Past, known: Known) -> Time | None:
    """Core-seconds for this work by the best that is known; None where nothing is."""
    shipped = SHIPPED.get((artifact.stage, what.way)) or SHIPPED.get((artifact.stage, ""))
    parallel = shipped.parallel if shipped else False
    if what.amount is None:
        return None
    for before in past.all_of(artifact) if what.unit != "run" else ():
        if (time := _as_then(before, what, past, known, parallel)) is not None:
            return time
    return _as_shipped(shipped, what) if shipped else None


def _as_then(before: dict[str, Any], what: Work, past: Past, known: Known, parallel: bool) -> Time | None:
    """By an artifact of this store, if it is of the same way of working, and of comparable work."""
    then_held = of_statistics(before["stage"], before.get("statistics", {}), before.get("parameters", {}))
    try:
        then = work(before, then_held, known)
    except (Failure, KeyError, TypeError):  # an artifact of an earlier version, or one whose inputs are gone
        return None
    if then.way != what.way or not then.amount or what.amount is None or then.amount < COMPARABLE * what.amount:
        return None
    trace = artifact_at(before["label"], past.store).trace()
    if not isinstance(trace.get("seconds"), int | float) or not isinstance(trace.get("workers"), int):
        return None
    spent = trace["seconds"] * (trace["workers"] if parallel else 1)
    return Time(
        spent * what.amount / then.amount, parallel, f"{before['name']} here, {figure(then.amount)} {then.unit}"
    )


def _as_shipped(shipped: Shipped, what: Work) -> Time:
    assert what.amount is not None
    moving = what.amount / shipped.rate if shipped.rate else 0.0
    return Time(shipped.start + moving, shipped.parallel, "shipped")


def figure(amount: float) -> str:
    return f"{amount:.2g}" if amount >= 1e6 else f"{amount:,.0f}"
