"""`millrace retract`: what leaves if documents are taken back, what comes back, and who holds them; the list for conf.

The decisions are made anew without the documents, from columns; the next run with the list finds them built. Nothing of
the corpus as it stands is touched.
"""

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from flows.size import size
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

if TYPE_CHECKING:
    from conf.pipeline import Pipeline
    from conf.retracted import Line
    from flows.dag import Built
    from tasks.runtime.engine import Engine
    from tasks.runtime.job import Reporter

SHOWN = 20  # documents of a kind that are printed; the JSON has all


@dataclass(frozen=True)
class Asked:
    """What a list of ids and URLs came to: ids of documents, each with what it was asked by; lines that name none."""

    ids: dict[str, str]
    unknown: list["Line"]


def retract(
    console: Console,
    conf: Path,
    pipeline: "Pipeline",
    ids: Path,
    out: Path | None,
    copies: bool,
    workers: int | None,
    say: Callable[[str], None],
) -> None:
    """Print the evidence, and write it (JSON) and the list.

    Raises:
        Mistake: the corpus is not built, no line names a document, or the list would replace another file.
    """
    from flows import dag, terminal
    from flows.engines import engine
    from flows.stores import opened_store
    from tasks.models.steps import other_models
    from tasks.retraction.difference import changes
    from tasks.retraction.evidence import evidence
    from tasks.retraction.held import reader, tokens_written
    from tasks.retraction.named import named
    from tasks.retraction.sample import learned_from

    store = opened_store(pipeline)
    now = Run(store, None)
    built = dag.crawl_to_model(now, pipeline)
    for each in (each for source in built.sources.values() for each in (source.documents, source.last)):
        if not each.built:
            raise Mistake(f"{each.label} is not built: `millrace run {conf}` first; what leaves is told of a corpus")
    before = pipeline.retracted()
    place = _place(conf, pipeline, out)
    with terminal.reporter(console) as watcher, engine(pipeline, store, workers) as opened:
        asked = _asked(opened, built, ids, copies)
        new = {id: by for id, by in asked.ids.items() if id not in before.ids.get(id.partition(":")[0], ())}
        all_ids = sorted({*(id for of_source in before.ids.values() for id in of_source), *new})
        marked = [id for of_source in before.classifier.values() for id in of_source]
        after = _without(pipeline, built, opened, watcher, _lines(all_ids, marked, {}))
        changed = changes(opened, built.documents, built.decided, after, new)
        learned: dict[str, list[str]] = {}
        if built.classifier is not None and built.classifier.stage == "classifier":
            # Those of the list before as well: a line that a person wrote need not say so.
            by_source = {name: [id for id in all_ids if id.startswith(f"{name}:")] for name in built.sources}
            learned = learned_from(opened, built.classifier, by_source)
        asked_for = [change for change in changed if change.id in new]
        written = {
            id: pieces
            for name, tokens in built.tokens.items()
            for id, pieces in tokens_written(tokens, [each for each in asked_for if each.source == name]).items()
        }
        models = list(built.models.values())
        models += other_models(store, "pretrain", {model.label for model in models})
        readers = [reader(model, asked_for, built.documents) for model in models]
        urls = {each.id: each.url for each in named(opened, built.documents, all_ids)}
    told = {
        "conf": str(conf),
        "store": store.url,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "list": str(place),
        "listed": len(all_ids),
        "unknown": [{"line": line.number, "asked": line.name} for line in asked.unknown],
        **evidence(new, changed, written, readers, learned, built.documents),
    }
    marked += [id for of_source in learned.values() for id in of_source]
    place.write_text(_lines(all_ids, marked, urls), encoding="utf-8")
    proof = _proof(place)
    proof.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for line in asked.unknown:
        say(f"{ids}:{line.number}: {line.name} is no document of {', '.join(built.sources)}")
    _print(console, told)
    how = "has it" if pipeline.without else f"takes it: `without: {place.name}`"
    console.print(
        f"\nThe list: {place} ({conf} {how}); the evidence: {proof}. The next run builds the corpus without them.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _place(conf: Path, pipeline: "Pipeline", out: Path | None) -> Path:
    """Where the list goes: where asked, else the pipeline's own one grows, else beside the pipeline's file."""
    from conf.load import find

    if pipeline.without is not None and out is None:
        return Path(pipeline.without)
    place = out or find(conf).parent / "retracted.txt"
    same = pipeline.without is not None and place.absolute() == Path(pipeline.without)
    if place.exists() and not same:
        raise Mistake(f"{place} is there, and is not the list that {conf} names (`without`): give another --out")
    if place.suffix == ".json":
        raise Mistake(f"{place} is the name of the evidence beside the list: give --out another ending")
    return place


def _proof(place: Path) -> Path:
    """Where the evidence goes, beside the list: that of an earlier request stays."""
    names = (f"{place.stem}{f'-{number}' if number > 1 else ''}.json" for number in count(1))
    return next(path for path in map(place.with_name, names) if not path.exists())


def _asked(opened: "Engine", built: "Built", ids: Path, copies: bool) -> Asked:
    """The documents that the lines of a file name, with all of their clusters where asked."""
    from conf.retracted import lines
    from tasks.retraction.named import named, with_copies

    rows = list(lines(ids))
    # As `explain` reads them: an id's source stands before it; what has none is a URL.
    by_id = {
        line.name: line.name.partition("#")[0]
        for line in rows
        if line.name.partition(":")[0] in built.sources and "//" not in line.name
    }
    urls = {line.name for line in rows if line.name not in by_id}
    found = named(opened, built.documents, set(by_id.values()), urls)
    asked = {each.id: each.url if each.url in urls else each.id for each in found}
    unknown = [line for line in rows if by_id.get(line.name, line.name) not in {*asked, *asked.values()}]
    if not asked:
        raise Mistake(f"{ids}: none of its {len(rows)} lines names a document of {', '.join(built.sources)}")
    if copies:
        whole = with_copies(opened, built.documents, built.decided, asked)
        asked |= {id: "a copy" for id in sorted(whole) if id not in asked}
    return Asked(asked, unknown)


def _lines(ids: list[str], classifier: list[str], urls: Mapping[str, str]) -> str:
    """A list as conf takes it; a URL behind an id is for people."""
    of_classifier = set(classifier)
    lines = [
        "# Documents that were taken back, as `millrace retract` wrote them; a pipeline's `without` names this file."
    ]
    for id in ids:
        url = " ".join(urls.get(id, "").split())  # no end of a line in it
        lines.append(f"{id}{' classifier' if id in of_classifier else ''}{f'  # {url}' if url else ''}")
    return "\n".join(lines) + "\n"


def _without(
    pipeline: "Pipeline", built: "Built", opened: "Engine", watcher: "Reporter", listed: str
) -> dict[str, Artifact]:
    """Each source's last decision without the listed documents, built; of the rest only what these decisions read."""
    from flows import dag
    from tasks.runtime.job import build

    asked: list[tuple[Artifact, Any, dict[str, Any]]] = []

    def note(artifact: Artifact, what: Any, arguments: dict[str, Any], *_: Any) -> Artifact:
        asked.append((artifact, what, arguments))
        return artifact

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "retracted.txt"
        path.write_text(listed, encoding="utf-8")
        store = next(iter(built.sources.values())).documents.store
        after = dag.build_corpus(Run(store, None, make=note), pipeline.model_copy(update={"without": str(path)}))
    wanted = {decision.label for decision in after.decided.values()}
    for artifact, _, _ in reversed(asked):  # in the order of the DAG: who reads comes behind what it reads
        if artifact.label in wanted and not artifact.built:
            wanted |= set(_labels(artifact.recipe["inputs"]))
    for artifact, what, arguments in asked:
        if artifact.label in wanted and not artifact.built:
            build(artifact, what, arguments, opened, watcher)
    return after.decided


def _labels(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [label for item in items for label in _labels(item)]


def _print(console: Console, told: dict[str, Any]) -> None:
    _print_sources(console, told["sources"])
    _print_models(console, told["models"])
    _print_documents(console, "Asked for", told["documents"], lambda each: f"it stood: {each['stood']}")
    asked = {each["id"] for each in told["documents"]}
    stay = [each for each in told["documents"] if each["copy_of"] and each["copy_of"] not in asked]
    if stay:
        _say(
            console,
            f"\n{len(stay):,} of them had left as copies of documents that stay, and whose text is much the same: "
            "--copies takes back whole clusters",
        )
    _print_documents(console, "Come back", told["come_back"], lambda each: f"it was {each['before']}")
    _print_documents(console, "Leave besides", told["leave_besides"], lambda each: f"now {each['after']}")
    _print_documents(console, "Cut otherwise", told["cut_otherwise"], lambda each: f"{each['bytes']:+,} bytes")
    learned = sum(map(len, told["classifier"].values()))
    if learned:
        _say(
            console,
            f"\nThe quality classifier learned from {learned:,} of them (marked in the list): the next run fits it "
            "without them and measures every score anew; what comes and goes above is by the scores of today",
        )


def _print_sources(console: Console, sources: dict[str, dict[str, int]]) -> None:
    table = Table("source", box=None, pad_edge=False)
    for name in (
        "asked for",
        "leave",
        "pieces",
        "bytes",
        "tokens",
        "come back",
        "bytes",
        "leave besides",
        "cut otherwise",
    ):
        table.add_column(name, justify="right")
    for name, of in sources.items():
        sizes = {key: size(of[key]) for key in ("bytes", "come_back_bytes")}
        shown = ("asked", "leave", "pieces", "bytes", "tokens", "come_back", "come_back_bytes", "leave_besides",
                 "cut_otherwise")  # fmt: skip
        table.add_row(name, *(sizes.get(key, f"{of[key]:,}") for key in shown))
    console.print(table)


def _print_models(console: Console, models: list[dict[str, Any]]) -> None:
    table = Table("model", "", box=None, pad_edge=False)
    for name in ("documents read", "steps", "of", "windows", "tokens read"):
        table.add_column(name, justify="right")
    for each in models:
        state = each["untold"] or ("trained" if each["trained"] else "not trained yet")
        state += f", from {each['start']}" if each["start"] else ""
        counts = ("documents", "steps", "of", "windows", "tokens")
        table.add_row(each["label"], state, *("-" if each["untold"] else f"{each[key]:,}" for key in counts))
    if models:
        console.print()
        console.print(table)


def _print_documents(
    console: Console, title: str, rows: list[dict[str, Any]], why: Callable[[dict[str, Any]], str]
) -> None:
    if not rows:
        return
    _say(console, f"\n{title}: {len(rows):,}")
    for each in rows[:SHOWN]:
        _say(console, f"  {each['id']}  {each['url'] or 'no URL'}  {why(each)}")
    if len(rows) > SHOWN:
        _say(console, f"  ... and {len(rows) - SHOWN:,} more, in the evidence")


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
