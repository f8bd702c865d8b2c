"""The pipeline's tokenizer with a form's special tokens added behind its own: ids V, V + 1, ..."""

from typing import Any

from tasks.runtime.errors import Mistake


def with_added(content: bytes, names: tuple[str, ...]) -> tuple[bytes, dict[str, int]]:
    """A tokenizer.json with special tokens of these names, and their ids. Text that spells one stays text.

    Raises:
        Mistake: the tokenizer has a token of such a name, which its own text may hold.
    """
    from tokenizers import AddedToken, Tokenizer

    library = Tokenizer.from_buffer(content)
    known = library.get_vocab()
    if taken := [name for name in names if name in known]:
        raise Mistake(
            f"the tokenizer has a token {taken[0]} of its own (id {known[taken[0]]}), which these examples would add; "
            "give the pipeline a tokenizer without it"
        )
    library.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in names])
    ids = library.get_vocab()
    return library.to_str(pretty=True).encode(), {name: ids[name] for name in names}


def encoder(content: bytes) -> Any:
    """A function text -> `tokenizers.Encoding`, by the tokenizer without added tokens: text never gets their ids."""
    from tasks.tokens.encode import plain

    library = plain(content)
    return lambda text: library.encode(text, add_special_tokens=False)
