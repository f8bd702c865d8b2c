"""What tasks/kernels/heuristics.py counts, said plainly: Python's own strings, regular expressions and dictionaries."""

import re
from collections import Counter
from collections.abc import Sequence

from tasks.kernels import heuristics as fast
from tasks.kernels import tables

_, FLAGS = tables.rows()
WHITE = "".join(re.escape(chr(code)) for code in range(0x110000) if FLAGS[code] & tables.WHITE)
WORD = re.compile(f"[^{WHITE}]+")
SENTENCE = re.compile(f"[{re.escape(fast.STOPS)}][{re.escape(fast.STOPS + fast.CLOSING)}]*$")
STOP_WORD = re.compile(r"[^A-Za-z0-9]*([A-Za-z]{2,4})[^A-Za-z0-9]*")
POLICY = re.compile("|".join(fast.POLICIES), re.ASCII | re.IGNORECASE)
LOREM = re.compile("lorem ipsum", re.ASCII | re.IGNORECASE)
JAVASCRIPT = re.compile("javascript", re.ASCII | re.IGNORECASE)


def is_letter(char: str) -> bool:
    return bool(FLAGS[ord(char)] & tables.BREAK_CLASS == tables.LETTER)


def counts(text: str) -> dict[str, int]:
    words = WORD.findall(text)
    lines = [WORD.findall(line) for line in text.split("\n")]
    raw_lines = [raw for raw, line in zip(text.split("\n"), lines, strict=True) if line]
    full_lines = [line for line in lines if line]
    terminal = [is_terminal(line[-1]) for line in full_lines]
    names = [bool(JAVASCRIPT.search(line)) for line in raw_lines]
    policies = [bool(POLICY.search(line)) for line in raw_lines]
    whole = [
        ends and len(line) >= fast.SHORTEST_LINE and not code and not policy
        for line, ends, code, policy in zip(full_lines, terminal, names, policies, strict=True)
    ]
    paragraphs: list[list[list[str]]] = [[]]
    for line in lines:
        if line:
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    full_paragraphs = [paragraph for paragraph in paragraphs if paragraph]
    line_copies = copies(full_lines)
    paragraph_copies = copies(full_paragraphs)
    answer = {
        "characters": characters(words),
        "words": len(words),
        "alphabetic_words": sum(any(map(is_letter, word)) for word in words),
        "stop_words": len({stop_word(word) for word in words} & set(fast.STOP_WORDS)),
        "hashes": text.count("#"),
        "ellipses": text.count("...") + text.count("…"),
        "curly_brackets": text.count("{") + text.count("}"),
        "lorem_ipsum": len(LOREM.findall(text)),
        "lines": len(full_lines),
        "bullet_lines": sum(line[0][0] in fast.BULLETS for line in full_lines),
        "ellipsis_lines": sum(is_ellipsis(line[-1]) for line in full_lines),
        "terminal_lines": sum(terminal),
        "short_lines": sum(len(line) < fast.SHORTEST_LINE for line in full_lines),
        "javascript_lines": sum(names),
        "policy_lines": sum(policies),
        "sentences": sum(map(ends_sentence, words)),
        "whole_sentences": sum(
            ends_sentence(word) for line, kept in zip(full_lines, whole, strict=True) for word in line if kept
        ),
        "duplicate_lines": len(line_copies),
        "duplicate_line_characters": sum(characters(line) for line in line_copies),
        "paragraphs": len(full_paragraphs),
        "duplicate_paragraphs": len(paragraph_copies),
        "duplicate_paragraph_characters": sum(characters(line) for paragraph in paragraph_copies for line in paragraph),
    }
    for n in (2, 3, 4):
        answer[f"top_{n}grams"] = top_gram(words, n)
    for n in range(5, 11):
        answer[f"repeated_{n}grams"] = repeated_grams(words, n)
    return answer


def characters(words: Sequence[str]) -> int:
    return sum(map(len, words))


def copies(items: Sequence[list]) -> list[list]:
    """Those that stood before."""
    return [item for place, item in enumerate(items) if item in items[:place]]


def is_ellipsis(word: str) -> bool:
    return word.endswith(("...", "…"))


def is_terminal(word: str) -> bool:
    return word[-1] in fast.STOPS + fast.QUOTES and not is_ellipsis(word)


def ends_sentence(word: str) -> bool:
    return bool(SENTENCE.search(word))


def stop_word(word: str) -> str | None:
    """The word in lower case, punctuation around it aside, if it is 2 to 4 ASCII letters."""
    if any(is_letter(char) and not char.isascii() for char in word):
        return None
    match = STOP_WORD.fullmatch(word)
    return match[1].lower() if match else None


def grams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[place : place + n]) for place in range(len(words) - n + 1)]


def top_gram(words: Sequence[str], n: int) -> int:
    """Characters within the most frequent gram that occurs twice; of several, within the longest, then the first."""
    often = Counter(grams(words, n))
    most = max(often.values(), default=0)
    if most < 2:
        return 0
    top = max((gram for gram, times in often.items() if times == most), key=characters)
    return within(words, [place for place, gram in enumerate(grams(words, n)) if gram == top], n)


def repeated_grams(words: Sequence[str], n: int) -> int:
    """Characters within grams that stood before."""
    found = grams(words, n)
    return within(words, [place for place, gram in enumerate(found) if gram in found[:place]], n)


def within(words: Sequence[str], places: Sequence[int], n: int) -> int:
    return characters([words[i] for i in sorted({place + more for place in places for more in range(n)})])
