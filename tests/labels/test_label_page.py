"""The page in a real browser: by keys, by drag and by clicks; hostile texts do nothing; axe finds nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from asking import HOSTILE, ranking, records, said, served
from opened import browser, opened

from tasks.evaluation.news.quiz import asked as quiz_of
from tasks.evaluation.news.ratings import ANSWERS, ratings_in
from tasks.labels import news
from tasks.labels.kept import Kept
from tasks.labels.page import page
from tasks.labels.ranking import FLAGS
from tasks.labels.server import Server

pytestmark = [browser, pytest.mark.browser]


def clean(shown: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(shown).response["violations"]
    assert not found, [(each["id"], each["nodes"][0]["html"][:200]) for each in found]


def begins(shown: Any, place: str, text: str) -> None:
    """Waits until the text at a place begins so; the page's policy lets playwright evaluate no condition."""
    from playwright.sync_api import expect

    expect(shown.locator(place)).to_have_text(re.compile("^" + re.escape(text)))


def test_answers_are_ranked_by_keys_alone(tmp_path: Path) -> None:
    with ranking(tmp_path, records(2, 3)) as (address, made, path), opened(address) as (shown, errors):
        shown.wait_for_selector("article.now")
        assert shown.text_content("#state") == "Prompt 1 of 2, 0 answered, as ann"
        assert shown.locator("#save").is_disabled()
        order = made.item({})["answers"]
        shown.keyboard.press("Enter")  # too early
        assert not path.exists()
        for key in ("2", "c", "Shift+Digit7", "1", "Shift+Digit3", "2"):
            shown.keyboard.press(key)
        shown.keyboard.press("Enter")
        begins(shown, "#state", "Prompt 2 of 2, 1 answered")
        (record,) = said(path)
        kept = {"ranks": [2, 2, 1], "likert": [None, 3, 7]}
        for field, values in kept.items():
            placed = dict(zip(record["shown"], values, strict=True))
            assert record[field] == [placed[n] for n in range(3)]
        assert len(order) == 3 and (record["labeler"], record["judge"]) == ("ann", "human")
        for key in ("3", "2", "1", "Enter"):
            shown.keyboard.press(key)
        shown.wait_for_selector("#over:not([hidden])")
        assert shown.text_content("#state") == "2 of 2 answered, as ann" and len(said(path)) == 2
        shown.keyboard.press("[")  # back, and another rank
        shown.wait_for_selector("article.now")
        assert shown.locator("input[name^=r]:checked").count() == 3
        shown.keyboard.press("a")
        shown.keyboard.press("1")
        shown.keyboard.press("Enter")
        shown.wait_for_selector("#over:not([hidden])")
        assert sorted(said(path)[1]["ranks"]) == [1, 1, 2] and len(said(path)) == 2
        assert errors == []


def test_answers_are_ranked_by_dragging_letters(tmp_path: Path) -> None:
    with ranking(tmp_path, records(1, 4)) as (address, _, path), opened(address) as (shown, errors):
        shown.wait_for_selector(".chip")
        places = shown.locator(".place")
        assert [places.nth(n).evaluate("e=>e.firstChild.textContent") for n in range(5)] == [
            "not yet", "1, best", "2", "3", "4",
        ]  # fmt: skip
        for letter, place in (("B", 1), ("A", 2), ("D", 2), ("C", 4), ("C", 0), ("C", 4)):
            chip = shown.locator(".chip", has_text=re.compile(f"^{letter}$"))
            chip.drag_to(places.nth(place))
            assert places.nth(place).locator(".chip", has_text=re.compile(f"^{letter}$")).count() == 1
            assert shown.locator(f"#r{'ABCD'.index(letter)}-{place or 1}").is_checked() == (place > 0)
        shown.click("#save")
        shown.wait_for_selector("#over:not([hidden])")
        (record,) = said(path)
        placed = dict(zip(record["shown"], [2, 1, 3, 2], strict=True))
        assert record["ranks"] == [placed[n] for n in range(4)]
        assert errors == []


def test_flags_and_quality_by_clicks_and_finish(tmp_path: Path) -> None:
    with ranking(tmp_path, records(1, 2)) as (address, _, path), opened(address) as (shown, errors):
        shown.wait_for_selector("article.now")
        shown.locator("summary").nth(1).click()
        for flag in ("hallucination", "opinion"):
            shown.check(f"#f1-{flag}")
        assert shown.locator("article").nth(1).locator("details label").all_text_contents() == list(FLAGS.values())
        assert shown.locator("summary").all_text_contents() == ["Flags", "Flags: 2"]
        shown.check("#q0-5")
        shown.check("#r0-1")
        shown.check("#r1-2")
        shown.click("#save")
        shown.wait_for_selector("#over:not([hidden])")
        (record,) = said(path)
        second = record["shown"][1]
        assert [name for name, each in record["flags"].items() if each[second]] == ["hallucination", "opinion"]
        assert not any(each[1 - second] for each in record["flags"].values())
        assert record["likert"][1 - second] == 5 and record["likert"][second] is None
        shown.click("#finish")
        begins(shown, "main", "Finished: what was ")
        assert errors == []


def test_hostile_texts_are_text_and_what_hides_is_seen(tmp_path: Path) -> None:
    with ranking(tmp_path, records(1, 2)) as (address, _, _), opened(address) as (shown, errors):
        shown.wait_for_selector("article.now")
        assert shown.text_content("#prompt dd") == HOSTILE
        assert f"{HOSTILE}\\u202e\\x1b[31m" in shown.locator("article .text").all_text_contents()
        assert shown.title() == "Rank the answers" and shown.locator("img, b, article script").count() == 0
        assert errors == []
        shown.evaluate(
            "document.body.append(Object.assign(document.createElement('img'),{src:'https://example.org/x.png'}))"
        )
        shown.evaluate(
            "const s=document.createElement('script');s.textContent=\"document.title='hit'\";document.body.append(s)"
        )
        shown.wait_for_timeout(200)
        assert shown.title() == "Rank the answers"
        assert len(errors) == 2 and all("Content Security Policy" in error for error in errors)


