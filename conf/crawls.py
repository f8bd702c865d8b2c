"""A source that names several crawls stands for as many sources, one a crawl: a source is the unit of growth.

`common-crawl: {crawl: [CC-MAIN-2016-07, CC-MAIN-2016-18]}` is common-crawl-2016-07 and common-crawl-2016-18, in the
list's order, of the group common-crawl. Nothing behind conf/ meets a list.
"""

from collections.abc import Mapping, Sequence

from conf.sources import Source


def name_of(source: str, crawl: str) -> str:
    """A crawl's own source.

    >>> name_of("cc", "CC-MAIN-2019-35")
    'cc-2019-35'
    """
    return f"{source}-{crawl.removeprefix('CC-MAIN-')}"


def one_a_crawl(name: str, source: Source, crawls: Sequence[str]) -> dict[str, Source]:
    """Sources by name, each of one crawl and else as `source`; of its group, or of a group of its name.

    What is expected of all is expected of each in equal parts.
    """
    expect = source.expect and source.expect.part(len(crawls))
    more = {"group": source.group or name, "expect": expect}
    return {name_of(name, crawl): source.model_copy(update={"crawl": crawl, **more}) for crawl in crawls}


def unfolded(sources: Mapping[str, Source]) -> dict[str, Source]:
    """All sources, in their order, each of one crawl at the most.

    Raises:
        ValueError: two sources come to have one name.
    """
    all_of_them: dict[str, Source] = {}
    for name, source in sources.items():
        each = one_a_crawl(name, source, source.crawl) if isinstance(source.crawl, list) else {name: source}
        if twice := sorted(set(each) & set(all_of_them)):
            raise ValueError(f"{name} holds a crawl whose source is called {twice[0]}, as another is: rename one")
        all_of_them |= each
    return all_of_them
