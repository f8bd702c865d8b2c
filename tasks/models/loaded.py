"""A model in this process's memory, on its GPU if it has one: one is kept, for the next block or stage that asks it."""

from functools import lru_cache
from typing import TYPE_CHECKING

from tasks.models.files import model_folder
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake

if TYPE_CHECKING:
    from model.gpt import GPT
    from model.tokenizer import Tokenizer


def loaded(model: Artifact, step: int | None = None) -> "tuple[GPT, Tokenizer]":
    """A model and its tokenizer; with `step`, as its snapshot has it.

    Raises:
        Mistake: it is unfinished, its tokenizer another's, or there is no such snapshot.
    """
    return _loaded(str(model_folder(model, step)), step)


@lru_cache(maxsize=1)
def _loaded(folder: str, step: int | None) -> "tuple[GPT, Tokenizer]":
    import torch

    from model.score import load

    try:
        gpt, tokenizer, _ = load(folder, "cuda" if torch.cuda.is_available() else "cpu", step)
    except ValueError as error:
        raise Mistake(str(error)) from error
    return gpt, tokenizer
