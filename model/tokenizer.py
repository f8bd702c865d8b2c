"""The tokenizer that a model was trained with: a tokenizer.json, through the `tokenizers` library."""

from collections.abc import Iterable
from pathlib import Path

END_OF_TEXT = "<|endoftext|>"


class Tokenizer:
    """`encode` adds nothing to the text; what sets documents apart is the id `end_of_text`.

    `path`: of a tokenizer.json; `content`: its bytes, where they are no file of this machine and `path` only names
    them. `end_of_text`: as model.json or the mixture has it; if None the id of <|endoftext|>. ValueError where there is
    no tokenizer, or it has no such token.
    """

    def __init__(self, path: str | Path, content: bytes | None = None, end_of_text: int | None = None) -> None:
        from tokenizers import Tokenizer as Library

        if content is None and not Path(path).is_file():
            raise ValueError(f"there is no tokenizer at {path}: give the path of a tokenizer.json")
        self.path = Path(path)
        self.content = content if content is not None else self.path.read_bytes()
        try:
            self._library = Library.from_buffer(self.content)
        except Exception as error:  # noqa: BLE001 - the library raises nothing more special
            raise ValueError(f"{path} is damaged, or no tokenizer.json: {error}; put the right one back") from None
        # Text that spells a special token, such as <|endoftext|>, is text: only we set documents apart.
        self._library.encode_special_tokens = True
        end = self._library.token_to_id(END_OF_TEXT) if end_of_text is None else end_of_text
        if end is None:
            raise ValueError(f"{path} has no token {END_OF_TEXT}: it cannot set documents apart")
        added = self._library.get_added_tokens_decoder().get(end)
        if added is None or not added.special:
            raise ValueError(f"{path}: {end} is the id of no special token: it cannot set documents apart")
        self.end_of_text: int = end
        self.vocabulary: int = self._library.get_vocab_size()

    def id_of(self, token: str) -> int | None:
        """The id of a token, such as <|end|>; None where it has none."""
        found: int | None = self._library.token_to_id(token)
        return found

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`; text that spells <|endoftext|> stays text."""
        ids: list[int] = self._library.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, tokens: Iterable[int]) -> str:
        """Text of token ids; bytes that are no UTF-8 become U+FFFD."""
        text: str = self._library.decode([int(token) for token in tokens], skip_special_tokens=False)
        return text


def require_same(expected: str | None, found: str | None, expected_by: str, found_in: str) -> None:
    """Raise ValueError where two tokenizer fingerprints differ; one that is not stated (None) is not compared."""
    if expected is not None and found is not None and expected != found:
        raise ValueError(
            f"{found_in} was made by tokenizer {found}, but {expected_by} has tokenizer {expected}: "
            "make its tokens again with that tokenizer, or train a model of its own"
        )
