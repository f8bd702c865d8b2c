"""`evaluate.news`: what may be asked, and what is refused with its line."""

from pathlib import Path

import pytest
from plain import PLAIN, read

from tasks.runtime.errors import Mistake


def test_the_papers_numbers_are_the_defaults(tmp_path: Path) -> None:
    news = read(tmp_path, f"{PLAIN}evaluate: {{news: {{articles: a.jsonl}}}}\n").evaluate.news
    assert news is not None and (news.titles, news.words, news.control, news.ratings) == (25, 200, None, None)
    assert read(tmp_path, PLAIN).evaluate.news is None


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("{}", r"evaluate\.news\.articles"),
        ("{articles: a.jsonl, titles: 0}", r"evaluate\.news\.titles"),
        ("{articles: a.jsonl, temperature: 2}", "temperature"),
        ("{articles: a.jsonl, control: large}", r"mine.yaml:\d+.*names large, which is no model .*\(there are small\)"),
    ],
)
def test_what_cannot_be_asked(tmp_path: Path, keys: str, said: str) -> None:
    with pytest.raises(Mistake, match=said):
        read(tmp_path, f"{PLAIN}evaluate:\n  news: {keys}\n")
