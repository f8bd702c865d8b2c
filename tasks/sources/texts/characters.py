"""What `clean` knows of each character, and of two side by side: the table that its scan reads (kernels/clean.py).

Made of ftfy's categories and Python's `unicodedata` when it is first asked for, in about 40 ms.
"""

import unicodedata
from functools import cache

import numpy as np

from tasks.kernels import kinds as bit

# Soft hyphen, zero-width space, marks of direction, word joiner, byte order mark, annotation marks; not the zero-width
# (non-)joiners, which spell words in Persian and Hindi, nor variation selectors.
INVISIBLE = "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffc"
CONTROLS = "\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff"
BREAKS = "\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
THIN = "\u1680\u2000-\u200a\u202f\u205f"  # spaces other than the frequent ones
SPACES = " \t\u00a0\u3000"
# What makes ftfy's steps do something, beside mojibake and entities: ligatures, surrogates, and controls and breaks.
LIGATURES = "\u0132\u0133\u0149\u01f1-\u01f3\u01c4-\u01cc\ufb00-\ufb06\ud800-\udfff"
FTFY = CONTROLS + BREAKS + LIGATURES + "\u206a-\u206f\ufeff\ufff9-\ufffc"
CAPITALS = "ÂÃÎÐØÙ√Œœ"  # that begin mojibake where no letter follows
# Code points that may change under NFC, or have a combining class: none are in the blocks left out (a test looks).
MARKS = (range(0xC0, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x1F000), range(0x2F800, 0x2FA20))


def codes(characters: str) -> np.ndarray:
    """The code points of a regular expression's set: single characters, and ranges a-z."""
    found: list[int] = []
    at = 0
    while at < len(characters):
        if characters[at + 1 : at + 2] == "-" and at + 2 < len(characters):
            found.extend(range(ord(characters[at]), ord(characters[at + 2]) + 1))
            at += 3
        else:
            found.append(ord(characters[at]))
            at += 1
    return np.array(found)


@cache
def table() -> bit.Table:
    """The kinds of all 0x110000 code points."""
    kinds = np.zeros(0x110000, np.uint32)
    for characters, bits in (
        (INVISIBLE + CONTROLS, bit.GONE | bit.RARE),
        (BREAKS, bit.BREAK | bit.RARE),
        (THIN, bit.SPACE | bit.RARE),
        (SPACES, bit.SPACE),
        ("\n", bit.BREAK),
        ("&", bit.LOOK),
        (FTFY, bit.SUSPECT),
    ):
        kinds[codes(characters)] |= np.uint32(bits)
    _add_pairs(kinds)
    _add_marks(kinds)
    numbers: dict[bytes, int] = {}  # of different rows of 128; ASCII's is the first
    rows = kinds.reshape(-1, 128)
    blocks = [numbers.setdefault(row.tobytes(), len(numbers)) for row in rows]
    made = bit.Table(np.array(blocks, np.uint16), np.frombuffer(b"".join(numbers), np.uint32))
    for array in made:
        array.setflags(write=False)
    return made


def _add_pairs(kinds: np.ndarray) -> None:
    """Where `badness`, which is slow, may find something: pairs of odd characters, and CAPITALS.

    Read off the alternatives of `badness` (ftfy 6.3), but for the C1 controls, which are in FTFY.
    """
    from ftfy.badness import MOJIBAKE_CATEGORIES

    groups = {name: characters for name, characters in MOJIBAKE_CATEGORIES.items() if name not in ("c1", "common")}
    letters = groups.pop("lower_common") + groups.pop("upper_common")
    odd = "".join(groups.values())
    first = "".join(groups[name] for name in ("bad", "box", "end_punctuation", "currency", "numeric")) + "‚"
    second = "".join(groups[name] for name in groups if name not in ("lower_accented", "kaomoji")) + "°Ђ"
    kinds[codes(odd + letters)] |= np.uint32(1 << bit.FIRST)
    kinds[codes(second)] |= np.uint32(1 << bit.SECOND)
    kinds[codes(first)] |= np.uint32(2 << bit.FIRST)
    kinds[codes(odd)] |= np.uint32(2 << bit.SECOND)
    kinds[codes(CAPITALS)] |= np.uint32(bit.CAPITAL << bit.FIRST)
    kinds[128:] |= np.uint32(bit.CAPITAL << bit.SECOND)


def _add_marks(kinds: np.ndarray) -> None:
    """What NFC may change: characters that it never has, that it joins to the one before, and combining classes."""
    joined: set[int] = set()
    joins: set[int] = set()
    for block in MARKS:
        for code in block:
            character = chr(code)
            if order := unicodedata.combining(character):
                kinds[code] |= np.uint32(order << bit.CLASS)
                joined.add(code)  # what stands before the mark may be joined to what comes behind it
            parts = unicodedata.decomposition(character)
            if parts and parts[0] != "<":
                if not unicodedata.is_normalized("NFC", character):
                    kinds[code] |= np.uint32(bit.SUSPECT)
                else:
                    first, second = parts.split()
                    joined.add(int(first, 16))
                    joins.add(int(second, 16))
    joined.update(range(0x1100, 0x1113), range(0xAC00, 0xD7A4))  # Hangul: initial letters, syllables
    joins.update(range(0x1161, 0x1176), range(0x11A8, 0x11C3))  # medial and final letters
    kinds[[code for code in joined if code > 127]] |= np.uint32(bit.JOINS << bit.FIRST)
    kinds[list(joins)] |= np.uint32(bit.JOINS << bit.SECOND)
