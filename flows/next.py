"""`millrace next`: the likeliest tokens after each token of a text, as a table."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.models import Chosen, spelt


def show(out: Console, model: Chosen, text: str, k: int, more: int) -> None:
    """A row a token: how likely it was, and what was expected after it; then `more` rows of the likeliest tokens."""
    from model.likeliest import steps

    gpt, tokenizer, _ = model.load()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "token", "probability", "rank"):
        table.add_column(heading, justify="left" if heading == "token" else "right", no_wrap=True)
    for place in range(k):
        table.add_column("then" if place == 0 else "or", no_wrap=True)
    ids = tokenizer.encode(text)
    made = steps(gpt, ids, k, more)
    for place, step in enumerate(made):
        table.add_row(
            str(place),
            Text(spelt(tokenizer, step.token), style="italic" if step.chosen else ""),
            "" if step.probability is None else f"{step.probability:.4f}",
            "" if step.rank is None else f"{step.rank:,}",
            *(Text(f"{spelt(tokenizer, token)} {p:.3f}") for token, p in step.expected),
        )
    out.print(table)
    if (cut := len(ids) - sum(not step.chosen for step in made)) > 0:
        out.print(f"the first {cut:,} tokens are left out: the model reads {len(ids) - cut:,}", highlight=False)
