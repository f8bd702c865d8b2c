"""How far a model's validation loss stands above its training loss, group by group, as it reads them over.

GPT-3 (section 2.2) accepts "a small amount of overfitting" for reading its better sources over: the gap grows with
epochs where a model begins to remember what it reads.
"""

from collections.abc import Mapping
from typing import Any

from tasks.tokens.mixture import Mixed

Gaps = dict[str, list[list[float]]]  # by group: [epochs, nats a token]


def gaps(rows: list[dict[str, Any]], mixed: Mixed, groups: Mapping[str, str]) -> Gaps:
    """At each update that was validated: epochs of the group so far, and its validation loss less its training loss.

    The training loss is the mean over the updates since the last validation, which read the group's windows once or
    over again; the validation loss weighs the group's sources by the tokens that each holds out. `groups`: of sources.
    """
    found: Gaps = {}
    for group, share in mixed.groups.items():
        members = [source for source in mixed.sources if groups.get(source) == group]
        trained: list[float] = []
        points = []
        for row in rows:
            if row.get(f"loss_{group}") is not None:
                trained.append(row[f"loss_{group}"])
            held_out = {
                source: mixed.sources[source].held_out.tokens
                for source in members
                if row.get(f"validation_{source}") is not None
            }
            if trained and sum(held_out.values()) and share.held:
                validation = sum(row[f"validation_{source}"] * tokens for source, tokens in held_out.items())
                gap = validation / sum(held_out.values()) - sum(trained) / len(trained)
                points.append([round(row["tokens"] * share.weight / share.held, 6), round(gap, 6)])
                trained = []
        if points:
            found[group] = points
    return found
