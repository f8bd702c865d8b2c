"""Articles that people wrote: which are asked of a model, how, and where a text is cut (GPT-3, section 3.9.4).

The paper took 25 titles of newser.com, which were in no training set, and put three earlier articles before each.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.kernels.draw import uniform
from tasks.runtime.errors import Mistake
from tasks.sources.rows.json_lines import json_lines

KEY = "evaluate.news.articles"
SHOWN = 3  # articles before a title
STOP = "\nTitle:"  # where a model goes on to another article
FIELDS = ("title", "subtitle", "text")
WORDS = {
    "one": "an article",
    "not_json": "is not JSON ({}); articles are one JSON object a line",
    "files": KEY,
}
SENTENCE = re.compile(r"[.!?][\"'\u2019\u201d)\]]*(?=\s|$)")


class Article(NamedTuple):
    """An article; its id is the hash of its line. Title and subtitle are of one line each."""

    id: str
    title: str
    subtitle: str
    text: str


def articles_in(path: Path) -> list[Article]:
    """The articles of a JSONL file (.gz and .zst too), each once.

    Raises:
        Mistake: a line is not an object with title, subtitle and text; one has no title or no text.
    """
    found: dict[str, Article] = {}
    for number, line, record in json_lines(path, list(FIELDS), **WORDS):
        for name in FIELDS:
            if not isinstance(record[name], str) or (name != "subtitle" and not record[name].strip()):
                raise Mistake(f"{path}:{number}: {name} is {record[name]!r:.80}; text is expected, see {KEY}")
        title, subtitle = (" ".join(record[name].split()) for name in FIELDS[:2])
        article = Article(hashlib.sha256(line.strip()).hexdigest()[:32], title, subtitle, record["text"].strip())
        found.setdefault(article.id, article)
    return list(found.values())


def drawn(path: Path, titles: int, seed: int) -> tuple[list[Article], list[Article]]:
    """`titles` articles that are asked, and three others to stand before them; by hash, the same for every model.

    Raises:
        Mistake: the file is not what it should be, or has too few articles.
    """
    articles = articles_in(path)
    if len(articles) < titles + SHOWN:
        raise Mistake(
            f"{path} has {len(articles)} articles; {titles} titles and {SHOWN} articles before them need "
            f"{titles + SHOWN}: add articles, or set evaluate.news.titles to {max(1, len(articles) - SHOWN)} or fewer"
        )
    order = np.argsort(uniform([article.id for article in articles], seed, "news"), kind="stable").tolist()
    chosen = [articles[place] for place in order[: titles + SHOWN]]
    return chosen[:titles], chosen[titles:]


def prompt(article: Article, before: list[Article], words: int) -> str:
    """As in the paper's figure 3.14: articles before, cut to `words` words, then the title and subtitle."""
    parts = [f"{_head(shown)} {fitted(shown.text, words)}\n\n" for shown in before]
    return "".join([*parts, _head(article)])


def _head(article: Article) -> str:
    return f"Title: {article.title}\nSubtitle: {article.subtitle}\nArticle:"


def fitted(text: str, words: int) -> str:
    """A text of at most `words` words, which ends with a sentence where that leaves half of them or more.

    What people and models wrote is cut by this one rule, so that neither its length nor its end tells who wrote it.
    """
    places = [match.end() for match in re.finditer(r"\S+", text)]
    kept = text[: places[min(words, len(places)) - 1]] if places else ""
    ends = [match.end() for match in SENTENCE.finditer(kept)]
    if ends and 2 * len(kept[: ends[-1]].split()) >= min(words, len(places)):
        kept = kept[: ends[-1]]
    return kept.strip()
