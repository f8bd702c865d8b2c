"""Decision: `win-rate`, how a judge finds a model's answers, beside another's to the same (InstructGPT, figure 1).

Every pair of answers of one number (a prompt's n-th of each model) is a comparison: won 1, lost 0, equal 1/2. Which of
the two stands first is by hash of (seed, prompt, number), so that what is shown to people of pairs.jsonl tells nothing
by its order; a judge that gives each answer a number of its own does not see it. A prompt that one of the models was
not asked is no comparison, and is counted.

Beside it stands how far the judge agrees with people, where the pipeline has comparisons that people made: of the pairs
that a person ranked apart, the share that it ranks alike, its own ties counting 1/2 (InstructGPT's labelers agree with
each other in 72.6 +- 1.5 %, section 3.4).
"""

from collections.abc import Iterator
from typing import Any

from tasks.judges.comparisons import line
from tasks.judges.completions import Completed, completed
from tasks.judges.estimates import Estimate, estimate
from tasks.judges.judged import by_prompt, judged_of
from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "pairs.jsonl"


@statistics
class Won:
    """Of a model and a judge, which is a machine. `method`: how the model was trained last. `against`: None where the
    model is not compared, and then there is no `rate`. `alone`: prompts that only one of the two was asked. `obeyed`:
    answers that obey all of a judge's rules, and `rules` each of them; None of a judge of another kind. `agreement`:
    with people, None where there are none."""

    model: str = ""
    judge: str = ""
    kind: str = ""
    method: str = ""
    against: str | None = None
    parameters: int = 0
    value: Estimate = Estimate()
    rate: Estimate | None = None
    won: int = 0
    lost: int = 0
    equal: int = 0
    alone: int = 0
    obeyed: Estimate | None = None
    rules: tuple[tuple[str, Estimate], ...] = ()
    agreement: Estimate | None = None
    labelers: int = 0


@stage("win-rate", kind="decision", section="alignment", libraries=("numpy",))
def win_rate(
    job: Job,
    *,
    model: str,
    judge: str,
    kind: str,
    against: str | None,
    method: str,
    completions: Artifact,
    judged: Artifact,
    others: Artifact | None,
    people: Artifact | None,
    seed: int,
) -> Won:
    """What the judge tells of a model's answers, and of them against another's (pairs.jsonl, as comparisons).

    `judged`, `others`: the judge's numbers of the model's answers, and of those of `against`. `people`: its numbers of
    answers that people ranked. `method`: the model's objective.
    """
    rows = judged_of(judged)
    ids = [row["id"] for row in rows]
    told: dict[str, Any] = {"value": estimate([row["value"] for row in rows], ids, seed)}
    if rows and rows[0]["parts"] is not None:
        told["obeyed"] = estimate([float(all(one == 1 for one in row["parts"].values())) for row in rows], ids, seed)
        told["rules"] = tuple(_by_rule(rows, seed))
    beside = by_prompt(judged_of(others)) if others is not None else {}
    pairs = [
        (row, other)
        for key, own in by_prompt(rows).items()
        for row, other in zip(own, beside.get(key, []), strict=False)
    ]
    values = [_won(row["value"], other["value"]) for row, other in pairs]
    messages = {row["id"]: row["messages"] for row in completed(completions)}
    draws = uniform([f"{row['id']}:{row['answer']}" for row, _ in pairs], seed, "order of pairs")
    with job.publish(FILE) as file:
        for (row, other), draw in zip(pairs, draws, strict=True):
            shown = (row, other) if draw < 0.5 else (other, row)
            numbers = [one["value"] for one in shown]
            id = f"{row['id']}#{row['answer']}"
            file.write(line(id, messages[row["id"]], [one["text"] for one in shown], numbers, judge))
    if others is not None:
        told["rate"] = estimate(values, [row["id"] for row, _ in pairs], seed)
        told |= {"won": values.count(1.0), "lost": values.count(0.0), "equal": values.count(0.5)}
        told["alone"] = len(set(by_prompt(rows)) ^ set(beside))
    if people is not None:
        told["agreement"], told["labelers"] = agreement(judged_of(people), seed)
    return Won(model, judge, kind, method, against, completions.counts(Completed).parameters, **told)


def _by_rule(rows: list[dict[str, Any]], seed: int) -> Iterator[tuple[str, Estimate]]:
    """The share of answers that obey each rule, of those that have it."""
    for name in dict.fromkeys(name for row in rows for name in row["parts"]):
        there = [row for row in rows if name in row["parts"]]
        yield name, estimate([float(row["parts"][name] == 1) for row in there], [row["id"] for row in there], seed)


def _won(own: float, other: float) -> float:
    return 0.5 if own == other else float(own > other)


def agreement(rows: list[dict[str, Any]], seed: int) -> tuple[Estimate, int]:
    """Of pairs of answers that a person ranked apart, the share that the judge ranks alike; and how many people."""
    alike: list[float] = []
    ids: list[str] = []
    for (id, _), answers in by_prompt(rows).items():
        for one in answers:
            for other in answers:
                if one["rank"] < other["rank"]:
                    alike.append(_won(one["value"], other["value"]))
                    ids.append(id)
    return estimate(alike, ids, seed), len({row["labeler"] for row in rows})
