"""How byte-level tokenizers write bytes: each as one printable character (GPT-2, src/encoder.py, bytes_to_unicode).

A byte whose Latin-1 character is printable is that character; the others are U+0100 and following, in their order. The
ids of the 256 are in the order of these characters: byte 0x21, `!`, is 0. That is GPT-2's own order, `tokenizers`'
(its sorted alphabet) and that of tiktoken's ranks for GPT-2.
"""

import numpy as np

_PRINTABLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
BYTES: dict[str, int] = {chr(byte): byte for byte in _PRINTABLE} | {
    chr(0x100 + place): byte for place, byte in enumerate(_OTHERS)
}
CHARACTERS: tuple[str, ...] = tuple(sorted(BYTES))  # by id
IDS = np.zeros(256, np.int32)  # by byte
IDS[[BYTES[character] for character in CHARACTERS]] = np.arange(256)


def bytes_of(token: str) -> bytes:
    """What a token spells. KeyError for a character that stands for no byte."""
    return bytes(BYTES[character] for character in token)


def token_of(spelled: bytes) -> str:
    """The token that spells these bytes."""
    return "".join(CHARACTERS[IDS[byte]] for byte in spelled)
