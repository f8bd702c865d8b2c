"""What a training reads and learns by, of run.yaml: windows of a mixture, or examples, each with its objective."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model.data import Data
from model.examples import Examples
from model.files import Bucket, Folder, read_given
from model.headed import Outputs
from model.objective_table import made
from model.objectives import LM, Objective
from model.run import Run
from model.tokenizer import Tokenizer, require_same
from model.windows import Windows


@dataclass(frozen=True)
class Reading:
    """`names`: what a checkpoint must have been made from to be resumed; `about`: keys of model.json that say more of
    the model; `uniform`: the vocabulary, where the loss is that of a next token (model/divergence.py)."""

    data: Data
    objective: Objective
    tokenizer: Tokenizer
    fingerprint: str | None  # of the tokenizer, as tokens and mixture name it
    end_of_text: int
    names: Mapping[str, Any]
    uniform: int | None
    head: Outputs | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


def of_mixture(run: Run, path: str, store: Folder | Bucket) -> Reading:
    """`lm`, on windows of a mixture. ValueError where run.yaml (at `path`) or what it names is wrong."""
    assert run.mixture is not None
    a = run.architecture
    windows = Windows(run.mixture, store, a.context, a.vocabulary, run.training.seed)
    tokenizer = _tokenizer(run, path, store, windows.tokenizer, windows.end_of_text, run.mixture, "tokens")
    return Reading(
        data=windows,
        objective=LM([group.name for group in windows.groups], windows.validation),
        tokenizer=tokenizer,
        fingerprint=windows.tokenizer,
        end_of_text=windows.end_of_text,
        names={"mixture": windows.mixture_sha256, "tokenizer": windows.tokenizer},
        uniform=a.vocabulary,
    )


def of_examples(run: Run, path: str, store: Folder | Bucket) -> Reading:
    """Any other objective, on examples. ValueError likewise, and where their sequences are longer than the context."""
    assert run.examples is not None
    a, seed = run.architecture, run.training.seed
    train, held_out = (Examples(store, run.examples, split, seed) for split in ("train", "validation"))
    if not len(train):
        raise ValueError(f"{run.examples} has no example of train: there is nothing to learn from")
    for most, what, longest in (
        (a.context, "context", max(train.longest, held_out.longest)),
        (a.vocabulary, "vocabulary", train.vocabulary),
    ):
        if longest > most:
            raise ValueError(f"{run.examples} needs a {what} of {longest}, the model has one of {most}")
    tokenizer = _tokenizer(run, path, store, train.tokenizer, train.end_of_text, run.examples, "examples")
    objective, head = made(run.objective, train, held_out, a, run.objective_keys)
    about: dict[str, Any] = {"objective": run.objective, "classes": train.classes, "form": train.form,
                             "added": train.about["added"]}  # fmt: skip
    return Reading(
        data=train,
        objective=objective,
        tokenizer=tokenizer,
        fingerprint=train.tokenizer,
        end_of_text=train.end_of_text,
        names={"examples": train.sha256, "objective": [run.objective, dict(run.objective_keys)],
               "tokenizer": train.tokenizer},
        uniform=None,
        head=head,
        about=about | ({} if head is None else {"head": vars(head)}),
    )  # fmt: skip


def _tokenizer(
    run: Run, path: str, store: Folder | Bucket, fingerprint: str | None, end_of_text: int, of: str, made_it: str
) -> Tokenizer:
    """run.yaml's tokenizer. ValueError where it is not the one that made the tokens."""
    content, place = read_given(store, run.tokenizer)
    require_same(run.tokenizer_fingerprint, fingerprint, path, of)
    strange = f"{run.tokenizer} is not the tokenizer of {of}, or too large: give the one that made the {made_it}"
    try:
        tokenizer = Tokenizer(place, content, end_of_text)
    except ValueError as error:
        raise ValueError(f"{strange} ({error})") from None
    if tokenizer.vocabulary > run.architecture.vocabulary:
        raise ValueError(f"{strange} (vocabulary {tokenizer.vocabulary}, the model's {run.architecture.vocabulary})")
    return tokenizer
