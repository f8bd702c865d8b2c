"""`millrace verify`: every file of every built artifact against its manifest, and against what it was made of."""

import json
from typing import Any

from rich.console import Console

from tasks.runtime.artifact import Artifact
from tasks.runtime.damage import Damage, damage
from tasks.runtime.run import Run

VERSION = 1  # of the JSON


def show(console: Console, run: Run, as_json: bool = False) -> bool:
    """Print what is damaged, what was made of it, and the counts; whether all is well.

    `as_json`: the same as one JSON object on standard output, whose `version` grows when a key changes its meaning.
    """
    built = [artifact for artifact in run.artifacts if artifact.built]
    checked = damage(built)
    if as_json:
        print(json.dumps(_told(run, built, checked), ensure_ascii=False, indent=1))
        return not any(found.sentences for found in checked.values())
    for artifact in built:
        for sentence in checked[artifact.label].sentences:
            console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    found: list[Damage] = [checked[artifact.label] for artifact in built]
    rest = len(run.artifacts) - len(built)
    console.print(
        f"{len(built)} artifacts, {sum(each.files for each in found):,} files, {sum(each.bytes for each in found):,} "
        f"bytes checked; {sum(len(each.sentences) for each in found)} damaged; {rest} artifacts are not built",
        highlight=False,
    )
    return not any(each.sentences for each in found)


def _told(run: Run, built: list[Artifact], checked: dict[str, Damage]) -> dict[str, Any]:
    return {
        "version": VERSION,
        "store": run.store.url,
        "checked": {
            "artifacts": len(built),
            "files": sum(found.files for found in checked.values()),
            "bytes": sum(found.bytes for found in checked.values()),
        },
        "not_built": len(run.artifacts) - len(built),
        "damaged": [
            {
                "stage": artifact.stage,
                "name": artifact.name,
                "fingerprint": artifact.fingerprint,
                "folder": artifact.where(),
                "files": checked[artifact.label].wrong,
                "sentences": checked[artifact.label].sentences,
            }
            for artifact in built
            if checked[artifact.label].sentences
        ],
    }
