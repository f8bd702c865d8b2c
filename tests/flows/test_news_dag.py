"""The DAG of news: which stages a pipeline's keys ask for, where they are placed, and the page of `millrace quiz`."""

import sys
from pathlib import Path

import pytest
from rich.console import Console

from conf.load import load
from conf.pipeline import Pipeline
from flows.dag.built import Built
from flows.dag.evaluation import placed
from flows.dag.news import write_news
from flows.quiz import write as write_quiz
from flows.run_stage import PLACEABLE
from tasks.evaluation.news.judged import judged_of
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation" / "probes"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation" / "news"))
from made_news import articles, write
from small_models import made, run_in

MODELS = (
    "sources:\n  web: {kind: text, files: 'web/*.txt'}\nmodels:\n  small: {preset: demo}\n  large: {preset: demo}\n"
)


def pipeline(folder: Path, evaluate: str) -> Pipeline:
    (folder / "p.yaml").write_text(f"{MODELS}evaluate:\n{evaluate}")
    return load(folder / "p.yaml")


def asked(run: Run, p: Pipeline) -> list[tuple[str, str]]:
    """Stages and names of what is asked for news."""
    built = Built(models={"small": made(run, context=128), "large": made(run, width=32, context=128)})
    before = len(run.artifacts)
    write_news(run, p, built, ["small", "large"])
    return [(artifact.stage, artifact.name) for artifact in run.artifacts[before:]]


def test_a_pipeline_that_asks_for_none_has_none(tmp_path: Path) -> None:
    assert asked(run_in(tmp_path / "store"), pipeline(tmp_path, "  tasks: []\n")) == []


def test_from_models_to_a_quiz(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", articles(9, words=8))
    p = pipeline(tmp_path, f"  news: {{articles: {tmp_path}/a.jsonl, titles: 5, words: 8, control: small}}\n")
    run = run_in(tmp_path / "store")
    found = asked(run, p)
    assert found == [
        ("news", "small-control"), ("news-judged", "small-control"),
        ("news", "small"), ("news-judged", "small"), ("repetition", "small"),
        ("news", "large"), ("news-judged", "large"), ("repetition", "large"),
    ]  # fmt: skip
    made_of = {(artifact.stage, artifact.name): artifact for artifact in run.artifacts}
    assert judged_of(made_of["news-judged", "large"])["machine"]["accuracy"]["of"] == 10
    assert {place for place in placed(p) if place[0] == "news"} == {place for place in found if place[0] == "news"}
    assert "news" in PLACEABLE

    out = Console(file=(tmp_path / "said.txt").open("w"))
    write_quiz(out, run, "large", tmp_path / "quiz.html", number=4)
    out.file.close()
    assert (tmp_path / "said.txt").read_text() == f"Page: {tmp_path / 'quiz.html'}, 5 texts\n"
    assert made_of["news", "large"].fingerprint in (tmp_path / "quiz.html").read_text()
    with pytest.raises(
        Mistake, match=r"huge has written no news in this pipeline .there are small-control, small, large"
    ):
        write_quiz(out, run, "huge", tmp_path / "quiz.html", number=1)
    with pytest.raises(Mistake, match="did you mean large"):
        write_quiz(out, run, "lrage", tmp_path / "quiz.html", number=1)
    with pytest.raises(Mistake, match="its folder is not there"):
        write_quiz(out, run, "large", tmp_path / "none" / "quiz.html", number=1)

    looked = Run(tmp_path / "other", None)  # builds nothing
    built = Built(models={"small": made(looked), "large": made(looked)})
    write_news(looked, p, built, ["small"])
    with pytest.raises(Mistake, match="the news of small is not built yet"):
        write_quiz(out, looked, "small", tmp_path / "quiz.html", number=1)
