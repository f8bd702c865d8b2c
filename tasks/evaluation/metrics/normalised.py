"""How the official scorers of question answering make two answers comparable, each by the name of its benchmark."""

import re
import string
from functools import lru_cache

ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_TRIVIA = str.maketrans(dict.fromkeys(string.punctuation + "‘’´`", " "))


@lru_cache(maxsize=1 << 16)
def squad(text: str) -> str:
    """SQuAD v1.1, v2.0, and as they do CoQA and QuAC: lower case, ASCII punctuation gone, articles gone, single blanks,
    in this order (evaluate-v2.0.py)."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


@lru_cache(maxsize=1 << 16)
def trivia(text: str) -> str:
    """TriviaQA: _ as a blank, lower case, punctuation (typographic marks too) as blanks, articles gone, single blanks
    (triviaqa_evaluation.py)."""
    return " ".join(ARTICLES.sub(" ", text.replace("_", " ").lower().translate(_TRIVIA)).split())


@lru_cache(maxsize=1 << 16)
def drop(text: str) -> str:
    """DROP: apart at blanks and hyphens; each word lower case, numbers as Python writes a float, of others the
    punctuation gone; articles gone (allennlp_rc/eval/drop_eval.py)."""
    words = []
    for word in re.split(" |-", text):
        plain = word.lower()
        if not is_number(plain):
            plain = plain.translate(_NO_PUNCTUATION)
        if is_number(plain):
            plain = str(float(plain))
        words += ARTICLES.sub(" ", plain).split()
    return " ".join(words)


def is_number(text: str) -> bool:
    """Whether Python reads it as a float; nan and infinity too, as the official scorer has it."""
    try:
        float(text)
    except ValueError:
        return False
    return True
