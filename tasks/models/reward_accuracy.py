"""Measure: `reward-accuracy`, what a reward model gives held-out answers that were ranked, and how often it agrees.

Pairs of answers to one prompt that are no ties: the share whose better one has the higher reward, overall, by how many
answers the prompt has (K) and by who ranked them. Chance is a half. lm-human-preferences and its successors report the
same figure.
"""

import json
from dataclasses import field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.models.files import model_folder
from tasks.models.tuned import examples_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.shards import COMPRESSION, read
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "ranked.parquet"
UNNAMED = "unnamed"  # where a record has no `labeler`
ROWS = pa.schema(
    [
        ("id", pa.string()),  # of the record
        ("labeler", pa.string()),
        ("answers", pa.int32()),  # K of the prompt
        ("row", pa.int32()),  # which of its answers
        ("rank", pa.float64()),  # 1 is the best
        ("reward", pa.float32()),
    ]
)
BLOCK = 256  # prompts that are read at once


@statistics
class Agreed:
    """Pairs that are no ties, and those that the rewards order as they were ranked; equal rewards count a half."""

    pairs: int = 0
    right: float = 0.0

    @property
    def accuracy(self) -> float | None:
        return self.right / self.pairs if self.pairs else None


@statistics
class Accuracy:
    """Held-out prompts and answers, pairs that are ties, and the pairs: all, by K, by labeler."""

    prompts: int = 0
    answers: int = 0
    ties: int = 0
    all: Agreed = field(default_factory=Agreed)
    by_answers: dict[str, Agreed] = field(default_factory=dict)
    by_labeler: dict[str, Agreed] = field(default_factory=dict)


@stage("reward-accuracy", kind="measure", section="rewards", libraries=("torch", "numpy"))
def reward_accuracy(job: Job, *, reward: Artifact, examples: Artifact, records: Artifact) -> Accuracy:
    """What a reward model gives each held-out answer of comparisons, beside its rank.

    `examples`: of the form compare; `records`: of `labelled`, which they were made of and which name the labelers.

    Raises:
        Mistake: the model is no reward model. Failure: the examples cannot be read.
    """
    import torch

    from model.reward import Reward

    try:
        model = Reward(model_folder(reward), "cuda" if torch.cuda.is_available() else "cpu")
    except ValueError as error:
        raise Mistake(f"{reward.label}: {error}") from error
    rows: list[dict[str, Any]] = []
    listed = list(examples_of(examples, "validation"))
    for first in range(0, len(listed), BLOCK):
        block = listed[first : first + BLOCK]
        rewards = iter(model.of([tokens.tolist() for one in block for tokens in one.tokens]).tolist())
        rows += [
            {"id": one.id, "answers": len(one.tokens), "row": row, "rank": label[0], "reward": next(rewards)}
            for one in block
            for row, label in enumerate(one.labels)
        ]
    labelers = labelers_of(records, {row["id"] for row in rows})
    table = pa.Table.from_pylist([{**row, "labeler": labelers[row["id"]]} for row in rows], schema=ROWS)
    with job.publish(FILE) as file:
        pq.write_table(table, file, compression=COMPRESSION)
    return counted(table)


def counted(table: pa.Table) -> Accuracy:
    """The figures of rows as ROWS has them, an answer each, a prompt's side by side."""
    import torch

    from model.preferences import right_pairs

    columns = {name: table[name].to_pylist() for name in ("answers", "labeler")}
    ranks, rewards = torch.tensor(table["rank"].to_pylist()), torch.tensor(table["reward"].to_pylist())
    whole, by_answers, by_labeler = Agreed(), dict[str, Agreed](), dict[str, Agreed]()
    at = prompts = possible = 0
    while at < table.num_rows:
        K, labeler = columns["answers"][at], columns["labeler"][at]
        right, pairs = right_pairs(rewards[None, at : at + K], ranks[None, at : at + K])
        one = Agreed(int(pairs.item()), right.item())
        whole = _sum(whole, one)
        by_answers[f"{K}"] = _sum(by_answers.get(f"{K}", Agreed()), one)
        by_labeler[labeler] = _sum(by_labeler.get(labeler, Agreed()), one)
        possible += K * (K - 1) // 2
        at, prompts = at + K, prompts + 1
    return Accuracy(
        prompts=prompts,
        answers=table.num_rows,
        ties=possible - whole.pairs,
        all=whole,
        by_answers=dict(sorted(by_answers.items(), key=lambda item: int(item[0]))),
        by_labeler=dict(sorted(by_labeler.items())),
    )


def _sum(left: Agreed, right: Agreed) -> Agreed:
    return Agreed(left.pairs + right.pairs, left.right + right.right)


def labelers_of(records: Artifact, ids: set[str]) -> dict[str, str]:
    """Who ranked each record's answers, by its id; `UNNAMED` where it does not say."""
    wanted, found = pa.array(sorted(ids), pa.string()), dict.fromkeys(ids, UNNAMED)
    for shard in records.shards():
        table = read(shard, ["id", "meta"])
        table = table.filter(pc.is_in(table["id"], value_set=wanted))
        for name, record in zip(table["id"].to_pylist(), table["meta"].to_pylist(), strict=True):
            labeler = json.loads(record).get("labeler")
            found[name] = labeler if isinstance(labeler, str) and labeler else UNNAMED
    return found


def rewards_of(accuracy: Artifact) -> pa.Table:
    """The rows of a built one: ROWS."""
    return pq.read_table(accuracy.local(FILE))
