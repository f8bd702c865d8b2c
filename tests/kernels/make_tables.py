"""Prints the literal of tasks/kernels/tables.py, or with `folds` that of folds.py:

java CodePoints.java | python make_tables.py [folds]
"""

import base64
import string
import struct
import sys
import zlib
from collections.abc import Iterable
from itertools import groupby

# Unicode's White_Space (PropList.txt); the same since Unicode 6.3
WHITE = {*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
PUNCTUATION = {20, 21, 22, 23, 24, 29, 30}  # java.lang.Character's numbers for Pd Ps Pe Pc Po Pi Pf
SYMBOLS = {ord(c) for c in string.punctuation}

# ---- folds.py. Its classes, by number, are said there.
LETTER, DIGIT, MARK, ALONE, GONE, APOSTROPHE, HYPHEN, SOFT, BLANK, LINE, OTHER = range(11)
SEVERAL = 15
# Scripts that are written without spaces between words: those with letters of UAX #14's line break classes ID
# (ideographs and what is set like them) and SA (complex context: South East Asia), and Tibetan, whose tsheg stands
# after each syllable. Korean has spaces. A test compares this with the classes that the `regex` module knows.
WITHOUT_SPACES = {
    "HAN", "HIRAGANA", "KATAKANA", "BOPOMOFO", "YI", "TANGUT", "NUSHU", "KHITAN_SMALL_SCRIPT",
    "THAI", "LAO", "KHMER", "MYANMAR", "TAI_LE", "NEW_TAI_LUE", "TAI_THAM", "TAI_VIET", "AHOM", "TIBETAN",
}  # fmt: skip
# Letters of several of these scripts, so "Common" (ScriptExtensions.txt): the prolonged sound mark, kana repeat
# marks, the closing and the masu mark
SHARED = {0x30FC, 0xFF70, *range(0x3031, 0x3036), 0x3006, 0x303C}
# DerivedCoreProperties.txt (13.0): Default_Ignorable_Code_Point; the soft hyphen has a class of its own
IGNORABLE = {
    0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x180F), *range(0x200B, 0x2010),
    *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0,
    *range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000),
}  # fmt: skip
NONCHARACTERS = {*range(0xFDD0, 0xFDF0), *(plane << 16 | last for plane in range(17) for last in (0xFFFE, 0xFFFF))}
TATWEEL = 0x640  # stretches an Arabic line, and is no letter
INVISIBLE = IGNORABLE | NONCHARACTERS | {TATWEEL}
# What is written for an apostrophe: ' ` ´ (also as Greek's oxia), modifier letters (prime, turned comma, apostrophe,
# reversed comma, half rings), Armenian's, Hebrew's geresh, the single quotation marks, prime, saltillo. Their full
# widths fold to these.
APOSTROPHES = {
    0x27, 0x60, 0xB4, 0x1FFD, 0x2B9, 0x2BB, 0x2BC, 0x2BD, 0x2BE, 0x2BF, 0x55A, 0x5F3, 0x2018, 0x2019, 0x201B, 0x2032,
    0xA78C,
}  # fmt: skip
HYPHENS = {0x2D, 0x2010}  # U+2011, U+FE63 and U+FF0D fold to these
LINES = {0x0A, 0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029}  # CR is a blank, so that CR LF is one line end
# Signs that NFKD writes as letters, and that a copy leaves out as often: service mark, trade mark, MC, MD, MR
SIGNS = {0x2120, 0x2122, 0x1F16A, 0x1F16B, 0x1F16C}
# Code points without a character in Unicode 13 that will be of one kind: pictographs (UTS #51), ideographs (UAX #38)
PICTOGRAPHS = range(0x1F000, 0x1FB00)
IDEOGRAPHS = range(0x20000, 0x3FFFE)
# java.lang.Character's numbers of general categories
UNASSIGNED, MARKS, ENCLOSING, DECIMAL, OTHER_NUMBER, CONTROL, FORMAT = 0, {6, 8}, 7, 9, 11, 15, 16
SYMBOL = {25, 26, 27, 28}


