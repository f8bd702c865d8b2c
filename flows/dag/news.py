"""Models to the news that they write, who can tell it, and how it repeats itself; where the pipeline asks for it."""

from typing import Any

from conf.pipeline import Pipeline
from flows.dag.built import Built
from tasks.evaluation.news.judged import news_judged
from tasks.evaluation.news.news import CONTROL, HOW, news
from tasks.evaluation.news.repetition import repetition
from tasks.runtime.run import Run
from tasks.sources.input.listing import listed


def write_news(run: Run, p: Pipeline, built: Built, models: list[str]) -> None:
    """Each model's news, and what is told of it; the control's first."""
    how = p.evaluate.news
    if how is None:
        return
    about: dict[str, Any] = {
        "files": listed(run, "news-articles", how.articles, frozen=False)["files"],
        "titles": how.titles,
        "words": how.words,
        "seed": p.seed,
    }
    ratings = [] if how.ratings is None else listed(run, "news-ratings", how.ratings, frozen=False)["files"]
    control = None
    if how.control is not None:
        name = control_of(how.control)
        made = run(news, name, model=built.models[how.control], **about, **CONTROL)
        control = run(news_judged, name, news=made, control=None, ratings=ratings, seed=p.seed)
    for name in models:
        with run.group("evaluation", name):
            made = run(news, name, model=built.models[name], **about, **HOW)
            run(news_judged, name, news=made, control=control, ratings=ratings, seed=p.seed)
            run(repetition, name, news=made, samples=built.samples.get(name), seed=p.seed)


def control_of(model: str) -> str:
    """The name of a model's texts as the control's: a model is asked in both ways."""
    return f"{model}-control"
