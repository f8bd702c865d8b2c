"""`sources`: where documents come from."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from conf.expected import Expect
from conf.keep import Conditions
from conf.keys import Address, Keys, Positive, Share, Text
from conf.languages import Language
from conf.licence import Licence

LATEST = "latest"
# Of the keys that go with it
DEFAULT: dict[str, Any] = {"since": None, "crawls": "https://index.commoncrawl.org/collinfo.json"}
CRAWL = r"CC-MAIN-\d{4}-\d{2}"  # year and week: names in order are crawls in order of age


class Servers(Keys):
    """How servers of input are asked, as a guest; for each server, over all processes of this machine together."""

    contact: Text = Field(
        "", description="mail or web address for whoever runs them; MILLRACE_CONTACT of the environment if empty"
    )
    requests: Annotated[float, Field(gt=0)] | None = Field(
        None, description="a second, to one server; 5 of Common Crawl's and 20 of others if absent"
    )
    connections: Positive | None = Field(
        None, description="open at once, to one server; 8 to Common Crawl's and 16 to others if absent"
    )


# Beside Wikipedia, which is a source of its own (GPT-2, section 2.1): Reddit's own hosts, where a link leads back to
# talk about links, and hosts of pictures and videos, whose pages hold no text.
WITHOUT = [
    "wikipedia.org", "reddit.com", "redd.it", "redditmedia.com", "redditstatic.com", "reddituploads.com",
    "imgur.com", "gfycat.com", "giphy.com", "minus.com", "photobucket.com", "tinypic.com", "imageshack.us",
    "flickr.com", "flic.kr", "instagram.com", "quickmeme.com", "qkme.me", "memegenerator.net", "livememe.com",
    "youtube.com", "youtu.be", "vimeo.com", "streamable.com", "liveleak.com", "vine.co", "twitch.tv", "dailymotion.com",
]  # fmt: skip


def _named(crawls: str | list[str]) -> str | list[str]:
    """Common Crawl's own names, each once; or `latest`."""
    names = [crawls] if isinstance(crawls, str) else crawls
    if crawls == LATEST:
        return crawls
    if strangers := [name for name in names if not re.fullmatch(CRAWL, name)]:
        raise ValueError(f"{strangers[0]} is no crawl: they are named as in CC-MAIN-2019-35; the newest is `{LATEST}`")
    if not names or len(set(names)) < len(names):
        raise ValueError("a list of crawls names at least one, and each once")
    return crawls


Crawls = Annotated[str | list[str], AfterValidator(_named)]
Whitespace = Literal["standard", "keep"]
OF_WEBTEXT = ("submissions", "pages", "karma", "over_18", "removed", "without")


class Limits(Keys):
    """What is larger is a reject that names the key to raise; memory of a worker grows with what is allowed."""

    payload: Positive = Field(
        32 << 20,
        description="bytes of a WARC record's block, of its decoded body, of a line of JSONL, of a row's text; "
        "characters of a wiki page",
    )
    header: Positive = Field(64 << 10, description="bytes of a WARC record's header")
    file: Positive = Field(64 << 20, description="bytes of a text file, decompressed: it is one document")
    html: Positive = Field(8 << 20, description="characters of a page")
    tags: Positive = Field(500_000, description="less-than signs of a page: about its tags")
    nesting: Positive = Field(2_000, description="elements inside one another, where a tree is parsed")
    seconds: Positive = Field(60, description="CPU time of the parser of a large page, where a tree is parsed")
    window: Positive = Field(
        1 << 27, description="bytes of memory that a compressed stream may ask for; `zstd --long=31` needs 2147483648"
    )


class Wiki(Keys):
    """What of a MediaWiki dump is read."""

    namespaces: list[int] = Field([0], description="keys of namespaces whose pages are read; 0 is that of articles")
    tables: bool = Field(False, description="whether tables are kept, a row a line")
    math: bool = Field(True, description="whether formulas are kept, as LaTeX between dollar signs")


