"""`millrace quiz`: a page that asks people which texts of a model's news a person wrote."""

from pathlib import Path
from typing import Any

from rich.console import Console

from conf.spelling import did_you_mean
from tasks.evaluation.news.quiz import content, page
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

STAGE = "news"  # that makes the texts


def write(out: Console, run: Run, model: str, path: Path, number: int) -> None:
    """Write the page, one file, in the place of what has that name.

    Raises:
        Mistake: as `shown`; or the page's folder is not there.
    """
    quiz = shown(run, model, number)
    if not path.absolute().parent.is_dir():
        raise Mistake(f"{path} cannot be written: its folder is not there")
    path.write_text(page(quiz), encoding="utf-8")
    out.print(f"Page: {path}, {len(quiz['items'])} texts", highlight=False, markup=False, soft_wrap=True)


def shown(run: Run, model: str, number: int) -> dict[str, Any]:
    """What the quiz of this number shows of a model's news.

    Raises:
        Mistake: the pipeline asks no such model for news, or its news is not built or is empty.
    """
    there = {artifact.name: artifact for artifact in run.artifacts if artifact.stage == STAGE}
    if model not in there:
        named = f"there are {', '.join(there)}" if there else "evaluate.news asks for it"
        raise Mistake(f"{model} has written no news in this pipeline ({named}){did_you_mean(model, there)}")
    if not there[model].built:
        raise Mistake(f"the news of {model} is not built yet: `millrace run` builds it")
    quiz = content(there[model], number)
    if not quiz["items"]:
        raise Mistake(f"{model} wrote no text: no title fits its context")
    return quiz
