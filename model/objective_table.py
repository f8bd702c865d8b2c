"""Which objectives there are over examples, by name: the head that each gives the trunk, and its class."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from model.config import Architecture
from model.examples import Examples
from model.fine_tuning import TASKS, FineTuning, outputs_for
from model.headed import Outputs
from model.objectives import Objective
from model.presets import FORMS
from model.ranked import Ranked, head_of
from model.sft import SFT


class Entry(NamedTuple):
    """`head`: of the training examples; None where the objective needs none. `make`: of the name, the head's outputs,
    the held-out examples, the architecture, and the keys of `objective_keys` in run.yaml; TypeError for one that it
    does not have."""

    head: Callable[[Examples], Outputs] | None
    make: Callable[..., Objective]


TABLE: dict[str, Entry] = {
    **{name: Entry(partial(outputs_for, name), FineTuning) for name in TASKS},
    "sft": Entry(None, SFT),
    "reward": Entry(head_of, Ranked),
}


def made(
    name: str, train: Examples, held_out: Examples, architecture: Architecture, keys: Mapping[str, Any]
) -> tuple[Objective, Outputs | None]:
    """The objective of this name, and what its head gives. ValueError where there is none, its examples have another
    form, or it does not know a key."""
    if name not in TABLE:
        raise ValueError(f"no objective is called {name!r}: there are lm, {', '.join(TABLE)}")
    entry = TABLE[name]
    if train.form not in FORMS[name]:
        forms = ", ".join(FORMS[name])
        raise ValueError(f"{train.folder} has the form {train.form}, and the objective {name} learns from {forms}")
    outputs = entry.head(train) if entry.head is not None else None
    try:
        return entry.make(name, outputs, held_out, architecture, **keys), outputs
    except TypeError as error:
        raise ValueError(f"objective {name}: {error}") from None
