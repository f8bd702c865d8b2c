"""A rule: a number of a document, made of what a measure counted, and between which limits it lets the document stay."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Rule:
    """`count`: a column of the measure; `of`: the column that it is divided by, if any, for a share or a mean."""

    count: str
    of: str | None
    meaning: str  # of the reason: why the document leaves, in one line


def value_of(rule: Rule, columns: pa.Table) -> np.ndarray:
    """float64 (rows,): the rule's number of each row; 0 where there is nothing to divide by.

    A count divided by a count is correctly rounded (IEEE 754): the same on every machine. A float32 column is compared
    as it is stored.
    """
    counts = columns.column(rule.count).to_numpy().astype(np.float64)
    if rule.of is None:
        return counts
    return counts / np.maximum(columns.column(rule.of).to_numpy(), 1)


def stays(values: np.ndarray, limits: Mapping[str, float]) -> np.ndarray:
    """bool (rows,): which values are at least `min` and at most `max`, as far as these are given."""
    within: np.ndarray = (values >= limits.get("min", -np.inf)) & (values <= limits.get("max", np.inf))
    return within
