"""Input: `given-tokenizer`, a user's own tokenizer in place of a fit. Readers take it as what `tokenizer` makes."""

from typing import Any

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.sources.input.inside import place_of
from tasks.sources.remote import bring as remote
from tasks.tokens.kinds import given
from tasks.tokens.kinds.files import files_of
from tasks.tokens.tokenizer import Learned, publish


@stage("given-tokenizer", kind="input", section="tokenizer", libraries=("tokenizers",))
def given_tokenizer(
    job: Job, *, files: list[dict[str, Any]], inside: Artifact | None, vocabulary: int, end_of_text: str | None
) -> Learned:
    """A tokenizer of the user's, as a tokenizer.json and the other files that `tokenizer` makes.

    Raises:
        Mistake: the files are none that kinds/given.py reads, or damaged, or have other than `vocabulary` ids. Failure:
            they changed since they were listed.
    """
    for file in files:
        if remote.is_remote(file["path"]):
            raise Mistake(f"tokenizer.file: {file['path']} is elsewhere; bring it here and name its path")
    library, end = given.read([place_of(file, inside) for file in files], end_of_text)
    size = library.get_vocab_size()
    if size != vocabulary:
        raise Mistake(f"the tokenizer has {size} ids, and conf says {vocabulary}: write `vocabulary: {size}`")
    publish(job, files_of(library, end))
    return Learned(size, vocabulary, end_of_text=library.get_vocab()[end], kind="file")
