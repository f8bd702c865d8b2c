"""Comparisons, written: a machine's, in the format that `millrace label` writes for people; ranked.py reads both.

    {"id", "prompt" | "messages", "answers": [K], "ranks": [K], "labeler", "judge": "human" | "machine",
     "likert": [], "flags": {}}

Rank 1 is best; answers of one rank are equally good.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

MACHINE = "machine"


def line(
    id: str, messages: Sequence[Mapping[str, str]], answers: Sequence[str], values: Sequence[float], labeler: str
) -> bytes:
    """A machine's comparison as a line: ranks by values, more is better, equal ones share a rank, none is left out."""
    order = sorted(set(values), reverse=True)
    record: dict[str, Any] = {
        "id": id,
        "messages": list(messages),
        "answers": list(answers),
        "ranks": [order.index(value) + 1 for value in values],
        "labeler": labeler,
        "judge": MACHINE,
        "likert": [],
        "flags": {},
    }
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"
