"""What is told of a retraction: one JSON value, for the file beside the list and for the table on the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tasks.models.steps import Written
from tasks.retraction.difference import Change
from tasks.retraction.held import Reader
from tasks.runtime.artifact import Artifact
from tasks.sources.records import Record, records

SHAPES_NO_BYTES = True


def evidence(
    ids: Mapping[str, str],
    changes: Sequence[Change],
    written: Mapping[str, list[Written]],
    readers: Sequence[Reader],
    classifier: Mapping[str, Sequence[str]],
    documents: Mapping[str, Artifact],
) -> dict[str, Any]:
    """Sources, documents, those that come back or are cut otherwise, and models.

    `ids`: what was taken back now, each with what it was asked by; `changes` of the corpus with those documents in any
    case; `classifier`: those that it learned from, by source.
    """
    gone = [change for change in changes if change.id in ids]
    others = [change for change in changes if change.id not in ids]
    told = _records(gone, documents)
    learned = {id for of_source in classifier.values() for id in of_source}
    return {
        "sources": {name: _sums(name, gone, others, written) for name in documents},
        "documents": [
            {
                "id": each.id,
                "asked": ids[each.id],
                "url": each.url,
                **{
                    key: value
                    for key, value in asdict(told[each.source, each.id]).items()
                    if key in ("date", "file", "offset", "length", "record")
                },
                "shard": f"{documents[each.source].label}/{each.key}, row {each.row}",
                "stood": each.before.told,
                "copy_of": each.before.duplicate_of,
                "pieces": each.before.pieces,
                "bytes": each.before.bytes,
                "tokens": [asdict(piece) for piece in written.get(each.id, [])] if each.before.kept else [],
                "classifier": each.id in learned,
                "models": {
                    reader.label: asdict(reader.documents[each.id]) for reader in readers if each.id in reader.documents
                },
            }
            for each in gone
        ],
        "come_back": [_other(each) for each in others if each.after.kept and not each.before.kept],
        "leave_besides": [_other(each) for each in others if each.before.kept and not each.after.kept],
        "cut_otherwise": [_other(each) for each in others if each.before.kept and each.after.kept],
        "classifier": {name: list(of_source) for name, of_source in classifier.items()},
        "models": [
            {key: value for key, value in asdict(reader).items() if key != "documents"}
            | {"documents": len(reader.documents), "tokens": sum(each.tokens for each in reader.documents.values())}
            for reader in readers
        ],
    }


def _other(change: Change) -> dict[str, Any]:
    return {
        "id": change.id,
        "url": change.url,
        "before": change.before.told,
        "after": change.after.told,
        "pieces": change.after.pieces - change.before.pieces,
        "bytes": change.after.bytes - change.before.bytes,
    }


def _sums(
    name: str, gone: Iterable[Change], others: Iterable[Change], written: Mapping[str, list[Written]]
) -> dict[str, int]:
    """Of one source: what was asked for, what of it stood in the corpus and leaves, and what changes besides."""
    asked = [each for each in gone if each.source == name]
    leave = [each for each in asked if each.before.kept]
    rest = [each for each in others if each.source == name]
    back = [each for each in rest if each.after.kept and not each.before.kept]
    tokens = [piece for each in leave for piece in written.get(each.id, [])]
    return {
        "asked": len(asked),
        "leave": len(leave),
        "pieces": sum(each.before.pieces for each in leave),
        "bytes": sum(each.before.bytes for each in leave),
        "tokens": sum(piece.tokens for piece in tokens),
        "held_out_tokens": sum(piece.tokens for piece in tokens if piece.split == "validation"),
        "come_back": len(back),
        "come_back_pieces": sum(each.after.pieces for each in back),
        "come_back_bytes": sum(each.after.bytes for each in back),
        "leave_besides": sum(each.before.kept and not each.after.kept for each in rest),
        "cut_otherwise": sum(each.before.kept and each.after.kept for each in rest),
    }


def _records(gone: Sequence[Change], documents: Mapping[str, Artifact]) -> dict[tuple[str, str], Record]:
    wanted: dict[tuple[str, str], set[str]] = {}
    for each in gone:
        wanted.setdefault((each.source, each.key), set()).add(each.id)
    return {
        (source, record.id): record
        for (source, key), ids in wanted.items()
        for shard in documents[source].shards()
        if shard.key == key
        for record in records(documents[source], shard, ids)
    }
