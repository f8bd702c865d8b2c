"""How `explain` tells of tokens."""

from collections.abc import Iterator, Mapping

import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.shards import read_beside
from tasks.runtime.stage import Place
from tasks.tokens.pieces import members_of
from tasks.tokens.repeated import often, times_by_size

SHAPES_NO_BYTES = True
SHOWN = 20  # pieces of one document that are printed


def tell_tokens(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """Where the document, or each piece of it, lies in the token shard; and how often it counts, if it had copies."""
    table = read_beside(artifact, place.shard)
    ids = table.column("id")
    pieces = table.filter(pc.or_(pc.equal(ids, place.id), pc.starts_with(ids, f"{place.id}#")))
    if not pieces.num_rows:
        yield "none: it is not trained on"
    for row in pieces.slice(0, SHOWN).to_pylist():
        yield f"{row['id']}: {row['tokens']:,} tokens of {row['split']}, from {row['start']:,}"
    if "train" in pieces.column("split").to_pylist() and artifact.manifest["parameters"].get("sizes"):
        yield from _tell_times(artifact, place, others)


def tell_mixture(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """The weight of the document's group in a model's mixture, and how often an epoch of it is read; nothing of a
    labelled record, which is of no mixture."""
    if ("labelled", place.source) in others:
        return
    if not artifact.built:
        yield f"{artifact.name}: not built"
        return
    group = artifact.manifest["parameters"]["groups"].get(place.source)
    share = artifact.manifest["statistics"]["groups"].get(group)
    if share is None:
        yield f"{artifact.name}: group {group} has no weight: nothing of it is read"
        return
    yield (
        f"{artifact.name}: group {group} has {share['weight']:.4f} of the tokens (asked: {share['asked']:g}), "
        f"{share['epochs']:.3f} epochs of {share['held']:,} tokens"
    )


def _tell_times(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    decision = artifact_at(artifact.manifest["inputs"]["decision"], artifact.store)
    members = int(members_of(place.shard, decision)[place.row])
    if members == 1:
        return
    mixtures = [other for (stage, _), other in others.items() if stage == "mixture"]
    if not mixtures:
        yield f"its cluster has {members:,} members; how often it counts is for a mixture to say, and none is built"
        return
    times = often(times_by_size(artifact, mixtures[0]), members)
    yield f"counts {'once' if times == 1 else f'{times} times'} in training: its cluster has {members:,} members"
