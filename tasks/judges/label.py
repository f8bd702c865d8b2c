"""Decision: `label`, a model's answers ranked by a judge, as comparisons: what reward models learn from.

It closes the loop samples -> label -> examples. The file has the format that `millrace label` writes for people, and
says of every line that a machine ranked it.
"""

from tasks.judges.comparisons import line
from tasks.judges.completions import completed
from tasks.judges.judged import by_prompt, judged_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "comparisons.jsonl"


@statistics
class Labelled:
    """Prompts whose answers were ranked; those whose answers are all of one rank, which teach nothing; answers; pairs
    of which one is better, and of one rank."""

    prompts: int = 0
    equal: int = 0
    answers: int = 0
    pairs: int = 0
    ties: int = 0


@stage("label", kind="decision", section="alignment")
def label(job: Job, *, completions: Artifact, judged: Artifact, labeler: str) -> Labelled:
    """A comparison of each prompt (comparisons.jsonl): its answers with their ranks, 1 for the highest number.

    `labeler`: the judge's name. Answers of equal numbers, those that say the same among them, share a rank. Prompts
    that were not answered have none; `completions` counts them.
    """
    rows = by_prompt(judged_of(judged))
    counts = {"prompts": 0, "equal": 0, "answers": 0, "pairs": 0, "ties": 0}
    with job.publish(FILE) as file:
        for asked in completed(completions):
            if asked["fault"] is not None:
                continue
            values = [row["value"] for row in rows[asked["id"], None]]
            file.write(line(asked["id"], asked["messages"], asked["answers"], values, labeler))
            better = sum(one > other for one in values for other in values)
            every = len(values) * (len(values) - 1) // 2
            counts["prompts"] += 1
            counts["equal"] += better == 0
            counts["answers"] += len(values)
            counts["pairs"] += better
            counts["ties"] += every - better
    return Labelled(**counts)
