"""`sources`: where documents come from."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from conf.keys import Address, Keys, Positive, Share, Text


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


class Limits(Keys):
    """What is larger is a reject that names the key to raise; memory of a worker grows with what is allowed."""

    payload: Positive = Field(
        32 << 20, description="bytes of a WARC record's block, of its decoded body, of a line of JSONL, of a cell"
    )
    header: Positive = Field(64 << 10, description="bytes of a WARC record's header")
    file: Positive = Field(64 << 20, description="bytes of a text file, decompressed: it is one document")
    html: Positive = Field(8 << 20, description="characters of a page")
    tags: Positive = Field(500_000, description="`<` characters of a page")
    nesting: Positive = Field(2_000, description="elements inside one another")
    window: Positive = Field(
        1 << 27, description="bytes of memory that a compressed stream may ask for; `zstd --long=31` needs 2147483648"
    )


class Source(Keys):
    """Where documents come from. A source's list of files is frozen when first read: to grow, add a source."""

    kind: Literal["warc", "jsonl", "parquet", "text"] = Field(
        description="warc: WARC and WET files, gzipped or not; jsonl: one JSON object per line (.gz, .zst); "
        "parquet; text: one document per file"
    )
    files: Address | list[Address] | Annotated[int, Field(gt=0)] = Field(
        description="path or glob, or several; {sample} is the demo's input; with `crawl`, how many of its files"
    )
    crawl: str | None = Field(None, pattern=r"^CC-MAIN-\d{4}-\d{2}$", description="a crawl of Common Crawl, by name")
    form: Literal["warc", "wet"] = Field("warc", description="with `crawl`: pages (warc) or their text (wet)")
    base: Address = Field(
        "https://data.commoncrawl.org/", description="with `crawl`: where it lies (or s3://commoncrawl/)"
    )
    group: str | None = Field(
        None, description="sources under one weight of the mixture; the source's own name if absent"
    )
    text: str = Field("text", description="field of the text (jsonl, parquet)")
    id: str | None = Field(None, description="field of the record's own id (jsonl, parquet)")
    ids: Literal["file", "global"] = Field(
        "file", description="a record's own id is its own within its file, or within the whole source"
    )
    url: str | None = Field(None, description="field of the URL (jsonl, parquet)")
    languages: list[str] | dict[str, Share] | None = Field(
        None,
        description="languages kept, as ISO 639-1 codes, or `{en: 0.8}` with the least score of each; all if absent",
    )
    reject_share: Share = Field(
        0.1, description="more damaged or lost records than this share fail the stage, when it is read"
    )
    limits: Limits = Limits()
    shard: Positive = Field(64_000_000, description="bytes of input per shard, about (jsonl, parquet, text)")

    @model_validator(mode="after")
    def _files_fit(self) -> Self:
        if isinstance(self.files, int) != (self.crawl is not None):
            raise ValueError("files is a number exactly where `crawl` names a crawl; else it is a path or a glob")
        return self

    def common_crawl(self, seed: int) -> dict[str, Any] | None:
        """What says which files of Common Crawl are read, if any."""
        if self.crawl is None:
            return None
        return {"crawl": self.crawl, "form": self.form, "base": self.base, "seed": seed}
