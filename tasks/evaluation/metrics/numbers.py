"""The last number of a text against the reference's: GSM8K (Cobbe et al. 2021)."""

import re
from decimal import Decimal, InvalidOperation

from tasks.evaluation.metrics.answer import Answer
from tasks.evaluation.metrics.spans import said

FINAL = "####"  # stands before the final answer in GSM8K's solutions
NUMBER = re.compile(r"-?(?:\d[\d,]*)?\.?\d+")


def number(text: str) -> Decimal | None:
    """The first number after the last ####, else the last number of the text; None where there is none."""
    _, mark, after = text.rpartition(FINAL)
    found = NUMBER.findall(after)
    if not found:
        return None
    try:
        return Decimal((found[0] if mark else found[-1]).replace(",", ""))
    except InvalidOperation:
        return None


def same_number(answer: Answer) -> float:
    """Whether text and one of the references end in equal numbers: 1,000 and 1000.0 are."""
    found = number(said(answer))
    return float(found is not None and any(found == number(reference) for reference in answer.references))
