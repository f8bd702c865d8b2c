"""A source whose crawl is `latest`, as the sources that stand for it: one a crawl, in order of age.

    cc: {kind: warc, crawl: latest, since: CC-MAIN-2026-42, files: 40}   is read as
    cc-2026-42: {kind: warc, crawl: CC-MAIN-2026-42, files: 40, group: cc}, cc-2026-46: ..., and so on

Which crawls were taken stands in a ledger beside the pipeline: my.yaml has my.crawls, a source and a crawl a line. File
and ledger together say what is built: copied to another machine they give the same bytes there, whatever Common Crawl
has published since, and a lost store is built again from them. That is why it lies beside the file, to be kept and
versioned with it, and not in the store. Lines are only ever added; `millrace run --latest` adds them (flows/latest.py).
"""

import fcntl
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from conf.crawls import one_a_crawl
from conf.pipeline import Pipeline
from conf.retracted import lines
from conf.sources import CRAWL, DEFAULT, LATEST, Source
from tasks.runtime.errors import Mistake

ABOUT = "# Crawls of {of} that were taken, in order of age. Written by --latest; keep it beside the file.\n"
Taken = dict[str, list[str]]  # crawls by the source that took them, in order of age


def ledger_of(conf: Path) -> Path:
    """Where a pipeline's file has its ledger, whether there is one yet or not."""
    return conf.with_suffix(".crawls")


def standing(sources: Mapping[str, Source]) -> dict[str, Source]:
    """The sources of a file that stand for every crawl that was taken."""
    return {name: source for name, source in sources.items() if source.crawl == LATEST}


def taken(ledger: Path, sources: Mapping[str, Source]) -> Taken:
    """The crawls of each source that stands for several: its `since`, and what the ledger adds to it.

    A crawl before `since` is left out, so that a later `since` begins anew without the ledger being touched.

    Raises:
        Mistake: the ledger cannot be read, or a line of it is not what it should be; every fault with its line.
    """
    latest = standing(sources)
    found: Taken = {name: [source.since] if source.since else [] for name, source in latest.items()}
    written: Taken = {name: [] for name in latest}
    faults = []
    for number, name, more in lines(ledger) if ledger.exists() else ():
        if name not in latest:
            known = ", ".join(latest) or "none"
            faults.append(f"{ledger}:{number}: {name} is no source with `crawl: {LATEST}` (there are {known})")
        elif len(more) != 1 or not re.fullmatch(CRAWL, more[0]):
            faults.append(f"{ledger}:{number}: behind {name} stands one crawl, such as CC-MAIN-2026-42")
        elif written[name] and more[0] <= written[name][-1]:
            faults.append(f"{ledger}:{number}: {more[0]} stands behind {written[name][-1]}; each once, by age")
        else:
            written[name].append(more[0])
            if more[0] > (found[name][-1] if found[name] else ""):
                found[name].append(more[0])
    if faults:
        raise Mistake("\n".join(faults))
    return found


def add(ledger: Path, conf: Path, sources: Mapping[str, Source], more: Mapping[str, Sequence[str]]) -> Taken:
    """Write to the ledger the crawls that came, in order of age, of those that are newer than all it has; which they
    were. Two runs that ask at once write each crawl once.

    Raises:
        Mistake: it cannot be written, or is not what it should be.
    """
    try:
        with ledger.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # given back as it is closed
            known = taken(ledger, sources)
            newer = {
                name: [crawl for crawl in came if not known[name] or crawl > known[name][-1]]
                for name, came in more.items()
            }
            text = "".join(f"{name} {crawl}\n" for name, came in newer.items() for crawl in came)
            file.seek(0)
            before = file.read()
            if not before:
                text = ABOUT.format(of=conf.name) + text
            elif not before.endswith(b"\n"):
                text = "\n" + text
            os.write(file.fileno(), text.encode())  # at once: a kill leaves all of it or nothing
            os.fsync(file.fileno())
    except OSError as error:
        raise Mistake(
            f"{ledger} cannot be written ({error.strerror}): the crawls that a source takes are kept beside its "
            f"pipeline; copy {conf.name} to a folder that can be"
        ) from None
    return newer


def unfolded(pipeline: Pipeline, conf: Path) -> Pipeline:
    """The pipeline with a source for each crawl that was taken, in the place of the one that stands for them.

    Raises:
        Mistake: the ledger is not what it should be, nothing was taken yet, or two sources have one name.
    """
    if not standing(pipeline.sources):
        return pipeline
    crawls = taken(ledger_of(conf), pipeline.sources)
    sources: dict[str, Source] = {}
    months: dict[str, list[str]] = {}
    for name, source in pipeline.sources.items():
        if name not in crawls:
            sources[name] = source
            continue
        if not crawls[name]:
            raise Mistake(
                f"{conf}: sources.{name} has taken no crawl yet: `millrace run {conf} --latest` takes the newest; or "
                f"say by `since: CC-MAIN-...` which is the first"
            )
        each = one_a_crawl(name, source.model_copy(update=DEFAULT), crawls[name])
        months[name] = list(each)
        if twice := sorted(set(months[name]) & set(pipeline.sources)):
            raise Mistake(f"{conf}: sources.{twice[0]} has the name of a crawl of {name}: give it another")
        sources |= each
    found = pipeline.model_copy(update={"sources": sources, **_named(pipeline, sources, months)})
    found._months = months
    return found


def _named(pipeline: Pipeline, sources: Mapping[str, Source], months: Mapping[str, list[str]]) -> dict[str, Any]:
    """The lists that name sources, by the names that there are now: a source's months, where its name is no group."""
    groups = {source.group or name for name, source in sources.items()}

    def spread(names: Iterable[str]) -> list[str]:
        spread_out: list[str] = []
        for name in names:
            spread_out += [one for one in months.get(name, []) if sources[one].group != name]
            spread_out += [name] if name in groups or name not in months else []
        return spread_out

    update: dict[str, Any] = {}
    if pipeline.quality is not None:
        lists = {"good": spread(pipeline.quality.good), "raw": spread(pipeline.quality.raw)}
        update["quality"] = pipeline.quality.model_copy(update=lists)
    if isinstance(pipeline.dedup.across, dict):
        across = {one: spread(of) for later, of in pipeline.dedup.across.items() for one in spread([later])}
        update["dedup"] = pipeline.dedup.model_copy(update={"across": across})
    return update
