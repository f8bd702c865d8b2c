"""Which model a command means: one that the pipeline names and that is built, or the folder of a finished one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf.spelling import did_you_mean
from tasks.models.files import MODEL_FILES, model_folder
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

if TYPE_CHECKING:
    from model.gpt import GPT
    from model.tokenizer import Tokenizer

STAGES = ("pretrain", "train", "ppo", "imported")  # that make models


@dataclass(frozen=True)
class Chosen:
    """A model that is there."""

    name: str
    place: Path  # its folder
    artifact: Artifact | None  # None: its folder was given, and nothing else is known of it

    def load(self) -> "tuple[GPT, Tokenizer, dict[str, Any]]":
        """The model, on a GPU where there is one, its tokenizer, and its model.json.

        Raises:
            Mistake: it is unfinished or damaged.
        """
        import torch

        from model.score import load

        with mistakes():
            return load(self.place, "cuda" if torch.cuda.is_available() else "cpu")


def chosen(run: Run, model: str) -> Chosen:
    """The model of that name, else the folder of that path.

    Raises:
        Mistake: there is neither, or the model is not built.
    """
    named = {artifact.name: artifact for artifact in run.artifacts if artifact.stage in STAGES}
    if model in named:
        if not named[model].built:
            raise Mistake(f"the model {model} is not built yet: `millrace run` builds it")
        return Chosen(model, model_folder(named[model]), named[model])
    if all((Path(model) / name).is_file() for name in MODEL_FILES):
        return Chosen(Path(model).resolve().name, Path(model), None)
    raise Mistake(
        f"{model} is neither a model of this pipeline (there are {', '.join(named) or 'none'}) nor the folder of "
        f"a finished one, with {', '.join(MODEL_FILES)} in it{did_you_mean(model, named)}"
    )


@contextmanager
def mistakes() -> Iterator[None]:
    """What model/ refuses, as a mistake in what was asked."""
    try:
        yield
    except ValueError as error:
        raise Mistake(str(error)) from error


def spelt(tokenizer: "Tokenizer", token: int) -> str:
    """A token as tables show it: between quotes, its id where it is a part of a character."""
    text = tokenizer.decode([token])
    return f"#{token}" if "\ufffd" in text or not text else repr(text)
