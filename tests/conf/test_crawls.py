"""Sources that name several crawls, through the file that says them."""

from pathlib import Path

import pytest

from conf.load import load
from conf.pipeline import Pipeline
from tasks.runtime.errors import Mistake

HEAD = "sources:\n  books: {kind: text, files: b.txt}\n"


def read(folder: Path, text: str) -> Pipeline:
    path = folder / "p.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_a_list_is_a_source_a_crawl(tmp_path: Path) -> None:
    pipeline = read(
        tmp_path,
        HEAD + "  cc: {kind: warc, crawl: [CC-MAIN-2019-35, CC-MAIN-2019-39], files: 4, expect: 45 TB}\n"
        "  last: {kind: text, files: c.txt}\n"
        "quality: {good: [books], raw: [cc]}\nmixture: {cc: 2, books: 1}\n",
    )
    assert list(pipeline.sources) == ["books", "cc-2019-35", "cc-2019-39", "last"]  # in its place, in the list's order
    first = pipeline.sources["cc-2019-35"]
    assert first.common_crawl(1) == {
        "crawl": "CC-MAIN-2019-35", "form": "warc", "base": "https://data.commoncrawl.org/", "seed": 1,
    }  # fmt: skip
    assert first.files == 4 and first.expect is not None and first.expect.input == 22_500_000_000_000
    assert pipeline.groups == ["books", "cc", "last"]
    assert pipeline.named(["cc"]) == ["cc-2019-35", "cc-2019-39"]
    assert pipeline.before("cc-2019-39") == ["books", "cc-2019-35"]


def test_one_crawl_in_a_list_is_named_as_it_stays(tmp_path: Path) -> None:
    """So that a second one leaves the first's artifacts alone."""
    one = read(tmp_path, "sources:\n  cc: {kind: warc, crawl: [CC-MAIN-2019-35], files: 4, group: web}\n")
    two = read(
        tmp_path, "sources:\n  cc: {kind: warc, crawl: [CC-MAIN-2019-35, CC-MAIN-2019-39], files: 4, group: web}\n"
    )
    assert list(one.sources) == ["cc-2019-35"] and one.groups == ["web"]
    assert one.sources["cc-2019-35"] == two.sources["cc-2019-35"]


@pytest.mark.parametrize(
    "source, sentence",
    [
        ("cc: {kind: warc, crawl: [CC-MAIN-2019-35, CC-MAIN-2019-35], files: 4}", "each once"),
        ("cc: {kind: warc, crawl: [], files: 4}", "names at least one"),
        ("cc: {kind: warc, crawl: [2019-35], files: 4}", "2019-35 is no crawl: they are named as in CC-MAIN"),
        ("cc: {kind: warc, crawl: [CC-MAIN-2019-35], files: '*.gz'}", "files is a number exactly where `crawl`"),
        (
            "cc: {kind: warc, crawl: [CC-MAIN-2019-35], files: 4}\n  cc-2019-35: {kind: text, files: c.txt}",
            "cc-2019-35",
        ),
    ],
)
def test_what_cannot_be(tmp_path: Path, source: str, sentence: str) -> None:
    with pytest.raises(Mistake, match=sentence):
        read(tmp_path, HEAD + f"  {source}\n")


def test_the_papers_crawls() -> None:
    """GPT-3, section 2.2: 41 monthly crawls of 2016 to 2019, 45 TB, 570 GB after filtering."""
    pipeline = load("conf/gpt3.yaml")
    crawls = [source for name, source in pipeline.sources.items() if pipeline.group(name) == "common-crawl"]
    names = [source.one_crawl for source in crawls]
    assert len(names) == len(set(names)) == 41 and names == sorted(map(str, names))
    assert (names[0], names[-1]) == ("CC-MAIN-2016-07", "CC-MAIN-2019-35")
    assert sum(source.expect.input or 0 for source in crawls if source.expect) == pytest.approx(45e12)
    assert sum(source.expect.kept or 0 for source in crawls if source.expect) == pytest.approx(570e9)