NAMED = (
    (APOSTROPHES, APOSTROPHE), (HYPHENS, HYPHEN), ({0xAD}, SOFT), (LINES, LINE), (WHITE, BLANK), (INVISIBLE, GONE),
    (SHARED, ALONE),
)  # fmt: skip


def rows(lines: Iterable[str]) -> list[tuple[int, int]]:
    """For each code point (distance to its lower case, flags)."""
    answer = [(0, 0)] * 0x110000
    for line in lines:
        code_hex, lower, kind, cased, category = line.split()[:5]
        code = int(code_hex, 16)
        flags = int(kind) | int(cased) << 4 | (code in WHITE) << 5
        flags |= (int(category) in PUNCTUATION or code in SYMBOLS) << 6
        answer[code] = (int(lower, 16) - code, flags)
    return answer


def class_of(code: int, category: int, script: str) -> int:
    """The class of a code point that stands for itself."""
    for codes, answer in NAMED:
        if code in codes:
            return answer
    if category in (CONTROL, FORMAT, ENCLOSING):
        return GONE
    if category in PUNCTUATION or category in SYMBOL or (category == UNASSIGNED and code in PICTOGRAPHS):
        return OTHER
    if category in MARKS:
        return MARK
    if script in WITHOUT_SPACES or (category == UNASSIGNED and code in IDEOGRAPHS):
        return ALONE
    return DIGIT if category in (DECIMAL, OTHER_NUMBER) else LETTER


def folds(lines: Iterable[str]) -> tuple[list[int], list[int]]:
    """(for each code point: distance to what it folds to << 4 | class, or place in the second << 4 | SEVERAL;
    of each folding into several: their number, then code << 4 | class of each)."""
    known = {int(line.split(" ", 1)[0], 16): line.split() for line in lines}
    classes = []
    for code in range(0x110000):
        category, script = (int(known[code][4]), known[code][5]) if code in known else (UNASSIGNED, "UNKNOWN")
        classes.append(class_of(code, category, script))
    values, several = [], []
    places: dict[tuple[int, ...], int] = {}
    for code in range(0x110000):
        into = tuple(int(part, 16) for part in known[code][6].split(",")) if code in known else (code,)
        own = classes[code]
        # What the table names keeps its class. A sign that NFKD writes over a space (a free accent) separates.
        if own in (APOSTROPHE, HYPHEN, SOFT, BLANK, LINE, GONE) or code in SIGNS:
            into = (code,)
            own = OTHER if code in SIGNS else own
        elif into != (code,):
            if all(classes[part] in (BLANK, OTHER) for part in into) or classes[into[0]] == BLANK:
                into, own = (code,), OTHER
            else:
                own = classes[into[0]]
        if len(into) == 1:
            # of what is no word the code point does not matter
            values.append((into[0] - code) << 4 | own)
        else:
            if into not in places:
                places[into] = len(several)
                several += [len(into), *(part << 4 | classes[part] for part in into)]
            values.append(places[into] << 4 | SEVERAL)
    return values, several


def pack(answer: list[tuple[int, int]]) -> bytes:
    """The runs, uncompressed (compressed bytes may differ between zlib's versions)."""
    runs = [(len(list(same)), *row) for row, same in groupby(answer)]
    lengths, distances, flags = zip(*runs, strict=True)
    return struct.pack(f"<{len(runs)}i", *lengths) + struct.pack(f"<{len(runs)}i", *distances) + bytes(flags)


def pack_folds(values: list[int], several: list[int]) -> bytes:
    """The number of runs, their lengths, their values, then `several`; int32 all."""
    runs = [(len(list(same)), value) for value, same in groupby(values)]
    return struct.pack(f"<{1 + 2 * len(runs) + len(several)}i", len(runs), *(r[0] for r in runs), *(r[1] for r in runs), *several)  # fmt: skip  # noqa: E501


def print_literal(packed: bytes) -> None:
    literal = base64.b85encode(zlib.compress(packed, 9)).decode()
    for start in range(0, len(literal), 110):
        print(f'    "{literal[start : start + 110]}"')


if __name__ == "__main__":
    print_literal(pack_folds(*folds(sys.stdin)) if sys.argv[1:] == ["folds"] else pack(rows(sys.stdin)))
