"""An export: the corpus, or some of its sources, written to a folder or bucket of the user's.

Why no stage of kind `export`: what a stage makes lies in the store under a fingerprint, is found again by it,
repaired, and collected by `gc`. This one's place and form are the reader's affair and no part of what the corpus is; a
second copy in the store would double it. It keeps a stage's promises by the store's own verbs: OUT is opened as a store
is, files appear whole, a lease keeps a second writer out, a killed export goes on from its finished files, and the same
documents give the same bytes, names and all, whatever the number of workers.

    README.md, croissant.json    for readers (card.py, croissant.py)
    millrace.json                last: what the export is and came from, and every file's checksum
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from tasks.export import card, croissant
from tasks.export.files import NOTES, Made, write_files
from tasks.export.lineage import About, Exported, Told, ancestors, funnel
from tasks.export.plan import plan
from tasks.export.rows import SPLITS, Leaving
from tasks.runtime.engine import Engine, Progress
from tasks.runtime.errors import Mistake
from tasks.runtime.fingerprint import code_hashes, digest, versions
from tasks.runtime.store import Store, write
from tasks.sources.ingest import Ingested

MANIFEST = "millrace.json"
PLAN = f"{NOTES}/plan.json"
LIBRARIES = ("pyarrow", "numpy", "orjson", "zstandard")  # what writes the files


@dataclass(frozen=True)
class How:
    """In what form: parquet or jsonl.zst, files of about `size` bytes, and which splits."""

    form: str
    size: int
    splits: tuple[str, ...]


def recipe(leaving: list[Leaving], how: How) -> dict[str, Any]:
    """All that the files' bytes depend on."""
    return {
        "sources": {
            each.source: {
                "documents": each.documents.label,
                "decision": each.decision.label,
                "score": each.score.label if each.score is not None else None,
                "validation": each.validation,
                "seed": each.seed,
            }
            for each in leaving
        },
        "format": how.form,
        "size": how.size,
        "splits": list(how.splits),
        "libraries": versions(LIBRARIES),
        "code": code_hashes("tasks.export.files"),
    }


def require_free(out: Store, made: dict[str, Any]) -> None:
    """See that OUT is empty, or holds this very export, whole or begun. Names that begin with a dot do not count.

    Raises:
        Mistake: it does not.
    """
    for name in (MANIFEST, PLAN):
        if out.exists(name):
            there = json.loads(out.read(name))["recipe"]
            if there == made:
                return
            differ = [key for key in made if there.get(key) != made[key]]
            raise Mistake(
                f"{out.url} holds another export (it differs in {', '.join(differ)}); give an empty folder, or remove "
                f"that export first"
            )
    strangers = [entry.name for entry in out.list("") if not entry.name.startswith(".")]
    if strangers:
        raise Mistake(f"{out.url} is not empty ({strangers[0]} lies there) and holds no export; give an empty folder")


def export(
    out: Store,
    leaving: list[Leaving],
    how: How,
    title: str,
    about: dict[str, About],
    told: Told,
    version: str,
    engine: Engine,
    progress: Progress | None,
    log: Callable[[str], None],
) -> list[Made]:
    """Write the export, or what is missing or damaged of it, to OUT, which can be written.

    `about` is by source, `version` Millrace's.

    Raises:
        Mistake: OUT holds something else, or no document of the sources leaves.
        Damaged: an artifact is not as it was written.
    """
    made = recipe(leaving, how)
    with out.lease("export", log):
        require_free(out, made)
        write(out, PLAN, json.dumps({"recipe": made}).encode(), replace=True)
        planned = plan(engine, leaving, how.splits, how.form, how.size)
        if not planned:
            names = ", ".join(each.source for each in leaving)
            raise Mistake(f"no document of {names} is left to export; see `millrace status`")
        known = [Made(**file) for file in json.loads(out.read(MANIFEST))["files"]] if out.exists(MANIFEST) else []
        files = write_files(out, planned, how.form, known, engine, progress)
        read = {each.source: each.documents.counts(Ingested) for each in leaving}
        steps = {each.source: funnel(each) for each in leaving}
        exported = Exported(title, how.form, digest(made), version, told, about, read, steps, files)
        _describe(out, exported, made, ancestors(leaving))
        for entry in list(out.list(NOTES)):
            out.delete(entry.name)
    return files


def _describe(out: Store, exported: Exported, made: dict[str, Any], artifacts: list[dict[str, Any]]) -> None:
    """What goes with the data; the manifest last."""
    manifest = {
        "title": exported.title,
        "export": exported.identity,
        "millrace": exported.version,
        "recipe": made,
        "sources": {
            source: {
                **asdict(about),
                "funnel": [asdict(step) for step in exported.steps[source]],
                "read": asdict(exported.read[source]),
                "exported": _exported(exported.of(source)),
            }
            for source, about in exported.about.items()
        },
        "files": [asdict(each) for each in exported.files],
        "artifacts": artifacts,
    }
    page, described = card.card(exported), croissant.croissant(exported)
    for name, content in ((card.FILE, page), (croissant.FILE, _json(described)), (MANIFEST, _json(manifest))):
        write(out, name, content.encode(), replace=True)


def _exported(files: list[Made]) -> dict[str, dict[str, int]]:
    """What left of a source, by split."""
    return {
        split: {
            key: sum(getattr(made, key) for made in files if made.split == split)
            for key in ("rows", "documents", "text_bytes")
        }
        for split in SPLITS
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
