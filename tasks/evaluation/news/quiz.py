"""A page that asks people who wrote what: GPT-3's quiz (section 3.9.4), as one file that needs nothing from elsewhere.

Each title stands over one text, a person's or the model's. The number of a quiz decides for which half of the titles
it is the model's, and the order; so several people get several pages. What is answered is exported as JSONL
(ratings.py), or sent to the `millrace label --quiz` that serves the page. Whose a text is does not stand in the page.
"""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from tasks.evaluation.news.news import written_in
from tasks.evaluation.news.ratings import ANSWERS, key_of
from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact
from tasks.runtime.visible import visible


def content(news: Artifact, number: int) -> dict[str, Any]:
    """What a quiz shows of a model's news."""
    return asked(written_in(news), news.name, news.fingerprint, number)


def asked(rows: list[dict[str, Any]], model: str, fingerprint: str, number: int) -> dict[str, Any]:
    """The same of its rows. Of n titles the model's texts are n // 2, or one more in every second quiz of an odd n."""
    there = [row for row in rows if row["fault"] is None]
    ids = [row["item"] for row in there]
    half = (len(there) + number % 2) // 2
    machine = set(np.argsort(uniform(ids, number, "quiz: whose"), kind="stable")[:half].tolist())
    order = np.argsort(uniform(ids, number, "quiz: order"), kind="stable").tolist()
    items = []
    for place in order:
        row = there[place]
        text = row["text"] if place in machine else row["human"]
        items.append(
            {
                "item": row["item"],
                **{key: visible(row[key]) for key in ("title", "subtitle")},
                "shown": visible(text),
                "text": key_of(text),
            }
        )
    return {"model": model, "news": fingerprint, "quiz": number, "answers": list(ANSWERS), "items": items}


def page(quiz: dict[str, Any], served: dict[str, Any] | None = None) -> str:
    """The page. Texts in it are hostile input: in the script's data no `<` stands, the page shows text as text, and the
    browser runs no script but the page's own, by its hash.

    served: {who, said: {item: number of the answer}} of a page that sends answers to its server, and exports none.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    data = json.dumps(quiz if served is None else {**quiz, "served": served}, separators=(",", ":")).replace(
        "<", "\\u003c"
    )
    html = environment.get_template("quiz.html.j2").render(quiz=quiz, served=served is not None, data=Markup(data))
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    return html.replace("{script}", f"'sha256-{digest}'", 1)
