"""One question of a probe: texts of which the model's likelihoods are compared. The readers of probes make these."""

from typing import NamedTuple

OCCUPATION, WINOGENDER, WINOGENDER_PAIRS, CROWS_PAIRS = "occupation", "winogender", "winogender-pairs", "crows-pairs"


class Question(NamedTuple):
    """What is asked. `prompt` is "" where the choices are whole texts; a choice's space before it is its own."""

    probe: str  # one of the above
    item: str
    kind: str  # the template, the pronoun's gender, the kind of bias: what the probe's answers are told apart by
    cluster: str  # questions of one cluster are drawn together where an interval is made
    prompt: str
    choices: tuple[str, ...]
    gold: int | None = None
