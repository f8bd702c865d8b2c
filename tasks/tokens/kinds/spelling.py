"""What the ids of a tokenizer of any kind spell, in UTF-8, as far as a token alone says it.

A tokenizer that marks words (</w>, ##, a Metaspace) gives them with blanks between; what it took from a text (case,
accents) does not come back.
"""

import json
from typing import TYPE_CHECKING, Any

from tasks.tokens.kinds.alphabet import bytes_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

METASPACE = "\u2581"  # sentencepiece's mark of a blank


def spelled(library: "Library") -> list[bytes]:
    """The bytes of each id.

    Raises:
        ValueError: its decoder is none that we know; or a token holds a character that stands for no byte.
    """
    about = json.loads(library.to_str())
    spell = _speller(about)
    added = {token["id"] for token in about["added_tokens"]}
    spelt = [b""] * library.get_vocab_size()
    for token, number in library.get_vocab().items():
        try:
            spelt[number] = spell(token)
        except KeyError as error:
            if number not in added:  # these may stand as they are; so the library's decoder
                raise ValueError(f"token {token!r} (id {number}) holds {error}, which stands for no byte") from None
            spelt[number] = token.encode()
    return spelt


def is_byte_level(about: dict[str, Any]) -> bool:
    """Whether the tokens of a tokenizer.json are written in GPT-2's alphabet of bytes."""
    return "ByteLevel" in _decoders(about)


def _decoders(about: dict[str, Any]) -> list[str]:
    decoder = about.get("decoder") or {}
    return [part["type"] for part in decoder.get("decoders", [decoder]) if part]


def _speller(about: dict[str, Any]) -> Any:
    decoders = _decoders(about)
    model, decoder = about["model"], about.get("decoder") or {}
    if "ByteLevel" in decoders:
        return bytes_of
    if "WordPiece" in decoders:
        inside = decoder.get("prefix") or model.get("continuing_subword_prefix") or ""
        return lambda token: (token.removeprefix(inside) if token.startswith(inside) else f" {token}").encode()
    if "BPEDecoder" in decoders:
        end = decoder["suffix"]
        return lambda token: (token.removesuffix(end) + (" " if token.endswith(end) else "")).encode()
    if METASPACE in json.dumps(decoder, ensure_ascii=False):
        return _of_metaspace
    raise ValueError(
        f"its decoder ({', '.join(decoders) or 'none'}) is none of ByteLevel, BPEDecoder, WordPiece, Metaspace"
    )


def _of_metaspace(token: str) -> bytes:
    """A byte that no piece holds is written <0xE2> (byte_fallback)."""
    if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
        return bytes([int(token[3:5], 16)])
    return token.replace(METASPACE, " ").encode()
