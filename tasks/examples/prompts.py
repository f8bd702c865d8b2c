"""Which records' prompts are left out: InstructGPT's rules (Ouyang et al. 2022, section 3.2 and appendix C.4).

    long-prompt   it has more tokens than `tokens`
    pii           it holds what looks like personal data (tasks/kernels/pii.py says what, and what it misses)
    same-prefix   it begins, over `prefix` characters, as an earlier one of another id does, or the shorter is the same
    user-share    `per_user` prompts of its user came before it

In this order, so that what is left out for one reason counts for none that follows. "Earlier" is the order of the
records as they are given. White space and case play no part in a beginning. The paper gives no length of a prefix.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

REASONS = {
    "long-prompt": "its prompt has more tokens than `prompts.tokens`",
    "pii": "its prompt holds what looks like personal data",
    "same-prefix": "its prompt begins as an earlier one does",
    "user-share": "its user has as many prompts as `prompts.per_user` already",
}


@dataclass(frozen=True)
class Rules:
    """None: the rule is off."""

    tokens: int | None = None
    pii: tuple[str, ...] = ()  # of tasks.kernels.pii.COLUMNS
    prefix: int | None = None  # characters
    per_user: int | None = None


@dataclass(frozen=True)
class Prompt:
    """What the rules look at; `user` where the record names one."""

    text: str
    tokens: int
    user: str | None = None


def left_out(prompts: Sequence[Prompt], rules: Rules) -> list[str | None]:
    """Of each prompt, in order, why it is left out; None where it stays."""
    reasons: list[str | None] = [None] * len(prompts)
    holding = _with_pii([prompt.text for prompt in prompts], rules.pii)
    begun: set[str] = set()
    had: Counter[str] = Counter()
    for number, prompt in enumerate(prompts):
        beginning = " ".join(prompt.text.lower().split())[: rules.prefix]
        if rules.tokens is not None and prompt.tokens > rules.tokens:
            reasons[number] = "long-prompt"
        elif holding[number]:
            reasons[number] = "pii"
        elif rules.prefix is not None and beginning in begun:
            reasons[number] = "same-prefix"
        elif rules.per_user is not None and prompt.user is not None and had[prompt.user] >= rules.per_user:
            reasons[number] = "user-share"
        else:
            begun.add(beginning)
            if prompt.user is not None:
                had[prompt.user] += 1
    return reasons


def _with_pii(texts: list[str], kinds: Sequence[str]) -> list[bool]:
    if not kinds or not texts:
        return [False] * len(texts)
    from tasks.kernels.pii import COLUMNS, counts_of

    counts = counts_of(pa.array(texts, pa.large_string()))
    return [bool(held) for held in (counts[:, [COLUMNS.index(kind) for kind in kinds]] > 0).sum(1)]
