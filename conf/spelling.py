"""Near misses: which of the known words somebody meant."""

from collections.abc import Iterable
from difflib import get_close_matches

LIKE = 0.6  # of SequenceMatcher's ratio, difflib's own default: `vocab` for `vocabulary`, `thresh` for `threshold`


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean threshold?`, to stand behind a sentence that refuses a word; "" where nothing is near."""
    meant = nearest(word, known)
    return "" if meant is None else f"; did you mean {meant}?"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like another one, whatever their case; None where none is."""
    plain = {one.lower().replace("_", "-"): one for one in known}
    found = get_close_matches(str(word).lower().replace("_", "-"), plain, 1, LIKE)
    return plain[found[0]] if found else None
