"""The tokenizer that a model was trained with: a tokenizer.json, through the `tokenizers` library."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

END_OF_TEXT = "<|endoftext|>"


class Tokenizer:
    """`encode` adds nothing to the text; what sets documents apart is `end_of_text`, the id of <|endoftext|>."""

    def __init__(self, path: str | Path) -> None:
        from tokenizers import Tokenizer as Library

        self.path = Path(path)
        if not self.path.is_file():
            raise ValueError(f"there is no tokenizer at {self.path}: give the path of a tokenizer.json")
        self._library = Library.from_file(str(self.path))
        # Text that spells <|endoftext|> is text: only we set documents apart.
        self._library.encode_special_tokens = True
        end = self._library.token_to_id(END_OF_TEXT)
        if end is None:
            raise ValueError(f"{self.path} has no token {END_OF_TEXT}: it cannot set documents apart")
        self.end_of_text: int = end
        self.vocabulary: int = self._library.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        return self._library.encode(text, add_special_tokens=False).ids

    def decode(self, tokens: Iterable[int]) -> str:
        return self._library.decode([int(token) for token in tokens], skip_special_tokens=False)


def sha256(path: str | Path) -> str:
    """Of the file's bytes: what model.json records of the tokenizer.json beside it."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def require_same(expected: str | None, found: str | None, expected_by: str, found_in: str) -> None:
    """Raise ValueError where two tokenizer fingerprints differ; one that is not stated (None) is not compared."""
    if expected is not None and found is not None and expected != found:
        raise ValueError(
            f"{found_in} was made by tokenizer {found}, but {expected_by} has tokenizer {expected}: "
            "make its tokens again with that tokenizer, or train a model of its own"
        )
