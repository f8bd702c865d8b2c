"""`mixture`: for a budget of tokens, what each group gives and how often it is read over, and on what it is validated.

Small, from the counts of the token shards and the index of what they hold out. Weights need not sum to 1 (GPT-3's table
2.2 sums to 101 %): they are normalised, and what was asked stands beside. Without weights a group counts by the tokens
it holds. A group's epochs are tokens drawn / tokens held; where they are bounded, the rest is shared out again
(shares.py) so that the loader, which reads whole windows, goes through none more often than that. A source's windows
are drawn as its group's are, so its epochs are its group's.

With `times` documents of large clusters count several times (FineWeb2's rehydration): an epoch of a group reads its
train streams whole, then once more those parts that count twice or more often, then those that count thrice, and so on,
so that a document and its repetition lie as far apart as can be. Those tokens are among the tokens held.
"""

import json
from collections.abc import Sequence
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import Any

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics, total
from tasks.tokens.shares import share_out
from tasks.tokens.tokens import TokenShards
from tasks.tokens.told import tell_mixture
from tasks.tokens.validation import Found, HeldOut, Window, sample_of, windows_of

FILE = "mixture.json"
EVALUATED = 64  # windows a source, the least that a sample is meant to have: `evaluate` reads all of it


@statistics
class Share:
    """Of one group: the weight asked and as drawn, tokens held and to be drawn, and epochs = drawn / held.

    `again`: those of the tokens held that are read again, since their documents count more than once. `normalised`: the
    weight asked, of a sum of 1; `weight` is that after the bound on epochs. `moved`: the tokens that the bound took
    from the group (below 0) or gave to it.
    """

    asked: float = 0.0
    weight: float = 0.0
    held: int = 0
    tokens: int = 0
    epochs: float = 0.0
    again: int = 0
    normalised: float = 0.0
    moved: int = 0


@statistics
class Source:
    """Of one source: tokens held (`again`: as of a group) and expected to be drawn, epochs, and what is held out."""

    held: int = 0
    again: int = 0
    tokens: int = 0
    epochs: float = 0.0
    held_out: HeldOut = field(default_factory=HeldOut)


@statistics
class Mixed:
    """The budget in tokens, the sum of the weights as asked, and each group's share and each source's.

    `unvalidated`: groups that are trained on and hold nothing out, and about how many tokens each would need.
    """

    budget: int = 0
    asked_sum: float = 0.0
    groups: dict[str, Share] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    max_epochs: float | None = None
    unvalidated: dict[str, int] = field(default_factory=dict)


