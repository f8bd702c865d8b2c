"""The page of `millrace label` and `millrace compare --prompts`. Texts of others come by `item`: none is in it."""

import json
from pathlib import Path
from typing import Any


def page(content: dict[str, Any]) -> str:
    """`content`: of Ranking.content. In the script's data no `<` stands."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    data = json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")
    return environment.get_template("ranking.html.j2").render(content=content, data=Markup(data))
