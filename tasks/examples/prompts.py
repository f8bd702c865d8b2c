"""Decision: `prompts`, which prompts stay: InstructGPT's rules (Ouyang et al. 2022, section 3.2, appendix C.4).

In this order, so that what is left out for one reason counts for none that follows; "earlier" is the records' order,
over all files. The paper filters prompts with personal data, those with a long common prefix, and holds users to
200 each; it gives no length of a prefix. Reads no text.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import KEEP, REASON, Decided, kept_before
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, read, read_column
from tasks.runtime.stage import stage

REASONS = {
    "long-prompt": "its prompt has more tokens than `prompts.tokens`",
    "personal-data": "its prompt holds what looks like personal data",
    "same-prefix": "its prompt begins as that of an earlier record does",
    "user-share": "its user has as many prompts as `prompts.per_user` before it",
}
COLUMNS = ["prompt_tokens", "personal", "begins", "user"]


@dataclass(frozen=True)
class Rules:
    """`tokens` and `per_user`: the most; None: no bound. `personal`, `same_prefix`: whether such ones are left out."""

    tokens: int | None = None
    personal: bool = False
    same_prefix: bool = False
    per_user: int | None = None


class Prompt(NamedTuple):
    """What `asked` has of a record."""

    tokens: int
    personal: int
    begins: str
    user: str | None


def left_out(prompts: Iterable[Prompt | None], rules: Rules) -> Iterator[str | None]:
    """Of each prompt, in order, why it is left out; None where it stays, or is None: it was left out before."""
    begun: set[str] = set()
    had: Counter[str] = Counter()
    for prompt in prompts:
        if prompt is None:
            yield None
        elif rules.tokens is not None and prompt.tokens > rules.tokens:
            yield "long-prompt"
        elif rules.personal and prompt.personal:
            yield "personal-data"
        elif rules.same_prefix and prompt.begins in begun:
            yield "same-prefix"
        elif rules.per_user is not None and prompt.user is not None and had[prompt.user] >= rules.per_user:
            yield "user-share"
        else:
            begun.add(prompt.begins)
            if prompt.user is not None:
                had[prompt.user] += 1
            yield None


@stage("prompts", kind="decision", title="after prompts", columns=(KEEP, REASON), reasons=REASONS, libraries=("numpy",))
def prompts(
    job: Job, *, documents: Artifact, asked: Artifact, before: Artifact | None, rules: dict[str, Any]
) -> Decided:
    """Which labelled records stay, of those that the decision before leaves; `rules`: the fields of `Rules`."""
    shards = documents.shards()
    held = [kept_before(before, shard) for shard in shards]
    looked = (prompt for shard, kept in zip(shards, held, strict=True) for prompt in _prompts(asked, shard, kept))
    made = left_out(looked, Rules(**rules))
    reasons = [[next(made) for _ in range(shard.rows)] for shard in shards]
    items: list[tuple[str, Any]] = [
        (shard.key, (shard, kept, reason)) for shard, kept, reason in zip(shards, held, reasons, strict=True)
    ]
    return job.total(prompts_shard, items)


def prompts_shard(out: Output, decided: tuple[Shard, np.ndarray, list[str | None]]) -> Decided:
    shard, met, reasons = decided
    size = read(shard, ["bytes"]).column("bytes").to_numpy()
    keep = met & np.array([reason is None for reason in reasons], bool)
    out.of(shard)
    out.write(pa.table([pa.array(keep), pa.array(reasons, pa.string())], names=["keep", "reason"]))
    counted = {reason: reasons.count(reason) for reason in REASONS}
    return Decided(int(met.sum()), int(size[met].sum()), int(keep.sum()), int(size[keep].sum()), counted)


def _prompts(asked: Artifact, shard: Shard, kept: np.ndarray) -> Iterator[Prompt | None]:
    columns = [read_column(asked, shard, COLUMNS)[name].to_pylist() for name in COLUMNS]
    for stays, *told in zip(kept.tolist(), *columns, strict=True):
        yield Prompt(*told) if stays else None