@stage("mixture", kind="decision", section="mixture", tell=tell_mixture, everywhere=True)
def mixture(
    job: Job,
    *,
    tokens: dict[str, Artifact],
    groups: dict[str, str],
    weights: dict[str, float],
    budget: int,
    context: int,
    validation: float,
    validation_windows: int,
    seed: int,
    max_epochs: float | None = None,
    times: Sequence[int] = (),
) -> Mixed:
    """What the loader reads. `groups` gives each source's group, `weights` each group's weight.

    `context`: the model's. `validation`: the share of documents that is held out. `validation_windows`: a source, on
    which the model is validated while it is trained; the sample has at least those that it is evaluated on.
    `max_epochs`: no group gives more. `times`: for each of the sizes of clusters that the tokens were made with, how
    often its documents count.

    Raises:
        Failure: a group has a weight and less than a window of text, or no group has any; or the budget asks for more
            than `max_epochs` of all.
    """
    shards = {name: TokenShards.of(artifact) for name, artifact in tokens.items()}
    most = max(validation_windows, EVALUATED)
    parts = _held_out(job, tokens, context, most, seed)
    samples = {name: sample_of(parts[name], most) for name in tokens}
    sources = {name: _source(shards[name], times, parts[name], samples[name]) for name in tokens}
    held: dict[str, int] = {}
    for name, source in sources.items():
        held[groups[name]] = held.get(groups[name], 0) + source.held
    asked: dict[str, float] = dict(weights) or {group: float(count) for group, count in held.items()}
    _require_text(asked, held, context)
    asked_sum, wanted = sum(asked.values()), {group: weight for group, weight in asked.items() if weight}
    epoch = {group: (held[group] - 1) // context * context for group in wanted}  # whole windows are read
    drawn = share_out(budget, wanted, epoch, max_epochs)
    shares = {
        group: Share(
            asked=weight,
            weight=drawn[group] / budget,
            held=held[group],
            tokens=round(drawn[group]),
            epochs=drawn[group] / held[group],
            again=sum(source.again for name, source in sources.items() if groups[name] == group),
            normalised=weight / asked_sum,
            moved=round(drawn[group]) - round(budget * weight / asked_sum),
        )
        for group, weight in wanted.items()
    }
    for name, source in sources.items():
        epochs = shares[groups[name]].epochs if groups[name] in shares else 0.0
        sources[name] = replace(source, tokens=round(epochs * source.held), epochs=epochs)
    about = next(iter(shards.values())).about
    plan = {
        "tokenizer": about["tokenizer"],
        "dtype": about["dtype"],
        "end_of_text": about["end_of_text"],
        "seed": seed,
        "context": context,
        "groups": [
            {
                "group": group,
                **{key: getattr(share, key) for key in ("asked", "weight", "held", "tokens", "epochs")},
                **({"again": share.again} if times else {}),
                "sources": [
                    _listed(name, shards[name], times, samples[name]) for name in tokens if groups[name] == group
                ],
            }
            for group, share in shares.items()
        ],
    }
    with job.publish(FILE) as file:
        file.write(json.dumps(plan, indent=1).encode())
    unvalidated = {}
    if validation and validation_windows:
        unvalidated = _unvalidated(job, shares, groups, parts, validation)
    return Mixed(budget, float(asked_sum), shares, sources, max_epochs, unvalidated)


def _held_out(job: Job, tokens: dict[str, Artifact], context: int, most: int, seed: int) -> dict[str, list[Found]]:
    """What each source's shards hold out, in their order."""
    work = [(name, shard) for name, artifact in tokens.items() for shard in artifact.shards()]
    found: dict[str, list[Found]] = {name: [] for name in tokens}
    parts = job.engine.map(partial(windows_of, context=context, most=most, seed=seed), [shard for _, shard in work])
    for (name, _), part in zip(work, parts, strict=True):
        found[name].append(part)
    return found


def _source(shards: TokenShards, times: Sequence[int], parts: list[Found], sample: list[Window]) -> Source:
    by_size = shards.clusters().values()
    again = sum(part * (each - 1) for part, each in zip(by_size, (1, *times), strict=True))
    held_out = replace(total(HeldOut, (part.held_out for part in parts)), sample=len(sample))
    return Source(held=shards.count("train") + again, again=again, held_out=held_out)


def _require_text(asked: dict[str, float], held: dict[str, int], context: int) -> None:
    """Every group with a weight has at least a window of text."""
    for group, weight in asked.items():
        if weight and not held.get(group):
            raise Failure(
                f"mixture gives {group} the weight {weight:g}, but no text of it is left for training: its "
                f"documents were removed or held out (see `millrace status`); give it more documents, or the weight 0"
            )
    if not any(asked.values()):
        raise Failure("mixture: no document of any source is left to train on; see `millrace status`")
    window = context + 1  # a token more than the model reads: the last one's target
    if short := {group: held[group] for group, weight in asked.items() if weight and held[group] < window}:
        told = ", ".join(f"{group} has {count:,}" for group, count in short.items())
        raise Failure(
            f"mixture: a group needs {window:,} training tokens, one window at a context of {context:,}, and {told}; "
            f"give it more text, put its sources into another group, give the model a shorter `context`, or the group "
            f"the weight 0"
        )


def _unvalidated(
    job: Job, shares: dict[str, Share], groups: dict[str, str], parts: dict[str, list[Found]], validation: float
) -> dict[str, int]:
    """Groups without a held-out document, each with the tokens of which `validation` would be one, about; told."""
    needs = {}
    for group, share in shares.items():
        found = [part for name, of in groups.items() if of == group for part in parts[name]]
        if not any(part.held_out.windows for part in found):
            document = (share.held - share.again) / sum(part.train for part in found)  # tokens, on average
            needs[group] = round(document / validation)
            job.log(
                f"WARNING: group {group} is trained on and not validated: none of its documents is held out. At "
                f"`validation: {validation:g}` and {document:,.0f} tokens a document it would need about "
                f"{needs[group]:,} tokens, and it has {share.held - share.again:,}. Raise `validation`, or add text"
            )
    return needs


def _listed(name: str, shards: TokenShards, times: Sequence[int], sample: list[Window]) -> dict[str, Any]:
    """What the loader is told of a source."""
    return {
        "source": name,
        "folder": shards.artifact.label,
        "tokens_json_sha256": shards.sha256,
        "train": shards.count("train"),
        "validation": shards.count("validation"),
        **({"times": [1, *times]} if times else {}),
        "sample": [
            {key: getattr(window, key) for key in ("id", "window", "shard", "start", "tokens")} for window in sample
        ],
    }


def mixture_file(mixture: Artifact) -> Path:
    """A local path of what the loader reads, checked."""
    return mixture.local(FILE)
