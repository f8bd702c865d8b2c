"""Repair: what is damaged of an artifact is made anew, only that, and comes out with the same bytes.

Of a stage that works by shards, the damaged shards; of another, the whole artifact. An artifact that was made of other
bytes than its inputs have now is made anew whole. Every byte written is reproducible, so the content after is compared
with the content before, where the manifest still tells it.
"""

from typing import Any

from tasks.runtime.artifact import FILES, MANIFEST, Artifact, counted
from tasks.runtime.damage import consumed_otherwise, of_one
from tasks.runtime.engine import Engine
from tasks.runtime.errors import Failure
from tasks.runtime.job import Reporter, build
from tasks.runtime.stage import Stage


def mend(artifact: Artifact, what: Stage, arguments: dict[str, Any], engine: Engine, reporter: Reporter) -> list[str]:
    """Make a built artifact sound again. Returns what was wrong, a sentence each; empty if nothing was.

    Its inputs are sound: call it in the order of the DAG.

    Raises:
        Failure: it came out with other bytes than its manifest promised (the code or a library is not what it was).
    """
    if not artifact.built:
        return []
    damage = of_one(artifact)
    others = [] if damage.whole else consumed_otherwise(artifact)
    if not damage.sentences and not others:
        return []
    with artifact.store.lease(artifact.label, reporter.log):
        promised = None if damage.whole or others else artifact.content
        listed = {} if damage.whole else artifact.files()
        # The manifest after what is wrong: from then on it is unfinished work, in which what is there is believed.
        for name in _to_be_removed(artifact, damage.wrong, listed, whole=bool(others) or damage.whole):
            artifact.store.delete(artifact.name_of(name))
        artifact.store.delete(artifact.name_of(MANIFEST))
        artifact.store.delete(artifact.name_of(FILES))
    build(artifact, what, arguments, engine, reporter)
    if promised is not None and artifact.content != promised:
        raise Failure(
            f"{artifact.where()} was made anew and has other bytes than before: its code is as it was, so look at the "
            f"machine (CPU, libraries beside those in its manifest), and run again what was made of it"
        )
    return [*damage.sentences, *others]


def _to_be_removed(artifact: Artifact, wrong: list[str], listed: dict[str, Any], whole: bool) -> list[str]:
    """Files that a build must not find. With a shard's file goes its main one, which says that the shard is done."""
    if whole:
        names = [entry.name.removeprefix(f"{artifact.label}/") for entry in artifact.store.list(artifact.label)]
        return [name for name in names if counted(name)]
    mains = {f"{name.partition('.')[0]}.parquet" for name in wrong if "/" not in name}
    return [*wrong, *sorted(mains & set(listed) - set(wrong))]