class Select(Keys):
    """Which records of a crawl are read, by its index: all that is given must hold, of domains and prefixes one."""

    domains: list[str] = Field([], description="with all hosts below them")
    prefixes: list[str] = Field([], description="what URLs begin with; scheme and `www.` are not compared")
    languages: list[Annotated[str, Field(pattern="^[a-z]{2,3}$")]] = Field(
        [], description="ISO 639 codes; the first language that the index names is one"
    )
    mime: list[str] = Field(
        ["text/html", "application/xhtml+xml", "text/plain"], description="media types, as Common Crawl detected them"
    )
    status: list[int] = Field([200], description="HTTP statuses; other pages than those of 200 become no documents")
    links: Literal[False] | str = Field(
        False, description="only what the links of a webtext source name, by its name; webtext itself: always its own"
    )
    index: Address | list[Address] | None = Field(
        None, description="Parquet files of the index; the crawl's own if absent, and `base` is where its WARCs lie"
    )
    shard: Positive = Field(256_000_000, description="bytes of selected records per shard, about")


class Source(Keys):
    """Where documents come from. A source's list of files is frozen when first read: to grow, add a source."""

    kind: Literal["warc", "jsonl", "parquet", "text", "mediawiki", "webtext"] = Field(
        description="warc: WARC, WET and ARC files; jsonl: one JSON object per line; parquet; text: one document per "
        "file; mediawiki: XML dumps; webtext: the pages of WARC files that Reddit's submissions link to. Compressed "
        "files are known by their first bytes"
    )
    files: Address | list[Address] | Annotated[int, Field(gt=0)] | None = Field(
        None,
        description="path or glob, or several; {sample} is the demo's input; with `crawl`, how many of its files",
    )
    crawl: Crawls | None = Field(
        None,
        description="a crawl of Common Crawl, by name; a list stands for a source a crawl, with as many `files` each: "
        "of `cc` and CC-MAIN-2019-35 that is cc-2019-35, of the group cc; latest: every crawl that was taken, "
        "likewise, in order of age; `--latest` takes those that came since (docs/schedules.md)",
    )
    since: str | None = Field(
        None,
        pattern=rf"^{CRAWL}$",
        description="with `crawl: latest`: the first crawl; if absent, the newest at the time of the first `--latest`",
    )
    crawls: Address = Field(
        DEFAULT["crawls"],
        description="with `crawl: latest`: the list of all crawls, as Common Crawl publishes it",
    )
    form: Literal["warc", "wet"] = Field("warc", description="with `crawl`: pages (warc) or their text (wet)")
    base: Address = Field(
        "https://data.commoncrawl.org/",
        description="with `crawl` or `select`: where it lies (or s3://commoncrawl/, or a folder)",
    )
    select: Select | None = Field(
        None,
        description="instead of `files` (`pages`): single records of a crawl, chosen by its index; kind warc, webtext",
    )
    group: str | None = Field(
        None, description="sources under one weight of the mixture; the source's own name if absent"
    )
    expect: Expect | None = Field(
        None,
        description="how large it is, for `plan`: `45 TB` (its files), `570 GB of text`, `8M documents`, `410B "
        "tokens`, or several as keys; no stage reads it",
    )
    licence: Licence | None = Field(
        None,
        description="of its texts, an SPDX expression such as CC-BY-SA-4.0; `millrace export` tells it, and no stage "
        "reads it",
    )
    text: str | list[str] = Field(
        "text",
        description="field of the text, or several that are joined by a blank line; `body.content` is a field inside "
        "another (jsonl, parquet)",
    )
    id: str | None = Field(None, description="field of the record's own id (jsonl, parquet)")
    ids: Literal["file", "global"] = Field(
        "file", description="a record's own id is its own within its file, or within the whole source"
    )
    url: str | None = Field(None, description="field of the URL (jsonl, parquet)")
    where: dict[str, Any] = Field(
        {},
        description="records wanted, by field: a value, a list of them, or `{min: 3, max: 10}`; all must hold (jsonl, "
        "parquet)",
    )
    whitespace: Whitespace = Field(
        "standard",
        description="standard: a line's beginning stays, runs inside it become one space; keep: all white space stays",
    )
    extractor: Literal["millrace", "resiliparse", "trafilatura", "plain"] = Field(
        "millrace",
        description="how a page's main content is found; trafilatura is an extra of its own, plain keeps all (warc)",
    )
    wiki: Wiki = Wiki()
    submissions: Address | list[Address] | None = Field(
        None, description="webtext: dumps of Reddit's submissions, an object a line (.zst, .gz), or .csv"
    )
    pages: Address | list[Address] | Annotated[int, Field(gt=0)] | None = Field(
        None, description="webtext: WARC and WET files that hold the pages, as `files` of kind warc"
    )
    karma: int = Field(3, description="webtext: the least karma (score) of a submission whose link counts (GPT-2: 3)")
    over_18: bool = Field(True, description="webtext: whether submissions marked as not safe for work count")
    removed: bool = Field(True, description="webtext: whether submissions that were deleted or removed since count")
    without: list[str] = Field(
        WITHOUT, description="webtext: domains that are left out, with the hosts below them; replaces the list"
    )
    languages: list[Language] | dict[Language, Share] | None = Field(
        None,
        description="languages kept, as ISO 639-1 codes, or `{en: 0.8}` with the least score of each; all if absent",
    )
    keep: Conditions = Field(
        Conditions(), description="what its documents need to stay; replaces the pipeline's `keep`, measure by measure"
    )
    reject_share: Share = Field(
        0.1, description="more damaged or lost records than this share fail the stage, when it is read"
    )
    limits: Limits = Limits()
    shard: Positive = Field(64_000_000, description="bytes of input per shard, about (all kinds but warc)")

    @model_validator(mode="after")
    def _files_fit(self) -> Self:
        self._require_crawl()
        if self.kind == "webtext":
            if self.submissions is None or (self.pages is None and self.select is None) or self.files is not None:
                raise ValueError("webtext has `submissions` and `pages`, and no `files`")
        elif strangers := [key for key in OF_WEBTEXT if key in self.model_fields_set]:
            raise ValueError(f"{', '.join(strangers)}: only a source of kind webtext has it")
        elif self.files is None and self.select is None:
            raise ValueError("files is missing: the path or glob of what is read")
        if self.select is not None:
            self._require_selectable(self.select)
        elif isinstance(self.inputs, int) != (self.crawl is not None):
            raise ValueError("files is a number exactly where `crawl` names a crawl; else it is a path or a glob")
        return self

    def _require_crawl(self) -> None:
        """What goes with `latest` stands beside it alone."""
        if self.crawl != LATEST:
            if strangers := [key for key in ("since", "crawls") if getattr(self, key) != DEFAULT[key]]:
                raise ValueError(f"{', '.join(strangers)}: only a source with `crawl: {LATEST}` has it")
        elif self.kind != "warc":
            raise ValueError(f"crawl: {LATEST} is for kind warc; give webtext the crawl of its pages by name")
        elif not self.crawls.startswith(("http://", "https://")):
            raise ValueError("crawls is the address of a list of crawls, http:// or https://")

    def _require_selectable(self, select: Select) -> None:
        if self.form_of_inputs != "warc" or self.form != "warc":
            raise ValueError("select: only WARC files are read by single records (kind warc or webtext)")
        if self.files is not None or self.pages is not None:
            raise ValueError("select stands instead of files and pages: it says what is read")
        if (self.crawl is None) == (select.index is None):
            raise ValueError("select: name the crawl (`crawl`), or the files of its index (`select.index`)")
        if select.links and self.kind == "webtext":
            raise ValueError("select.links: a webtext source selects by its own links")
        if not (select.domains or select.prefixes or select.languages or select.links or self.kind == "webtext"):
            raise ValueError("select: say which records: domains, prefixes, languages or links")

    @property
    def inputs(self) -> str | list[str] | int:
        """What holds the documents."""
        inputs = self.pages if self.kind == "webtext" else self.files
        assert inputs is not None  # seen to above
        return inputs

    @property
    def one_crawl(self) -> str | None:
        """The crawl that is read, if any: a list of them was unfolded (conf/crawls.py)."""
        return self.crawl if isinstance(self.crawl, str) else None

    def selects_by(self, name: str) -> str | None:
        """The source whose links say which records are read; `name` is this one's."""
        return name if self.kind == "webtext" else (self.select and self.select.links) or None

    @property
    def form_of_inputs(self) -> str:
        """The kind of file that is read for documents."""
        return "warc" if self.kind == "webtext" else self.kind

    def common_crawl(self, seed: int, form: str | None = None) -> dict[str, Any] | None:
        """What says which files of Common Crawl are read, if any."""
        if self.one_crawl is None:
            return None
        return {"crawl": self.one_crawl, "form": form or self.form, "base": self.base, "seed": seed}
