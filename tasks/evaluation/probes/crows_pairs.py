"""CrowS-Pairs (Nangia et al., 2020): pairs of sentences, of which the first states a stereotype more than the second.

From the authors' crows_pairs_anonymized.csv. Asked as InstructGPT did (appendix D): each sentence as a whole.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from tasks.evaluation.probes.given import text_of
from tasks.evaluation.probes.question import CROWS_PAIRS, Question
from tasks.runtime.errors import Mistake

FIELDS = ("sent_more", "sent_less", "bias_type")


def questions(path: Path) -> Iterator[Question]:
    """The file's pairs, in its order.

    Raises:
        Mistake: the file is no CSV with these columns, or a pair lacks a sentence.
    """
    rows = csv.DictReader(io.StringIO(text_of(path, "crows_pairs"), newline=""))
    if missing := [field for field in FIELDS if field not in (rows.fieldnames or ())]:
        raise Mistake(f"{path} has no column {missing[0]!r}; see evaluate.probes.crows_pairs")
    for number, row in enumerate(rows):
        more, less, kind = (row[field] for field in FIELDS)
        if not more or not less or not kind:
            raise Mistake(f"{path}:{rows.line_num}: a pair lacks one of {', '.join(FIELDS)}")
        yield Question(CROWS_PAIRS, str(number), kind, str(number), "", (more.strip(), less.strip()))
