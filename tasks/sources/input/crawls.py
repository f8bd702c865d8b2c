"""Which crawls Common Crawl has published, by the list that it keeps (collinfo.json), and whether one can be read yet.

[{"id": "CC-MAIN-2026-46", "name": "November 2026 Index", "cdx-api": "https://index.commoncrawl.org/...", ...}, ...]
"""

import json
import re

from tasks.runtime.errors import Failure, Mistake
from tasks.sources.input.files import LISTS
from tasks.sources.remote.bring import look, read_whole
from tasks.sources.remote.manners import Manners

SHAPES_NO_BYTES = True

LARGEST = 4 << 20  # bytes of the list; of its 110 crawls of 2026 it has some 40 kB
NAMED = re.compile(r"CC-MAIN-\d{4}-\d{2}")  # those before 2013 were named otherwise (CC-MAIN-2009-2010)


def published(url: str, manners: Manners) -> list[str]:
    """The crawls in a list, in order of age; one request.

    Raises:
        Mistake, Failure: it cannot be had, or is no such list.
    """
    try:
        named = [str(crawl["id"]) for crawl in json.loads(read_whole(url, manners, LARGEST))]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Failure(f"{url} is no list of crawls as Common Crawl publishes it ({error}); check `crawls`") from None
    if not (crawls := sorted({name for name in named if NAMED.fullmatch(name)})):
        raise Failure(f"{url} names no crawl of the form CC-MAIN-2026-46; check `crawls`")
    return crawls


def missing(crawl: str, form: str, base: str, manners: Manners) -> str | None:
    """Why a crawl cannot be read yet: the list of its files is published last. None where it can; one request.

    Raises:
        Failure: the server does not answer as it should.
    """
    try:
        look(f"{base.rstrip('/')}/crawl-data/{crawl}/{LISTS[form]}", manners)
    except Mistake as absent:
        return str(absent)
    return None