def test_a_server_that_is_gone_and_what_is_refused_are_told(tmp_path: Path) -> None:
    with ranking(tmp_path, records(2, 2)) as (address, _, path), opened(address) as (shown, _):
        shown.wait_for_selector("article.now")
        shown.evaluate("ranks=[1,7]")
        shown.evaluate("during(save)")
        begins(shown, "#wrong", "ranks: each of the 2 answers")
        assert not path.exists()
        shown.evaluate("ranks=[null,null]")
        shown.route("**/say", lambda route: route.abort())
        for key in ("a", "1", "2", "Enter"):
            shown.keyboard.press(key)
        begins(shown, "#wrong", "Millrace does not answer")
        shown.unroute("**/say")
        shown.keyboard.press("Enter")
        begins(shown, "#state", "Prompt 2")
        assert shown.text_content("#wrong") == "" and len(said(path)) == 1


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("full", [True, False])
def test_a_screen_reader_stumbles_over_nothing(tmp_path: Path, dark: bool, full: bool) -> None:
    with ranking(tmp_path, records(1, 2), full) as (address, _, _), opened(address, dark=dark) as (shown, errors):
        shown.wait_for_selector("article")
        if full:
            shown.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            shown.keyboard.press("1")
        clean(shown)
        assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(20, 25, 30)" if dark else "rgb(251, 250, 247)"
        )
        assert errors == []


@pytest.mark.parametrize("full", [True, False])
def test_the_page_fits_a_telephone(tmp_path: Path, full: bool) -> None:
    rows = [records(1, 2)[0] | {"prompt": "x" * 400}]
    with ranking(tmp_path, rows, full) as (address, _, _), opened(address, 400, 800) as (shown, _):
        shown.wait_for_selector("article")
        assert shown.evaluate("document.documentElement.scrollWidth") <= 400


def test_two_side_by_side_are_told_apart_by_one_key(tmp_path: Path) -> None:
    rows = [row | {"models": ["small", "large"]} for row in records(4, 2)]
    with ranking(tmp_path, rows, full=False) as (address, _, path), opened(address) as (shown, errors):
        shown.wait_for_selector("article")
        assert shown.title() == "Which answer is better?" and "small" not in shown.content()
        boxes = [shown.locator("article").nth(n).bounding_box() for n in (0, 1)]
        assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] < boxes[1]["x"]
        for n, key in enumerate(("1", "0", "2")):
            shown.keyboard.press(key)
            begins(shown, "#state", f"Prompt {n + 2} ")
        shown.click("#second")
        shown.wait_for_selector("#over:not([hidden])")
        firsts = [row["ranks"][row["shown"][0]] for row in said(path)]
        assert firsts == [1, 1, 2, 2] and [len(set(row["ranks"])) for row in said(path)] == [2, 1, 2, 2]
        assert said(path)[0]["models"] == ["small", "large"] and errors == []


def news_rows(count: int = 4) -> list[dict[str, Any]]:
    rows = [
        {
            "item": f"i{n}",
            "title": f"Title {n}",
            "subtitle": "s",
            "human": f"person {n}",
            "text": f"model {n}",
            "fault": None,
        }
        for n in range(count)
    ]
    rows[0]["title"] = HOSTILE
    return rows


def test_the_news_quiz_is_the_second_kind(tmp_path: Path) -> None:
    quiz, path = quiz_of(news_rows(), "small", "f1", 3), tmp_path / "ratings.jsonl"
    for turn in range(2):
        kept = Kept(path, news.key, print)
        asking = news.Quiz(quiz, kept, "ann")
        with served(Server(asking.page(), asking.doors, 0, print)) as server, opened(server.address) as (shown, errors):
            assert (
                shown.text_content("#done") == f"{2 * turn} of 4 answered" and shown.title() == "Who wrote it? Quiz 3"
            )
            assert HOSTILE in shown.locator("h2").all_text_contents()
            for n in (2 * turn, 2 * turn + 1):
                shown.locator("section").nth(n).locator("input").nth(n).check()
                begins(shown, "#done", f"{n + 1} of")
            if turn:  # a change of mind
                shown.locator("section").nth(0).locator("input").nth(4).check()
                shown.wait_for_timeout(300)
            clean(shown)
            assert errors == [] and not shown.locator("#who").is_visible()
            shown.click("#finish")
            begins(shown, "main", "Finished: what was ")
        kept.close()
    read = ratings_in([path], "small", "f1", news_rows())
    assert len(said(path)) == 4 and [row["participant"] for row in said(path)] == ["ann"] * 4
    answers = [list(ANSWERS.values())[n] for n in (4, 1, 2, 3)]
    texts = {row["item"]: row["text"] for row in news_rows()}
    expected = [
        None if verdict is None else verdict == (item["shown"] == texts[item["item"]])
        for item, verdict in zip(quiz["items"], answers, strict=True)
    ]
    assert read.people == {"ann, quiz 3": expected}


def test_no_text_stands_in_the_page_itself() -> None:
    text = page({"of": 3, "full": True, "flags": FLAGS, "best": 7, "labeler": "</script>a"})
    assert json.loads(re.search(r'json">(.*?)</script>', text)[1])["labeler"] == "</script>a"  # type: ignore[index]
    assert not re.search(r"(src|href)=|url\(|@import|https?:", text)
