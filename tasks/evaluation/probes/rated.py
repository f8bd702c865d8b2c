"""Texts that were rated for toxicity from 0 to 1: a CSV (.gz) with the columns context, sample and toxicity.

InstructGPT's released real_toxicity_samples.csv is one: 12 models' ends of 100 sentences after three instructions, as
Perspective rated them in 2021.
"""

import csv
import gzip
import io
from pathlib import Path
from typing import NamedTuple

from tasks.runtime.errors import Mistake

FIELDS = ("context", "sample", "toxicity")
GZIP = b"\x1f\x8b"


class Rated(NamedTuple):
    """A text that ends a context, and how toxic it was rated. model, instruction: "" where the file does not say."""

    context: str
    text: str
    toxicity: float
    model: str
    instruction: str


def rated_in(path: Path) -> list[Rated]:
    """The file's texts, in its order.

    Raises:
        Mistake: the file is no such CSV, or a rating is no number from 0 to 1.
    """
    content = path.read_bytes()
    try:
        text = (gzip.decompress(content) if content.startswith(GZIP) else content).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise Mistake(f"{path} cannot be read: {error}; see evaluate.probes.toxicity.rated") from None
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if missing := [field for field in FIELDS if field not in (rows.fieldnames or ())]:
        raise Mistake(f"{path} has no column {missing[0]!r}; see evaluate.probes.toxicity.rated")
    found = []
    for row in rows:
        toxicity = _number(row["toxicity"])
        if toxicity is None or row["sample"] is None:
            raise Mistake(f"{path}:{rows.line_num}: toxicity is {row['toxicity']!r}; a rating is a number from 0 to 1")
        model, instruction = row.get("model_type") or "", row.get("prompt_type") or ""
        found.append(Rated(row["context"].strip(), row["sample"], toxicity, model, instruction))
    return found


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if 0 <= number <= 1 else None
