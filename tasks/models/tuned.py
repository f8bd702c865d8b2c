"""A tuned model in this process's memory, trunk and head, with what reads its outputs; and examples, read by number."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.examples import Examples
from model.files import Unreachable
from model.files import store_at as files_at
from tasks.models.files import model_folder
from tasks.models.loader import reading
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure, Mistake

if TYPE_CHECKING:
    from model.fine_tuning import Task
    from model.gpt import GPT


def tuned(model: Artifact, step: int | None = None) -> "tuple[GPT, Task, dict[str, Any]]":
    """A model with its head, the task that reads the head's outputs, and model.json; with `step`, as a snapshot has it.

    Raises:
        Mistake: it is unfinished, has no head of GPT-1's objectives, or there is no such snapshot.
    """
    return _tuned(str(model_folder(model, step)), step)


@lru_cache(maxsize=1)
def _tuned(folder: str, step: int | None) -> "tuple[GPT, Task, dict[str, Any]]":
    import torch

    from model.fine_tuning import TASKS
    from model.headed import Outputs, load

    try:
        trunk, head, about = load(folder, "cuda" if torch.cuda.is_available() else "cpu", step)
    except ValueError as error:
        raise Mistake(str(error)) from error
    if head is None or about["objective"] not in TASKS:
        raise Mistake(f"{folder} has no head of one of the objectives {', '.join(TASKS)}")
    return trunk, TASKS[about["objective"]](Outputs(**about["head"])), about


def examples_of(examples: Artifact, split: str) -> Examples:
    """The examples of a split, in the files' order.

    Raises:
        Failure: they are not as they were written.
    """
    how = reading(examples.store)
    try:
        files = files_at(how["store"], Path(how.get("cache", "")), how.get("cache_bytes", 0))
        return Examples(files, examples.label, split, seed=0)
    except (ValueError, Unreachable) as error:
        raise Failure(str(error)) from error
