"""How a budget of tokens is shared out among groups: by weight, but none beyond so many epochs."""

from tasks.runtime.errors import Failure


def share_out(budget: int, weights: dict[str, float], epoch: dict[str, int], most: float | None) -> dict[str, float]:
    """Tokens a group, which sum to the budget. `epoch`: tokens that an epoch of each group reads; `most`: the epochs
    that a group may give, if they are bounded.

    A group that would give more is set to its bound; what is left of the budget goes to the others by weight, and so
    again until none is above. The order of the groups plays no part.

    Raises:
        Failure: with all groups at their bound tokens are missing.
    """
    tokens = {group: budget * weight / sum(weights.values()) for group, weight in weights.items()}
    if most is None:
        return tokens
    bound = {group: most * epoch[group] for group in weights}
    at_bound: set[str] = set()
    while above := {group for group in tokens if group not in at_bound and tokens[group] > bound[group]}:
        at_bound |= above
        free = [group for group in weights if group not in at_bound]
        rest = budget - sum(bound[group] for group in weights if group in at_bound)
        if not free:
            raise Failure(
                f"mixture: at {most:g} epochs, the `max` of `mixture: epochs`, all groups together give "
                f"{budget - rest:,.0f} of the {budget:,} tokens that the model reads: {rest:,.0f} are missing. Give it "
                f"fewer `tokens`, raise `max`, or add that much text"
            )
        whole = sum(weights[group] for group in free)
        tokens = {
            group: bound[group] if group in at_bound else rest * weight / whole for group, weight in weights.items()
        }
    return tokens
