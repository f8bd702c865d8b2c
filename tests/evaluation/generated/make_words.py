"""Counts tasks/evaluation/generated/words.txt from ../shared/data/books/bulk: 470 Gutenberg books, public domain.

    PYTHONPATH=. .venv/bin/python tests/evaluation/generated/make_words.py

Words are runs of a to z after lower-casing, of 5 to 14 letters, that stand in at least 10 of the books (else the names
of a long book's people would be frequent), by number of occurrences, then in order of letters. Gutenberg's own head and
licence are cut off. Left out are the words of a short list that nobody wants to see in a prompt. 13,000: the 10,000
most frequent, and for each way of scrambling those that take the place of words it cannot change.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import zstandard

BOOKS = Path(__file__).resolve().parents[4] / "shared" / "data" / "books" / "bulk"
LIST = Path(__file__).resolve().parents[3] / "tasks" / "evaluation" / "generated" / "words.txt"
IN_BOOKS, WORDS = 10, 13_000
UNWANTED = re.compile(r"nigger\w*|darkey|darkies|darky|dagoes|chinamen|wench(es)?|whore\w*|bastards?")


def texts() -> Iterator[str]:
    for path in sorted(BOOKS.glob("*.jsonl.zst")):
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)["text"].lower()


def body(text: str) -> str:
    """Without Gutenberg's head and licence, where they are marked."""
    start, end = text.find("*** start"), text.rfind("*** end")
    return text[text.find("\n", start) if start >= 0 else 0 : end if end > 0 else None]


def counted() -> list[str]:
    occurrences: Counter[str] = Counter()
    books: Counter[str] = Counter()
    for text in texts():
        found = Counter(re.findall(r"[a-z]+", body(text)))
        occurrences.update(found)
        books.update(found.keys())
    fit = [
        word
        for word in occurrences
        if 5 <= len(word) <= 14 and books[word] >= IN_BOOKS and not UNWANTED.fullmatch(word)
    ]
    return sorted(fit, key=lambda word: (-occurrences[word], word))[:WORDS]


if __name__ == "__main__":
    LIST.write_text("".join(f"{word}\n" for word in counted()))
