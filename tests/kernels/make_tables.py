"""Prints the literal of tasks/kernels/tables.py: java CodePoints.java | python make_tables.py"""

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


def rows(lines: Iterable[str]) -> list[tuple[int, int]]:
    """For each code point (distance to its lower case, flags)."""
    answer = [(0, 0)] * 0x110000
    for line in lines:
        code_hex, lower, kind, cased, category = line.split()
        code = int(code_hex, 16)
        flags = int(kind) | int(cased) << 4 | (code in WHITE) << 5
        flags |= (int(category) in PUNCTUATION or code in SYMBOLS) << 6
        answer[code] = (int(lower, 16) - code, flags)
    return answer


def pack(answer: list[tuple[int, int]]) -> bytes:
    """The runs, uncompressed (compressed bytes may differ between zlib's versions)."""
    runs = [(len(list(same)), *row) for row, same in groupby(answer)]
    lengths, distances, flags = zip(*runs, strict=True)
    return struct.pack(f"<{len(runs)}i", *lengths) + struct.pack(f"<{len(runs)}i", *distances) + bytes(flags)


if __name__ == "__main__":
    literal = base64.b85encode(zlib.compress(pack(rows(sys.stdin)), 9)).decode()
    for start in range(0, len(literal), 100):
        print(f'    "{literal[start : start + 100]}"')
