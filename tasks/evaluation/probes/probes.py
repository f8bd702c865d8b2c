"""Measure: `probes`, what a model finds likelier: a gender after an occupation, whom a pronoun means, one of two texts.

Nothing is cut: a question that does not fit the model's context is not asked, and says why.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.evaluation.given import Files, one
from tasks.evaluation.probes import crows_pairs, winogender
from tasks.evaluation.probes.occupations import FEMALE, MALE, OWN, TEMPLATES, listed_in
from tasks.evaluation.probes.question import OCCUPATION, Question
from tasks.models.files import model_folder
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.shards import read_file
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "probed.parquet"
PROBED = pa.schema(
    [
        ("probe", pa.string()),
        ("item", pa.string()),
        ("kind", pa.string()),
        ("cluster", pa.string()),
        ("prompt", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("gold", pa.int32()),
        ("log_likelihoods", pa.list_(pa.float64())),  # nats, a choice's tokens summed; null where not asked
        ("tokens", pa.list_(pa.int32())),
        ("fault", pa.string()),  # why it was not asked
    ]
)


@statistics
class Probed:
    """Questions asked, those that did not fit the context, and the model's parameters (embeddings among them)."""

    questions: int = 0
    unfit: int = 0
    parameters: int = 0


@stage("probes", kind="measure", section="probes", libraries=("torch", "tokenizers", "numpy"))
def probes(job: Job, *, model: Artifact, occupations: Files, winogender: Files, crows_pairs: Files) -> Probed:
    """Log-likelihoods of the answers to each question (probed.parquet). Files are the user's; [] where none is given.

    Raises:
        Mistake: a user's file is not what it should be. Failure: it changed since it was listed.
    """
    import torch

    from model.score import load

    asked = list(questions(occupations, winogender, crows_pairs))
    gpt, tokenizer, _ = load(model_folder(model), "cuda" if torch.cuda.is_available() else "cpu")
    rows = answered(gpt, tokenizer, asked)
    with job.publish(FILE) as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=PROBED), file)
    unfit = sum(row["fault"] is not None for row in rows)
    return Probed(len(rows) - unfit, unfit, sum(weights.numel() for weights in gpt.parameters()))


def questions(occupations: Files, winogenders: Files, pairs: Files) -> Iterator[Question]:
    """Every question, occupations first."""
    jobs = listed_in(one(occupations, "evaluate.probes.occupations")) if occupations else OWN
    for kind, template in TEMPLATES.items():
        for occupation in jobs:
            yield Question(
                OCCUPATION, occupation, kind, occupation, template.format(occupation=occupation), FEMALE + MALE
            )
    if winogenders:
        yield from winogender.questions(one(winogenders, "evaluate.probes.winogender"))
    if pairs:
        yield from crows_pairs.questions(one(pairs, "evaluate.probes.crows_pairs"))


def answered(gpt: Any, tokenizer: Any, asked: list[Question]) -> list[dict[str, Any]]:
    """Rows of PROBED.

    gpt: model.gpt.GPT with its end_of_text; tokenizer: model.tokenizer.Tokenizer, whose ids it reads.
    """
    from model.likelihood import Asked, likelihoods

    requests: list[Asked] = []
    rows: list[dict[str, Any]] = []
    room = gpt.architecture.context
    for question in asked:
        context = tokenizer.encode(question.prompt)
        choices = [tokenizer.encode(choice) for choice in question.choices]
        # The last token is predicted and never read; without a prompt <|endoftext|> is read before the text.
        longest = max(len(context), 1) + max(map(len, choices)) - 1
        fault = f"{longest} tokens to read; the context has {room}" if longest > room else None
        rows.append({**question._asdict(), "tokens": [len(choice) for choice in choices], "fault": fault})
        if fault is None:
            requests.append(Asked(tuple(context), tuple(map(tuple, choices))))
    found = iter(likelihoods(gpt, requests))
    for row in rows:
        if row["fault"] is None:
            row["log_likelihoods"] = [one.total for one in next(found)]
    return rows


def probed(artifact: Artifact) -> list[dict[str, Any]]:
    """The rows of a model's probes."""
    rows: list[dict[str, Any]] = read_file(artifact, FILE).to_pylist()
    return rows
