"""`millrace look`: a page of what a model looks at as it reads a text."""

from pathlib import Path

from rich.console import Console

from flows.models import Chosen, mistakes, spelt
from tasks.runtime.errors import Mistake


def write(out: Console, model: Chosen, text: str, path: Path) -> None:
    """Write the page, one file, in the place of what has that name.

    Raises:
        Mistake: the text is too long for a page, or the page's folder is not there.
    """
    from model.look import content, page

    if not path.absolute().parent.is_dir():
        raise Mistake(f"{path} cannot be written: its folder is not there")
    gpt, tokenizer, _ = model.load()
    with mistakes():
        shown = content(gpt, tokenizer.encode(text), lambda token: spelt(tokenizer, token))
    path.write_text(page(model.name, shown), encoding="utf-8")
    out.print(f"Page: {path}", highlight=False, markup=False, soft_wrap=True)
