"""Fit: `train`, a model that learns an objective from examples, from the weights of another or from none.

It runs `model.train` as `pretrain` does, in a process of its own with checkpoints, and leaves the same files.
"""

import json
from dataclasses import field
from pathlib import Path
from typing import Any

import yaml

from model import MODEL_VERSION
from model.examples import count
from model.presets import over_epochs
from tasks.examples.examples import FILE as EXAMPLES
from tasks.models import energy
from tasks.models.files import ABOUT, WEIGHTS
from tasks.models.loader import CHECKPOINTS, reading
from tasks.models.pretrain import METRICS, TIMINGS, put_all, trained_in
from tasks.models.same_tokenizer import difference
from tasks.models.tuned_steps import tell_tuned
from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.local_store import LocalStore
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.kinds.files import FILE as TOKENIZER


@statistics
class Tuned:
    """Losses of the first and the last update, the objective's with what stands beside it; of the objective alone, on
    held-out examples, `validation`, with its standard error; and by name what else was measured on them."""

    parameters: int = 0
    updates: int = 0
    examples: int = 0  # read, over and over
    epochs: float = 0.0
    skipped: int = 0
    first_loss: float = 0.0
    loss: float = 0.0
    validation: float | None = None
    validation_stderr: float | None = None
    figures: dict[str, float] = field(default_factory=dict)


@stage(
    "train",
    kind="fit",
    section="fine-tuning",
    tell=tell_tuned,
    everywhere=True,
    libraries=("torch",),
    version=f"model {MODEL_VERSION}",
    judges=("torchrun",),
)
def train(
    job: Job,
    *,
    start: Artifact | None,
    examples: Artifact,
    objective: str,
    objective_keys: dict[str, Any],
    architecture: dict[str, Any],
    training: dict[str, Any],
    epochs: float | None,
    layers_transferred: int | None,
    torchrun: list[str],
    demonstrations: Artifact | None = None,
) -> Tuned:
    """A model tuned on examples: trunk and head, configuration, the examples' tokenizer, and what was learned.

    `start`: the model whose weights it begins with; None: drawn ones. `architecture`: of the trunk; its vocabulary
    grows by the tokens that the examples add. `training`: the trainer's keys, whose budget the `epochs` are if given.
    `objective_keys`: see model/objective_table.py. `demonstrations`: of a reward model, the examples whose rewards are
    to be 0 on average. `layers_transferred`: of the start's layers, all if None.

    Raises:
        Mistake: the start has another tokenizer, or other added tokens; the examples are longer than its context.
        Failure: training stopped before its end, in the trainer's own last line.
    """
    out, about = job.workspace, about_examples(examples)
    vocabularies = [architecture["vocabulary"], about["vocabulary"]]
    if start is not None:
        _require_same_tokens(start, examples, about)
        vocabularies.append(json.loads(start.read(ABOUT))["architecture"]["vocabulary"])
    if about["longest"] > architecture["context"]:
        raise Mistake(
            f"examples {examples.name} have sequences of {about['longest']} tokens, {job.artifact.name} a context of "
            f"{architecture['context']}: give the examples a shorter `context`, or the model a longer one"
        )
    budget = training if epochs is None else over_epochs(training, epochs, count(about))
    (out / "run.yaml").write_text(
        yaml.safe_dump(
            {
                "out": str(out),
                **reading(job.store),
                **({} if isinstance(job.store, LocalStore) else {"mirror": job.artifact.name_of(CHECKPOINTS)}),
                "objective": objective,
                "objective_keys": {
                    **objective_keys,
                    **({} if demonstrations is None else {"demonstrations": demonstrations.label}),
                },
                "examples": examples.label,
                "tokenizer": str(examples.local(TOKENIZER)),
                "tokenizer_fingerprint": about["tokenizer"],
                "model": {**architecture, "vocabulary": max(vocabularies)},
                "train": budget,
                **({} if start is None else {"start": str(start.local(WEIGHTS))}),
                **({} if layers_transferred is None else {"layers_transferred": layers_transferred}),
            }
        ),
        encoding="utf-8",
    )
    trained_in(job, out, {"device": "auto", "updates": None, "tokens": None, **budget}, torchrun, None)
    job.timing |= energy.noted(energy.read(out / TIMINGS))
    put_all(job, out)
    return _learned(out, count(about))


def about_examples(examples: Artifact) -> dict[str, Any]:
    """What examples.json says: form, classes, added tokens, shards."""
    about: dict[str, Any] = json.loads(examples.read(EXAMPLES))
    return about


def _require_same_tokens(start: Artifact, examples: Artifact, about: dict[str, Any]) -> None:
    """See that ids mean the same here and there, the pipeline's and those that examples add."""
    known = json.loads(start.read(ABOUT)).get("added")
    if known is not None and known != about["added"]:
        raise Mistake(
            f"{start.label} has the added tokens {', '.join(known)}, and examples {examples.name} have "
            f"{', '.join(about['added'])}, of the same ids: give it a start that was tuned on neither, or on such ones"
        )
    of_pipeline = artifact_at(examples.manifest["inputs"]["tokenizer"], examples.store)
    theirs = examples if known is not None else of_pipeline
    if (differing := difference(start.read(TOKENIZER), theirs.read(TOKENIZER))) is not None:
        raise Mistake(
            f"the tokenizer of {start.label} is not the one that examples {examples.name} were made with "
            f"({differing}), and a model learns on in its own tokens alone: make the examples with that one"
        )


def _learned(out: Path, examples: int) -> Tuned:
    rows = [json.loads(line) for line in (out / METRICS).read_bytes().splitlines()]
    about = json.loads((out / ABOUT).read_bytes())
    losses = [row["loss"] for row in rows if row["loss"] is not None]
    last, prefix = rows[-1], "validation_of_"
    return Tuned(
        parameters=about["parameters"],
        updates=last["step"],
        examples=last["examples"],
        epochs=round(last["examples"] / examples, 6),
        skipped=len(rows) - len(losses),
        first_loss=losses[0],
        loss=losses[-1],
        validation=last.get("validation_examples"),
        validation_stderr=last.get("validation_stderr_examples"),
        figures={key.removeprefix(prefix): value for key, value in last.items() if key.startswith(prefix)},
    )
