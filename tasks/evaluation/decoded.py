"""The text that was trained on, as the audit reads it: token ids back to bytes, whole documents at a time."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from tasks.runtime.artifact import Artifact
from tasks.tokens.kinds.spelling import spelled
from tasks.tokens.tokenizer import end_of_text_of, tokenizer_file

BLOCK = 1 << 20  # tokens decoded at a time: about 4 MB of text, and 60 MB as words
BETWEEN = "\n\U0010fffd\n".encode()  # stands for a document's end: a word of no benchmark, so that no gram goes over it


@dataclass(frozen=True)
class Spelling:
    """The bytes of each token id, one behind the other."""

    data: np.ndarray  # uint8
    starts: np.ndarray  # int64 (ids,)
    sizes: np.ndarray  # int64 (ids,)

    @classmethod
    def of(cls, model: Any, instead: dict[int, bytes]) -> "Spelling":
        """Of a tokenizer of `tokenizers`. `instead`: what ids are to give that spell something else."""
        spelt = [instead.get(number, one) for number, one in enumerate(spelled(json.loads(model.to_str())))]
        sizes = np.array([len(one) for one in spelt], np.int64)
        return cls(np.frombuffer(b"".join(spelt), np.uint8), np.cumsum(sizes) - sizes, sizes)

    def decode(self, ids: np.ndarray) -> bytes:
        sizes = self.sizes[ids]
        ends = np.cumsum(sizes)
        places = np.repeat(self.starts[ids] - ends + sizes, sizes)
        places += np.arange(len(places))
        return self.data[places].tobytes()


def texts_in(ids: np.ndarray, tokenizer: Artifact) -> Iterator[bytes]:
    """The text of a token file, whole documents at a time, BETWEEN behind each."""
    _, spelling = _spelling_of(tokenizer)
    for part in blocks(ids, end_of_text_of(tokenizer)):
        yield spelling.decode(part)


def through(text: str, tokenizer: Artifact) -> bytes:
    """A text as its tokens give it back: of byte-level tokens itself; others have lost accents, or what they do not
    know."""
    library, spelling = _spelling_of(tokenizer)
    ids = library.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False).ids
    return spelling.decode(np.array(ids, np.int64))


def blocks(ids: np.ndarray, end: int) -> Iterator[np.ndarray]:
    """Whole documents, at least BLOCK tokens at a time."""
    ends = np.flatnonzero(ids == end) + 1
    start = 0
    while start < len(ids):
        place = np.searchsorted(ends, start + BLOCK)
        stop = int(ends[place]) if place < len(ends) else len(ids)
        yield ids[start:stop]
        start = stop


@lru_cache(maxsize=1)
def _spelling_of(tokenizer: Artifact) -> tuple[Any, Spelling]:
    """The library's tokenizer, and the bytes of its ids."""
    from tokenizers import Tokenizer

    library = Tokenizer.from_file(str(tokenizer_file(tokenizer)))
    library.encode_special_tokens = True
    return library, Spelling.of(library, {end_of_text_of(tokenizer): BETWEEN})
