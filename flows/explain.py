"""`millrace explain`: documents by id, by URL or by a phrase of their text, and what became of them, stage by stage.

With `--step`, what a step of a model read (explain_step.py). Nothing is written. Crawled text passes through `visible`
wherever it is printed: it holds no control of the terminal.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conf.spelling import did_you_mean
from flows.fate import Difference, Told, differences, fate, standing, witness_of
from flows.size import size
from flows.views import say
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.runtime.stage import Place
from tasks.runtime.visible import visible

if TYPE_CHECKING:
    from tasks.sources.found import Met, Phrase

SHOWN = 20  # documents or rejects of one URL, or of a phrase, that are told
BESIDE = 100  # bytes of a text on either side of a phrase
ALIKE = 8  # words of a run that is alike in both texts that are shown at either end of it
DIFFERENT = 40  # differences between two texts that are printed; JSON has all
VERSION = 1  # of the JSON
READ = ("ingest", "labelled")  # stages whose rows have an id and a text
ID = re.compile(r"[a-z0-9][a-z0-9-]*:[0-9a-f]{32}(#\d+)?")


def show(console: Console, run: Run, asked: str, within: str | None = None, as_json: bool = False) -> None:
    """Print every document with this id (or a piece's id), URL or phrase, and every reject that names the URL or id.

    `within`: a source, the others are not looked at. As JSON one object goes to standard output.

    Raises:
        Mistake: no source that is ingested holds it, or there is no such source.
    """
    ingested = _ingested(run, within)
    indexes = {artifact.name: artifact for artifact in run.artifacts if artifact.stage == "index" and artifact.built}
    places = list(find(ingested, asked, indexes))
    refused = list(rejects(ingested, asked))
    phrase = None
    if not places and not refused and not _named(ingested, asked):
        phrase = _phrase(ingested, asked)
        places = [met.place() for met in phrase.met[:SHOWN]]
    if not places and not refused:
        missing = [a.name for a in run.artifacts if a.stage in READ and not a.built]
        also = f"; not ingested yet: {', '.join(missing)}" if missing else ""
        what = "the id or URL" if phrase is None else "the id, the URL or, letter by letter, the phrase"
        of = ", ".join(ingested) or "any source"
        raise Mistake(f"no document or reject of {of} has {what} {visible(repr(asked), kept='')}{also}")
    slow = [name for name in ingested if name not in indexes]
    note = f"no index of {', '.join(slow)}: every id was read; the next `millrace run` makes it" if slow else ""
    if as_json:
        told = _as_json(run, ingested, indexes, places, refused, phrase, note)
        console.file.write(json.dumps({"version": VERSION, "asked": asked, **told}, indent=1, default=str) + "\n")
        return
    if note:
        say(console, note)
    if phrase is not None:
        _print_phrase(console, run, asked, phrase, places)
        if len(places) > 1:
            return
    for place in places[:SHOWN]:
        _print(console, [(told.stage, line) for told in fate(run, place) for line in told.says])
        _print_witness(console, run, ingested, indexes, place)
    if len(places) > SHOWN:
        say(console, f"... and {len(places) - SHOWN} more documents")
    for line in refused[:SHOWN]:
        _print(console, [("ingest", line)])


def _ingested(run: Run, within: str | None) -> dict[str, Artifact]:
    """Sources that are ingested, and examples that are read, by name."""
    sources = [artifact for artifact in run.artifacts if artifact.stage in READ]
    if within is not None and within not in {artifact.name for artifact in sources}:
        there = [artifact.name for artifact in sources]
        raise Mistake(f"there is no source {within}: there are {', '.join(there)}{did_you_mean(within, there)}")
    return {a.name: a for a in sources if a.built and within in (None, a.name)}


def _named(ingested: dict[str, Artifact], asked: str) -> bool:
    """Whether it can be no phrase: an id of a source, or a URL."""
    of_source = asked.partition(":")[0] in ingested and not re.search(r"\s", asked)
    return of_source or asked.startswith(("http://", "https://"))


def find(ingested: dict[str, Artifact], asked: str, indexes: dict[str, Artifact] | None = None) -> Iterator[Place]:
    """Documents with this id, searched in the source that its prefix names; else those with this URL, in all sources.

    Sources without an index have all their ids or URLs read.
    """
    from tasks.sources.found import places

    indexes = indexes or {}
    source, document = asked.partition(":")[0], asked.partition("#")[0]
    if source in ingested and ID.fullmatch(asked):
        yield from places(ingested[source], indexes.get(source), "ids", document)
        return
    for name, documents in ingested.items():
        yield from places(documents, indexes.get(name), "urls", asked)


def rejects(ingested: dict[str, Artifact], document: str) -> Iterator[str]:
    """Rejects that name the URL or id."""
    from tasks.sources.told import rejects_naming

    for name, artifact in ingested.items():
        yield from (f"{name}: {sentence}" for sentence in rejects_naming(artifact, document))


def _phrase(ingested: dict[str, Artifact], asked: str) -> "Phrase":
    from tasks.sources.found import holding

    return holding(list(ingested.values()), asked, len(os.sched_getaffinity(0)))


def _excerpt(met: "Met", place: Place, asked: str) -> str:
    """The phrase, marked, in its text."""
    end = met.at + len(asked.encode())
    before, after = place.text[max(0, met.at - BESIDE) : met.at], place.text[end : end + BESIDE]
    return f"{before.decode(errors='ignore')}[[{asked}]]{after.decode(errors='ignore')}"


def _witness(
    run: Run, ingested: dict[str, Artifact], indexes: dict[str, Artifact], place: Place
) -> tuple[str, float | None, Place | None] | None:
    """The id of whom a document left for, how alike they are, and where it stands, if it is there."""
    found = witness_of(run, place)
    if found is None:
        return None
    every = {artifact.name: artifact for artifact in run.artifacts if artifact.stage in READ and artifact.built}
    return *found, next(find({**every, **ingested}, found[0], indexes), None)


# ---- on a terminal


def _print(console: Console, lines: list[tuple[str, str]]) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for stage, text in lines:
        table.add_row(stage, Text(visible(text, kept="")))  # a document's brackets are no markup of ours
    console.print(table)
    console.print()


def _print_phrase(console: Console, run: Run, asked: str, phrase: "Phrase", places: list[Place]) -> None:
    counts = ", ".join(f"{name} {count:,}" for name, count in phrase.counts.items() if count)
    total = sum(phrase.counts.values())
    stands = f"{total:,} document{'s' * (total != 1)} hold{'s' * (total == 1)} it ({counts})"
    say(console, f"{stands}; {size(phrase.bytes)} of text gone through\n")
    for met, place in zip(phrase.met, places, strict=False):
        say(console, f"{place.id}: {standing(run, place)}")
        excerpt = visible(_excerpt(met, place, asked), kept="")  # no line of a document's passes for one of ours
        say(console, f"  {excerpt}\n")
    if total > len(places):
        say(console, f"... and {total - len(places):,} more documents")


def _print_witness(
    console: Console, run: Run, ingested: dict[str, Artifact], indexes: dict[str, Artifact], place: Place
) -> None:
    """Both texts side by side, what differs marked as `git diff --word-diff` marks it."""
    found = _witness(run, ingested, indexes, place)
    if found is None:
        return
    id, _, witness = found
    if witness is None:
        say(console, f"{id}, its witness, is in no source that is ingested")
        return
    table = Table(place.id, id, box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in table.columns:
        column.overflow, column.ratio = "fold", 1
    compared = differences(place.text.decode(), witness.text.decode())
    different = 0
    for each in compared:
        different += not each.alike
        if different <= DIFFERENT:
            table.add_row(*_sides(each))
    console.print(table)
    if different > DIFFERENT:
        say(console, f"... and {different - DIFFERENT:,} more differences; --json has all")
    console.print()


def _sides(each: Difference) -> tuple[Text, Text]:
    if each.alike:
        return Text(_shortened(each.left), style="dim"), Text(_shortened(each.right), style="dim")
    left, right = (visible(text.strip(), kept="\n") for text in (each.left, each.right))
    return Text(f"[-{left}-]" if left else "", "red"), Text(f"{{+{right}+}}" if right else "", "green")


def _shortened(text: str) -> str:
    words = visible(text, kept="\n").split()
    if len(words) <= 2 * ALIKE + 1:
        return " ".join(words)
    left_out = len(words) - 2 * ALIKE
    return " ".join([*words[:ALIKE], f"... {left_out:,} words alike ...", *words[-ALIKE:]])


# ---- as JSON


def _as_json(
    run: Run,
    ingested: dict[str, Artifact],
    indexes: dict[str, Artifact],
    places: list[Place],
    refused: list[str],
    phrase: "Phrase | None",
    note: str,
) -> dict[str, Any]:
    documents = [_document(run, ingested, indexes, place) for place in places[:SHOWN]]
    told: dict[str, Any] = {"documents": documents, "rejects": refused, "notes": [note] if note else []}
    if phrase is None:
        return told | {"found": len(places)}
    for document, met in zip(documents, phrase.met, strict=False):
        document["phrase_at"] = met.at
    return told | {"found": sum(phrase.counts.values()), "by_source": phrase.counts, "bytes_read": phrase.bytes}


def _document(run: Run, ingested: dict[str, Artifact], indexes: dict[str, Artifact], place: Place) -> dict[str, Any]:
    stages: list[Told] = list(fate(run, place, values=True))
    found = _witness(run, ingested, indexes, place)
    witness = None
    if found is not None:
        id, similarity, there = found
        text = there.text.decode() if there is not None else None
        compared = differences(place.text.decode(), text) if text is not None else []
        different = [asdict(each) for each in compared]
        witness = {"id": id, "similarity": similarity, "text": text, "differences": different}
    return {
        "id": place.id,
        "source": place.source,
        "shard": place.shard.key,
        "row": place.row,
        "standing": standing(run, place),
        "text": place.text.decode(),
        "stages": [asdict(told) for told in stages],
        "witness": witness,
    }
