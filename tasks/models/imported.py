"""Input: `imported`, a model that was trained elsewhere. Readers take it as what `pretrain` makes.

It comes from a folder as transformers writes it (`from: hf:FOLDER`): weights in safetensors, config.json, and its
tokenizer, in any of the forms that tasks/tokens/kinds/given.py reads.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.models.files import ABOUT, MODEL_FILES
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.sources.input.inside import place_of
from tasks.tokens.kinds import given

if TYPE_CHECKING:
    from model.config import Architecture

HF = "hf:"  # before a folder's path


@statistics
class Imported:
    """Parameters, ids of the embedding, ids of the tokenizer, and tokens of context."""

    parameters: int = 0
    vocabulary: int = 0
    tokens: int = 0
    context: int = 0


@stage("imported", kind="input", libraries=("torch", "tokenizers", "safetensors"))
def imported(job: Job, *, files: list[dict[str, Any]], inside: Artifact | None, end_of_text: str | None) -> Imported:
    """A model: weights, configuration and tokenizer, of a folder for transformers.

    `end_of_text`: the token of its tokenizer that ends a text; <|endoftext|> if None.

    Raises:
        Mistake: it is no model that ours can hold, or its tokenizer is not one; the sentence says why.
        Failure: a file changed since it was listed.
    """
    from model import checkpoint, hf
    from model.config import parameters

    places = {Path(file["path"]).name: place_of(file, inside) for file in files}
    config = places[hf.CONFIG]
    weights = {hf.CONFIG, hf.INDEX, *(name for name in places if name.endswith(".safetensors"))}
    library, end = given.read([place for name, place in places.items() if name not in weights], end_of_text)
    end_id = library.token_to_id(end)
    assert end_id is not None  # given.read has seen to it
    try:
        model = hf.read(config.parent)
    except ValueError as error:
        raise Mistake(str(error)) from error
    a, ids = model.architecture, library.get_vocab_size()
    if ids > a.vocabulary:
        raise Mistake(
            f"{config.parent}: the tokenizer has {ids} ids, the weights {a.vocabulary}: they are of two models"
        )
    content = library.to_str(pretty=True).encode()
    # No fingerprint of a tokenizer's artifact: what was made with one of those was not made with this.
    checkpoint.publish(job.workspace, model, content, None, end_id, training={})
    for name in MODEL_FILES:
        job.put(name, job.workspace / name)
    return Imported(parameters(a), a.vocabulary, ids, a.context)


def architecture(model: Artifact, source: str) -> "Architecture":
    """Of a model that comes in: as it came, or, where it has not yet, as the folder of conf's `from` says.

    Raises:
        Mistake: the folder says of none that ours can be.
    """
    from model import hf
    from model.config import Architecture

    if model.built:
        return Architecture(**json.loads(model.read(ABOUT))["architecture"])
    try:
        return hf.architecture_in(Path(source.removeprefix(HF)))
    except ValueError as error:
        raise Mistake(f"from {source}: {error}") from error


def patterns(source: str) -> list[str]:
    """The files of conf's `from`: configuration, weights, their index where they are in shards, and the tokenizer."""
    from model import hf

    folder = Path(source.removeprefix(HF))
    shards = (folder / hf.INDEX).is_file()
    weights = [folder / hf.INDEX, folder / "*.safetensors"] if shards else [folder / hf.WEIGHTS]
    return [str(folder / hf.CONFIG), *map(str, weights), *given.patterns(str(folder))]
