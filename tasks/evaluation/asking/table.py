"""The tables of evaluation: what a model answered to each item (ANSWERS), and what each answer is worth (SCORED)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tasks.runtime.artifact import Artifact
from tasks.runtime.shards import read, read_file

RULES = ("gpt3", "gpt2", "gpt4")  # of contamination, a column of SCORED each

ANSWERS = pa.schema(
    [
        ("item", pa.string()),
        ("cluster", pa.string()),  # items that share a passage; null: the item stands alone
        ("prompt", pa.string()),  # all that stands before the answer; of form `rest`, before the choice
        ("prompt_sha256", pa.string()),
        ("shots", pa.int32()),  # solved examples that fitted
        ("choices", pa.list_(pa.string())),  # what was scored: choices, or the one answer; none of free form
        ("gold", pa.list_(pa.int32())),  # places of the right ones
        ("log_likelihoods", pa.list_(pa.float64())),  # nats, summed over an answer's tokens
        ("unconditional", pa.list_(pa.float64())),  # the same answers after the task's neutral context; null: not asked
        ("tokens", pa.list_(pa.int32())),  # of each answer
        ("bytes", pa.list_(pa.int32())),
        ("greedy", pa.list_(pa.bool_())),  # whether each of its tokens is the likeliest
        ("texts", pa.list_(pa.string())),  # generated
        ("text_log_likelihoods", pa.list_(pa.float64())),  # nats, of each text with what ended it
        ("references", pa.list_(pa.string())),  # right answers of free form; a label of cloze
        ("fault", pa.string()),  # why it was not asked; then what was asked is null
    ]
)

SCORED = pa.schema(
    [
        ("item", pa.string()),
        ("cluster", pa.string()),
        ("shots", pa.int32()),  # that were asked for
        ("template", pa.string()),
        ("draw", pa.int32()),  # number of the draw of solved examples
        ("step", pa.int64()),  # of a snapshot; null: the finished model
        ("value", pa.float64()),  # of the metric that is reported; null where the item was not asked
        ("right", pa.int32()),  # of `samples` texts or programs; null where there is one text, or none
        ("samples", pa.int32()),
        ("confidence", pa.list_(pa.float64())),  # the choices' probabilities, normalised over them; null for others
        ("gold", pa.int32()),  # the first right choice; null for others
        (
            "log_probability",
            pa.float64(),
        ),  # nats, of the model's own answer; null where it gave none, or several
        *((rule, pa.string()) for rule in RULES),  # clean, dirty, uncheckable; unchecked: no overlap was asked
        ("fault", pa.string()),
    ]
)

FILE = "items.parquet"  # of `scores`


def answers_of(answers: Artifact) -> pa.Table:
    """What a model answered, item by item: columns of ANSWERS."""
    return pa.concat_tables([read(block) for block in answers.shards()])


def scored_of(scores: Artifact) -> pa.Table:
    """What each answer is worth: columns of SCORED."""
    return read_file(scores, FILE)


def answers_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of ANSWERS; what a row does not name is null."""
    return pa.Table.from_pylist([{name: row.get(name) for name in ANSWERS.names} for row in rows], schema=ANSWERS)
