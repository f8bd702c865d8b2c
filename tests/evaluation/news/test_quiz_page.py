"""The quiz's page: nothing from elsewhere, no key in it, hostile texts do nothing; a browser answers and exports."""

import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from made_news import rows
from opened import browser, opened

from tasks.evaluation.news.quiz import asked, page
from tasks.evaluation.news.ratings import ANSWERS, ratings_in

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
STRANGER = "<script>document.title='hit'</script><p onclick=\"1\">x</p>"  # as if escaping had failed
HOSTILE = "</script><script>document.title='hit'</script><b>&amp;"


def made() -> list[dict[str, Any]]:
    found = rows(6, 0.5, words=20)
    found[0] = {**found[0], "title": HOSTILE, "human": f"{HOSTILE} a\n\nb", "text": f"{HOSTILE} c"}
    return found


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))


def test_it_needs_nothing_from_elsewhere_and_holds_no_key() -> None:
    text = page(asked(made(), "small", "f1", 3))
    tags = Tags(text).tags
    assert [tag for tag, _ in tags].count("script") == 2  # the data, and the page's own
    assert not [t for t in tags if {"src", "href"} & t[1].keys()] and "url(" not in text and "@import" not in text
    data = re.search(r'application/json">(.*?)</script>', text, re.S)[1]  # type: ignore[index]
    assert "<" not in data
    quiz = json.loads(data)
    assert quiz.keys() == {"model", "news", "quiz", "answers", "items"} and quiz["answers"] == list(ANSWERS)
    assert all(item.keys() == {"item", "title", "subtitle", "shown", "text"} for item in quiz["items"])
    both = [row["human"] in text and row["text"] in text for row in made()[1:]]
    assert not any(both), "of each title one text alone stands in the page"


def test_what_hides_in_a_text_is_shown() -> None:
    rows_of = [{**row, "title": "a\u202eb\u200b", "human": "c\x1b[31m\n", "text": "c\x1b[31m\n"} for row in made()]
    item = asked(rows_of, "small", "f1", 3)["items"][0]
    assert (item["title"], item["shown"]) == (r"a\u202eb\u200b", "c\\x1b[31m\n")


@browser
@pytest.mark.browser
def test_its_own_script_runs_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "quiz.html"
    path.write_text(page(asked(made(), "small", "f1", 3)).replace("</body>", f"{STRANGER}</body>"))
    with opened(path) as (shown, errors):
        assert shown.text_content("#done") == "0 of 6 answered" and shown.locator("section").count() == 6
        assert shown.title() == "Who wrote it? Quiz 3"
        assert len(errors) == 2 and all("Content Security Policy" in error for error in errors)


PROBE = """<script>addEventListener('load',()=>{
  const data=document.documentElement.dataset,$=id=>document.getElementById(id);
  const boxes=[...document.querySelectorAll('section')];
  data.wide=document.documentElement.scrollWidth;data.first=$('done').textContent;data.locked=$('export').disabled;
  boxes.forEach((box,n)=>box.querySelectorAll('input')[n%5].click());
  data.nameless=$('done').textContent;data.still=$('export').disabled;
  $('who').value=' Ann B ';$('who').dispatchEvent(new Event('input'));data.ready=$('export').disabled;
  data.shown=boxes.map(box=>box.querySelector('.shown').textContent).join('|');
  data.titles=boxes.map(box=>box.querySelector('h2').textContent).join('|');
  data.labels=[...boxes[0].querySelectorAll('label')].map(l=>l.textContent).join('|');
  HTMLAnchorElement.prototype.click=function(){data.name=this.download;data.href=this.href.slice(0,5)};
  const URLs=URL.createObjectURL;let blob;URL.createObjectURL=b=>{blob=b;return URLs(b)};
  $('export').click();data.bytes=blob.size;data.lines=lines()})</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no headless browser: install chromium to look at the page")
@pytest.mark.browser
def test_a_browser_asks_and_exports_what_is_read_again(tmp_path: Path) -> None:
    quiz = asked(made(), "small", "f1", 3)
    copy = tmp_path / "quiz.html"
    # The policy lets no script run but the page's own: without it in the copy that is asked.
    copy.write_text(re.sub(r"<meta http-equiv[^>]*>", "", page(quiz)).replace("</body>", f"{PROBE}</body>"))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars",
             "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]  # fmt: skip
    dom = subprocess.run(
        [str(CHROMIUM), *flags, "--dump-dom", "--window-size=500,2000", copy.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    found = {
        name: html.unescape(value) for name, value in re.findall(r'data-(\w+)="([^"]*)"', dom[: dom.index("<head>")])
    }
    assert "<title>Who wrote it? Quiz 3</title>" in dom and int(found["wide"]) <= 500
    assert found["first"] == "0 of 6 answered" and (found["locked"], found["still"], found["ready"]) == (
        "true", "true", "false",
    )  # fmt: skip
    assert found["nameless"].startswith("All answered: give your name")
    assert found["shown"].split("|") == [item["shown"] for item in quiz["items"]]
    assert HOSTILE in found["titles"] and found["labels"].split("|") == list(ANSWERS)
    assert (found["name"], found["href"]) == ("quiz-small-3-Ann-B.jsonl", "blob:")
    assert int(found["bytes"]) == len(found["lines"].encode())
    (tmp_path / "ratings.jsonl").write_text(found["lines"])
    said = ratings_in([tmp_path / "ratings.jsonl"], "small", "f1", made())
    texts = {row["item"]: row["text"] for row in made()}
    answers = list(ANSWERS.values())
    expected = [
        None if (verdict := answers[n % 5]) is None else verdict == (item["shown"] == texts[item["item"]])
        for n, item in enumerate(quiz["items"])
    ]
    assert said.people == {"Ann B, quiz 3": expected}
