"""`millrace label`: a local page where a person ranks answers, or says who wrote a text; and how far people agree."""

import getpass
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.quiz import shown
from tasks.labels import agreement, news
from tasks.labels.asked import prompts_in
from tasks.labels.kept import Kept
from tasks.labels.page import page
from tasks.labels.ranking import Ranking, kept_at
from tasks.labels.server import Door, Server
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.runtime.visible import visible


def rank(
    out: Console,
    prompts: Path,
    path: Path | None,
    labeler: str | None,
    port: int,
    seed: int,
    say: Callable[[str], None],
) -> None:
    """Serve a page that asks for ranks, qualities and flags of each prompt's answers.

    Raises:
        Mistake: the prompts, or what is in the file already, are not what they should be.
    """
    who = named(labeler)
    asked = prompts_in(prompts)
    kept = kept_at(path or beside(prompts, who), say)
    try:
        ranking = Ranking(asked, kept, who, seed, full=True)
        serve(out, page(ranking.content()), ranking.doors, port, say)
        out.print(
            f"{ranking.done()} of {len(asked)} prompts are labelled: {kept.path}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    finally:
        kept.close()


class Quizzed(NamedTuple):
    """Whose news is shown, the number of the quiz, and where the ratings go."""

    model: str
    number: int
    path: Path


def ask_who(
    out: Console, run: Run, quizzed: Quizzed, labeler: str | None, port: int, say: Callable[[str], None]
) -> None:
    """Serve the quiz of who wrote a model's news.

    Raises:
        Mistake: as flows/quiz.py's `shown`; or the file holds other lines.
    """
    who = named(labeler)
    texts = shown(run, quizzed.model, quizzed.number)
    kept = Kept(quizzed.path, news.key, say)
    try:
        quiz = news.Quiz(texts, kept, who)
        serve(out, quiz.page(), quiz.doors, port, say)
        done = f"{len(quiz.said())} of {len(texts['items'])} texts are rated: {quizzed.path}"
        out.print(done, highlight=False, markup=False, soft_wrap=True)
    finally:
        kept.close()


def serve(out: Console, html: str, doors: dict[str, Door], port: int, say: Callable[[str], None]) -> None:
    """Until the page says that it is finished, or Ctrl-C."""
    server = Server(html, doors, port, say)
    out.print(f"Page: {server.address}", highlight=False, markup=False, soft_wrap=True)
    out.print("Whoever has this address can label as you. Finish in the page, or Ctrl-C, ends it.", highlight=False)
    server.serve()


def named(labeler: str | None) -> str:
    """Who labels; the user of this machine where nobody is named. Mistake for a name of nothing."""
    who = (getpass.getuser() if labeler is None else labeler).strip()
    if not who:
        raise Mistake("--labeler is empty: give the name, or a number, of who labels")
    return who


def beside(prompts: Path, who: str) -> Path:
    """Where labels go if nothing is said: beside the prompts, a file a labeler."""
    safe = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in who)
    return prompts.with_name(f"{prompts.name.partition('.')[0]}-{safe}.jsonl")


def show_agreement(out: Console, paths: Sequence[Path], seed: int) -> None:
    """A row each two labelers; people's mean beside the paper's.

    Raises:
        Mistake: a file is not what it should be, or no two labelers ranked the same.
    """
    labels = agreement.labels_in(paths)
    found = agreement.agreements(labels, seed)
    if not found:
        names = ", ".join(one.told() for one in labels) or "nobody"
        raise Mistake(f"no two labelers ranked the same answers (there is {names}): give the files of several")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("labelers", "prompts", "pairs", "ranked apart", "agree", "kappa", "quality kappa"):
        table.add_column(heading, justify="left" if heading == "labelers" else "right", no_wrap=True)
    for row in found:
        together = len(row.who) > 2
        table.add_row(
            Text(f"all {len(row.who)} people" if together else visible(", ".join(one.told() for one in row.who), "")),
            f"{row.prompts:,}",
            f"{row.pairs:,}",
            f"{row.apart:,}",
            per_cent(row.agree, row.within),
            "" if row.kappa is None else f"{row.kappa:.2f}",
            "" if row.quality is None else f"{row.quality:.2f} ({row.rated:,})",
        )
    out.print(table)
    if any(all(one.person for one in row.who) for row in found):
        out.print(
            f"Beside it: {agreement.PAPER}. Pairs that one of the two held equal are not in `agree`.", highlight=False
        )
    else:
        out.print("No two people ranked the same: this is agreement with machines.", highlight=False)


def per_cent(value: float | None, within: tuple[float, float] | None) -> str:
    """With its interval."""
    if value is None:
        return ""
    return f"{value:.1%}" + ("" if within is None else f" ({within[0]:.1%} to {within[1]:.1%})")
