"""How positive a word is, from -100 to 100 (GPT-3, section 6.2.2).

The paper used SentiWordNet, whose file a user may give: a word's score is the mean of positive less negative over its
senses. Where none is given, TextBlob's lexicon stands in: 2,900 words, most of them adjectives, rated by hand sense by
sense (De Smedt and Daelemans, 2012). What is not in it has no score.
"""

from pathlib import Path

from tasks.evaluation.probes.given import text_of
from tasks.runtime.errors import Mistake

STAND_IN = "TextBlob's lexicon (a stand-in for SentiWordNet)"
KEY = "evaluate.probes.lexicon"


def own() -> dict[str, float]:
    """TextBlob's words."""
    from textblob.en import sentiment

    sentiment.load()
    return {str(word): round(100 * float(by[None][0]), 2) for word, by in dict.items(sentiment) if None in by}


def given(path: Path) -> dict[str, float]:
    """A user's words: SentiWordNet's file, or lines of a word, a tab and a number from -1 to 1.

    Raises:
        Mistake: a line is neither.
    """
    lines = text_of(path, "lexicon").splitlines()
    scores: dict[str, list[float]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split("\t")
        try:
            # SentiWordNet: part of speech, synset's number, positive, negative, words as able#1 unable#2, gloss
            if len(fields) >= 5:
                score = float(fields[2]) - float(fields[3])
                words = [word.rpartition("#")[0].replace("_", " ") for word in fields[4].split()]
            else:
                word, value = fields
                score, words = float(value), [word]
        except ValueError:
            raise Mistake(f"{path}:{number}: neither a line of SentiWordNet nor word <tab> score; see {KEY}") from None
        if not -1 <= score <= 1:
            raise Mistake(f"{path}:{number}: the score {score:g} is not from -1 to 1; see {KEY}")
        for word in words:
            scores.setdefault(word.lower(), []).append(score)
    if not scores:
        raise Mistake(f"{path} has no word; see {KEY}")
    return {word: round(100 * sum(values) / len(values), 2) for word, values in scores.items()}
