"""Decision: `news-judged`, whether it can be told that a model wrote its news: by a detector, and by people if any did.

It reads no model. Columns are those of GPT-3's table 3.11. The detector's figures are a machine's, and named so
wherever they stand: they say nothing of what people can tell.
"""

import json
from typing import Any

import numpy as np

from tasks.evaluation.given import Files
from tasks.evaluation.news.detector import crossed, right
from tasks.evaluation.news.news import Written, written_in
from tasks.evaluation.news.ratings import ratings_in
from tasks.evaluation.news.student import against, mean
from tasks.evaluation.statistics.intervals import interval
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.sources.input.inside import place_of

FILE = "news-judged.json"


@statistics
class Judged:
    """Titles whose two texts the detector told, people who rated, and their answers."""

    titles: int = 0
    participants: int = 0
    ratings: int = 0


@stage("news-judged", kind="decision", section="news", libraries=("scikit-learn", "scipy", "numpy"))
def news_judged(job: Job, *, news: Artifact, control: Artifact | None, ratings: Files, seed: int) -> Judged:
    """What a detector, and people, tell of one model's news (news-judged.json).

    control: what they tell of the control's; ratings: files of a user's, [] where there are none.

    Raises:
        Mistake: a file of ratings is not what it should be. Failure: it changed since it was listed.
    """
    rows, counts = written_in(news), news.counts(Written)
    asked = [row for row in rows if row["fault"] is None]
    beside = judged_of(control) if control is not None else None
    told: dict[str, Any] = {
        "parameters": counts.parameters,
        "texts": counts.texts,
        "short": counts.short,
        "words": round(counts.words / counts.texts, 2) if counts.texts else None,
        "human_words": round(counts.human_words / counts.texts, 2) if counts.texts else None,
        "temperature": rows[0]["temperature"],
        "shots": [min(row["shots"] for row in asked), max(row["shots"] for row in asked)] if asked else None,
        "unfit": [{key: row[key] for key in ("title", "fault")} for row in rows if row["fault"] is not None],
        "machine": machine(asked, seed, beside["machine"] if beside else None),
        "people": None,
        "outdated": 0,
    }
    paths = [place_of(file, None) for file in ratings]
    said = ratings_in(paths, news.name, news.fingerprint, rows) if paths else None
    if said is not None:
        told["outdated"] = said.others
        if accuracies := said.accuracies():
            told["people"] = {
                "accuracy": mean(accuracies),
                "neutral": round(said.neutral() or 0.0, 6),
                "by": accuracies,
                "against": _against(beside["people"] if beside else None, accuracies),
            }
    with job.publish(FILE) as file:
        file.write(json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False).encode())
    return Judged(
        titles=len(told["machine"]["by"]) if told["machine"] else 0,
        participants=len(said.people) if said else 0,
        ratings=sum(map(len, said.people.values())) if said else 0,
    )


def machine(asked: list[dict[str, Any]], seed: int, control: dict[str, Any] | None) -> dict[str, Any] | None:
    """The detector's accuracy over texts, titles drawn again whole; by title for the t test. None of one title.

    `hardest`, `easiest`: the model's texts that it took for a person's most, and least.
    """
    if len(asked) < 2:
        return None
    scores = crossed([row["human"] for row in asked], [row["text"] for row in asked], seed)
    told = right(*scores)
    values = [value for of in told for value in of]
    if not values:
        return None
    within = interval(values, [row["item"] for row, of in zip(asked, told, strict=True) for _ in of], seed)
    by = [sum(of) / len(of) for of in told if of]
    order = np.argsort(scores[1], kind="stable").tolist()
    return {
        "accuracy": {
            "value": round(sum(values) / len(values), 6),
            "low": round(within.low, 6) if within else None,
            "high": round(within.high, 6) if within else None,
            "of": len(values),
        },
        "neutral": round(1 - len(values) / (2 * len(asked)), 6),
        "by": by,
        "against": _against(control, by),
        **{
            name: {
                "title": asked[place]["title"],
                "text": asked[place]["text"],
                "score": round(float(scores[1][place]), 4),
            }
            for name, place in (("hardest", order[0]), ("easiest", order[-1]))
        },
    }


def _against(control: dict[str, Any] | None, values: list[float]) -> dict[str, float] | None:
    return against(control["by"], values) if control is not None else None


def judged_of(artifact: Artifact) -> dict[str, Any]:
    """What news-judged.json holds."""
    told: dict[str, Any] = json.loads(artifact.read(FILE))
    return told
