"""How `explain` tells of hits and cuts."""

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact
from tasks.runtime.decisions import tell_decision
from tasks.runtime.shards import read_beside, read_column
from tasks.runtime.stage import Place

SHAPES_NO_BYTES = True
SHOWN = 20  # hits or spans of one document that are printed
OWNERS = 3  # items of one gram that are
BESIDE = 80  # bytes of what stays that are shown on either side of what is removed
LONG = 600  # bytes of a removed span from which on its middle is left out


def tell_hits(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """The benchmark grams of the document, whose they are, and the text there."""
    table = read_beside(artifact, place.shard)
    table = table.filter(pc.equal(table.column("row"), place.row)).sort_by([("start", "ascending")])
    if not table.num_rows:
        yield "none"
        return
    ignored, owners = _frequent(others), _owners(others, table.column("gram").to_pylist()[:SHOWN])
    for row in table.slice(0, SHOWN).to_pylist():
        start, end, whose = row["start"], row["end"], owners[row["gram"]]
        note = " (a frequent gram: ignored)" if row["gram"] in ignored else ""
        more = f" and {len(whose) - OWNERS:,} more items" if len(whose) > OWNERS else ""
        span = f"bytes {start:,} to {end:,}"
        if row["count"] > 1:
            span += f" and {row['count'] - 1:,} places more up to {row['cut_end']:,}"
        excerpt = repr(place.text[start:end].decode(errors="replace"))
        yield f"{', '.join(whose[:OWNERS])}{more}, {span}{note}: {excerpt}"
    if table.num_rows > SHOWN:
        yield f"... and {table.num_rows - SHOWN} more"


def _owners(others: Mapping[tuple[str, str], Artifact], grams: list[int]) -> dict[int, list[str]]:
    """By gram, `quiz item 1f.. (gpt3)`: each item that has it, and the rules that look for it there."""
    from tasks.decontaminate.grams import grams_table  # a stage of its own, which need not load to declare `hits`

    owners: dict[int, dict[str, list[str]]] = {gram: {} for gram in grams}
    for (stage, _), artifact in others.items():
        if stage == "grams":
            table = grams_table(artifact, ["gram", "rule", "benchmark", "item"])
            table = table.filter(pc.is_in(table.column("gram"), pc.unique(pa.array(grams, pa.int64()))))
            for row in table.to_pylist():
                owners[row["gram"]].setdefault(f"{row['benchmark']} item {row['item']}", []).append(row["rule"])
    return {
        gram: [f"{item} ({', '.join(rules)})" for item, rules in sorted(found.items())] or ["an item"]
        for gram, found in owners.items()
    }


def _frequent(others: Mapping[tuple[str, str], Artifact]) -> set[int]:
    from tasks.decontaminate.frequent import frequent_grams  # which reads hits, which names us

    grams: set[int] = set()
    for (stage, _), artifact in others.items():
        if stage == "frequent":
            grams.update(frequent_grams(artifact).tolist())
    return grams


def tell_cuts(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """The decision, the rules that find benchmark text, and the spans that it removes."""
    answer = next(tell_decision(artifact, place, others)).partition("; ")[0]
    row = read_column(artifact, place.shard, ["cuts", "found_by"]).slice(place.row, 1).to_pylist()[0]
    several = len(artifact.manifest["parameters"]["judged"]) > 1
    yield f"{answer}; found by {', '.join(row['found_by']) or 'no rule'}" if several else answer
    spans = row["cuts"] or []
    for number, span in enumerate(spans[:SHOWN]):
        before = spans[number - 1]["end"] if number else 0
        after = spans[number + 1]["start"] if number + 1 < len(spans) else len(place.text)
        yield f"bytes {span['start']:,} to {span['end']:,} removed: {_marked(place.text, span, before, after)}"
    if len(spans) > SHOWN:
        yield f"... and {len(spans) - SHOWN} spans more"


def _marked(text: bytes, span: Mapping[str, int], before: int, after: int) -> str:
    """What is removed as `[-so-]`, its middle left out where it is long, between what stays beside it."""
    start, end = span["start"], span["end"]
    left, right = text[max(before, start - BESIDE) : start], text[end : min(after, end + BESIDE)]
    cut = text[start:end]
    if len(cut) > LONG:
        cut = cut[: LONG // 2] + b" ... " + cut[-LONG // 2 :]
    # A character that an end of these excerpts divides is left out.
    shown = f"{left.decode(errors='ignore')}[-{cut.decode(errors='ignore')}-]{right.decode(errors='ignore')}"
    return repr(("..." if start - BESIDE > before else "") + shown + ("..." if end + BESIDE < after else ""))
