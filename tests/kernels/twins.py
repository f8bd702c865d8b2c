"""What the kernels compute, said plainly: one Python object a word, nothing shared but the Unicode tables."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tasks.kernels import tables
from tasks.kernels.comparison import TAKEN, fold, words

M64 = (1 << 64) - 1
DISTANCE, FLAGS = tables.rows()
BREAKS = "OLDEIMBFNPSA" + 4 * "?"  # a letter a break class, in the order of tables.py


def mix(h: int) -> int:
    h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9 & M64
    h = (h ^ (h >> 27)) * 0x94D049BB133111EB & M64
    return h ^ (h >> 31)


def lower(char: str) -> str:
    return "i̇" if char == "İ" else chr(ord(char) + int(DISTANCE[ord(char)]))


def cased(char: str) -> bool:
    return bool(FLAGS[ord(char)] & tables.CASED)


# ---- Spark's words

WORD = r"(?:LE*)+(?:[MBF](?:LE*)+)*A?"
NUMBER = r"(?:DE*)+(?:[NBF](?:DE*)+)*"
RULES = [
    re.compile(rule)
    for rule in (".E*", f"(?:{WORD})?(?:{NUMBER}{WORD})*(?:{NUMBER}S?)?", f"[PF](?:{NUMBER}{WORD})*(?:{NUMBER}S?)?")
]


def segments(token: str) -> Iterator[tuple[int, int]]:
    """java.text.BreakIterator's words (near enough for a text without white space)."""
    classes = [BREAKS[FLAGS[ord(c)] & tables.BREAK_CLASS] for c in token]
    places = [i for i, c in enumerate(classes) if c != "I"]  # ignored: they stay with what precedes them
    seen = "".join(classes[i] for i in places)
    at = 0
    while at < len(seen):
        end = max(match.end() for rule in RULES if (match := rule.match(seen, at)))
        yield (places[at] if at else 0), (places[end] if end < len(places) else len(token))
        at = end


def java_lower(token: str, opens: bool = True) -> str:
    """`opens`: the token is at the beginning of its text, where BreakIterator does not lose its way."""
    out = [lower(c) for c in token]
    for start, end in segments(token) if "Σ" in token else ():
        lost = {i + 1 for i in range(start, end) if token[i] > "\uffff" and not (opens and i == 0)}
        cuts = sorted({start, end} | lost)
        for left, right in pairwise(cuts):
            for i in range(left, right):
                if token[i] == "Σ":
                    final = any(map(cased, token[left:i])) and not any(map(cased, token[i + 1 : right]))
                    out[i] = "ς" if final else "σ"
    return "".join(out)


def tokens(text: str) -> list[str]:
    parts = re.split("[ \t\n\x0b\f\r]", text)
    if len(parts) > 1:
        while parts and not parts[-1]:
            parts.pop()
    return [java_lower(part, i == 0) for i, part in enumerate(parts)]


def murmur(data: bytes, seed: int = 42) -> int:
    def rotate(x: int, by: int) -> int:
        return (x << by | x >> (32 - by)) & 0xFFFFFFFF

    h = seed
    for at in range(0, len(data), 4):
        block = data[at : at + 4]
        h ^= rotate(int.from_bytes(block, "little") * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF
        if len(block) == 4:
            h = (rotate(h, 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    h ^= len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return h ^ h >> 16


def term_frequencies(text: str, features: int) -> dict[int, int]:
    hashes = (murmur(token.encode()) for token in tokens(text))
    return dict(sorted(Counter((h - (1 << 32) if h >> 31 else h) % features for h in hashes).items()))


# ---- the words of all comparison (tasks/kernels/comparison.py), their hashes


def blocks(word: str) -> list[int]:
    """Eight bytes each: ASCII as it is, any other code point in three bytes of seven bits with the high bit set."""
    packed = bytearray()
    for code in map(ord, word):
        packed += bytes([code]) if code < 128 else bytes(0x80 | (code >> shift & 0x7F) for shift in (0, 7, 14))
    return [int.from_bytes(packed[at : at + 8], "little") for at in range(0, len(packed), 8)]


def word_hash(word: str) -> int:
    h = 0x13198A2E03707344
    for block in blocks(word):
        h = mix(h ^ block)
    return h


def chained(words: Sequence[str], chain: int) -> int:
    for word in words:
        for block in blocks(word):
            chain = mix(chain ^ block)
        chain = (chain * 0xD1342543DE82EF95 + 0x243F6A8885A308D3) & M64
    return chain


def roll(hashes: Sequence[int], step: int) -> int:
    value = 0
    for h in hashes:
        value = (value * step + h) & M64
    return mix(value)


def shingle_hashes(text: str, shingle: int) -> list[int]:
    hashes = [word_hash(word) for word, _, _ in words(text)]
    return [roll(hashes[i : i + shingle], 0x8CB92BA72F3D8DD7) >> 32 for i in range(len(hashes) - shingle + 1)]


def grams(text: str, n: int) -> list[tuple[int, int, int]]:
    """(hash, start, end)"""
    found = list(words(text))
    hashes = [word_hash(word) for word, _, _ in found]
    return [
        (roll(hashes[i : i + n], 0x8CB92BA72F3D8DD7) or 1, found[i][1], found[i + n - 1][2])
        for i in range(len(found) - n + 1)
    ]


def letters(text: str, n: int) -> list[tuple[int, int, int]]:
    """(hash, start, end) of n letters or digits in a row, whatever stands between them."""
    found, at = [], 0
    for char in text:
        size = len(char.encode())
        if fold(char)[0][1] in TAKEN:
            found.append((mix((ord(char) + 0x9E3779B97F4A7C15) & M64), at, at + size))
        at += size
    hashes = [each[0] for each in found]
    return [
        (roll(hashes[i : i + n], 0x8CB92BA72F3D8DD7) or 1, found[i][1], found[i + n - 1][2])
        for i in range(len(found) - n + 1)
    ]


# ---- draw, witnesses


def draw(identity: str, seed: int, purpose: str) -> float:
    state = mix(seed & M64)
    for content in (purpose.encode(), identity.encode()):
        pieces = [len(content)]
        pieces += [int.from_bytes(content[at : at + 8], "little") for at in range(0, len(content), 8)]
        for piece in pieces:
            state = mix(((state ^ piece) + 0x9E3779B97F4A7C15) & M64)
    return (state >> 11) / 2**53


def witnesses(earlier: list[list[int]]) -> list[int]:
    """By the words of DESIGN 4.2: who leaves, and for whom; -1 where it stays."""
    witness: list[int] = []
    for neighbours in earlier:
        staying = [e for e in neighbours if witness[e] < 0]
        witness.append(min(staying, default=-1))
    return witness
