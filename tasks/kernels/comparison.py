"""The words by which texts are compared, said plainly: the twin of `fill_words`, over the same table of code points.

What shingles, exact hashes and benchmark grams are of. docs/words.md gives the definition with its reasons; this is
it in Python, a thousand times as slow. A text is taken as `clean` leaves it (NFC).
"""

import re
from collections.abc import Iterator

from tasks.kernels.folds import BLOCK, PARTS, SEVERAL, VALUE

# A letter a class, in the order of folds.py; GONE (G) has been taken out before
CLASSES = "LDMAG'-S n."
# Digits, their marks, soft hyphens; letters. Each with what joins it to a letter behind: an apostrophe, a hyphen (or
# soft hyphen) at the line's end, and within a word the soft hyphen alone
DIGITS = r"D[DMS]*+(?:'S*(?=L))?"
LETTERS = r"L(?:S*[LM])*+(?:S*'S*(?=L)|(?:S*-|S+)[S ]*n[S ]*(?=L)|S+(?=D))?"
WORD = re.compile(rf"A(?:S*M)*+|(?:{DIGITS}|{LETTERS})++")
TAKEN = "LDMA"


def fold(character: str) -> list[tuple[str, str]]:
    """(code point, its class's letter) of all that a character folds to."""
    code = ord(character)
    value = int(VALUE[(int(BLOCK[code >> 7]) << 7) | (code & 127)])
    if value & 15 != SEVERAL:
        return [(chr(code + (value >> 4)), CLASSES[value & 15])]
    place = value >> 4
    parts = PARTS[place + 1 : place + 1 + int(PARTS[place])].tolist()
    return [(chr(part >> 4), CLASSES[part & 15]) for part in parts]


def words(text: str) -> Iterator[tuple[str, int, int]]:
    """(folded word, its bytes in the text's UTF-8, half open) in the text's order."""
    folded, classes = [], ""
    at = 0
    for character in text:
        after = at + len(character.encode())
        for into, kind in fold(character):
            if kind != "G":
                folded.append((into, at, after))
                classes += kind
        at = after
    for match in WORD.finditer(classes):
        taken = [folded[n] for n in range(*match.span()) if classes[n] in TAKEN]
        yield "".join(into for into, _, _ in taken), taken[0][1], taken[-1][2]
