"""`--latest`, and the parameter `latest` of the flows: take the crawls that were published since.

The one place that asks which crawls there are. What it finds goes into the ledger beside the pipeline (conf/months.py),
and every run reads that: `plan`, `status` and a run without `--latest` ask nobody.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from conf.crawls import name_of
from conf.load import declared, find
from conf.months import add, ledger_of, standing, taken
from conf.sources import Source
from tasks.runtime.errors import Failure, Mistake
from tasks.sources.input.crawls import missing, published
from tasks.sources.remote.manners import Manners


def take(
    conf: Path | str, say: Callable[[str], None], settings: Mapping[str, Any] | None = None
) -> dict[str, list[str]]:
    """Add to a pipeline's ledger the crawls that are newer than all it has, and say which; what was added, by source.

    `settings` are keys in place of the file's, as a run has them.

    A source that took none yet begins at its `since`, or else with the newest crawl. One that is published and whose
    files are not listed yet waits, and those behind it with it: crawls are taken in order of age.

    Raises:
        Mistake: no source of the pipeline has `crawl: latest`, or its ledger is not what it should be.
        Failure: the list of crawls cannot be had. Nothing is taken then, and nothing runs: a monthly run that went on
            with what it has would look as if all were well.
    """
    path = find(conf)
    pipeline = declared(path, settings)
    sources = standing(pipeline.sources)
    if not sources:
        raise Mistake(f"{path}: no source has `crawl: latest`: leave --latest out (of a flow: `latest`)")
    ledger = ledger_of(path)
    known = taken(ledger, pipeline.sources)
    manners = Manners(**pipeline.servers.model_dump())
    lists = {url: _published(url, manners, path) for url in {source.crawls for source in sources.values()}}
    more = {
        name: _newer(name, source, lists[source.crawls], known[name], manners, say) for name, source in sources.items()
    }
    added = add(ledger, path, pipeline.sources, more) if any(more.values()) else more
    for name, crawls in added.items():
        for crawl in crawls:
            say(f"source {name} takes {crawl}, as {name_of(name, crawl)}; so says {ledger} from now on")
        if not crawls:
            newest = known[name][-1] if known[name] else "none"
            say(f"source {name}: no crawl to take that is newer than {newest}")
    return added


def _published(url: str, manners: Manners, conf: Path) -> list[str]:
    try:
        return published(url, manners)
    except (Mistake, Failure) as error:
        raise Failure(
            f"which crawls there are cannot be asked: {error}. Nothing was taken; without --latest (of a flow: "
            f"`latest`) {conf} runs with the crawls that it has"
        ) from None


def _newer(
    name: str, source: Source, crawls: list[str], known: list[str], manners: Manners, say: Callable[[str], None]
) -> list[str]:
    """The crawls that a source takes now, in order of age."""
    found = [crawl for crawl in crawls if crawl > known[-1]] if known else crawls[-1:]
    for place, crawl in enumerate(found):
        if why := missing(crawl, "index" if source.select else source.form, source.base, manners):
            say(f"source {name}: {crawl} is published and cannot be read yet, and waits for the next time: {why}")
            return found[:place]
    return found
