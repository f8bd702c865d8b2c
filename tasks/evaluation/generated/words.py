"""The words that are scrambled, in order of frequency.

The paper's list is Norvig's of the web (its `[Nor09]`, count_1w.txt), which we may not ship. Ours was counted from 470
Gutenberg books that are in the public domain (tests/evaluation/generated/make_words.py): their language is older, so a
score on it is beside the paper's, not equal to it. A user who has Norvig's file names it as `words`.
"""

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from tasks.runtime.errors import Failure, Mistake

SHIPPED = "words.txt"
# Of the shipped list. It stands here so that another list is another fingerprint.
SHA256 = "f76228c9fd1e798cd112207e673386fdea53a55be0e75cad6ca05da5e99e8fa6"
SHORTEST, LONGEST = 5, 14  # letters: "more than 4 characters and less than 15"


def shipped() -> list[str]:
    """Ours.

    Raises:
        Failure: the installed file is another.
    """
    content = files("tasks.evaluation.generated").joinpath(SHIPPED).read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise Failure(f"the list of words in {__package__} is not the one that was shipped; install Millrace again")
    return list(fitting(content.decode().splitlines()))


def given(paths: list[Path]) -> list[str]:
    """A user's: a word a line, most frequent first; what follows a blank or tab (a count) is not read.

    Raises:
        Mistake: no line holds a word of 5 to 14 letters, or a file is not UTF-8.
    """
    lines: list[str] = []
    for path in paths:
        try:
            lines += path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise Mistake(f"{path}: not UTF-8 ({error}); `words` names a list of words, one a line") from None
    words = list(fitting(lines))
    if not words:
        raise Mistake(f"{', '.join(map(str, paths))}: no word of {SHORTEST} to {LONGEST} letters, one a line")
    return words


def fitting(lines: list[str]) -> Iterator[str]:
    """Of each line the first word, if its letters are 5 to 14 and nothing else stands in it; each once."""
    seen: set[str] = set()
    for line in lines:
        word = line.split()[0] if line.split() else ""
        if SHORTEST <= len(word) <= LONGEST and word.isalpha() and word not in seen:
            seen.add(word)
            yield word
