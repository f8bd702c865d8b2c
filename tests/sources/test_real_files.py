"""The real files of ../shared/data: every byte accounted for, known counts met, extraction as good as it should be."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from corpora import REAL

from tasks.sources.documents import Document, documents
from tasks.sources.parts import Part
from tasks.sources.reading import Reading
from tasks.sources.rejects import DAMAGE, Reject
from tasks.sources.tally import Tally
from tasks.sources.texts.clean import clean, slow

pytestmark = pytest.mark.real


def read(path: Path, kind: str = "warc") -> tuple[list[Document], list[Reject], dict]:
    tally = Tally()
    part = Part(path.name, path.stat().st_size)
    found = list(documents(path, part, kind, Reading("real"), tally))
    statistics = tally.statistics()
    assert statistics["bytes"] == path.stat().st_size
    assert statistics["bytes"] == statistics["bytes_in_records"] + statistics["bytes_damaged"]
    return (
        [item for item in found if isinstance(item, Document)],
        [item for item in found if isinstance(item, Reject)],
        statistics,
    )


@pytest.mark.parametrize(
    ("name", "records", "gave"),
    [
        ("cc2008-small-sample.repacked.warc.gz", 146, 90),
        ("cc2016-sparkwarc.repaired.warc.wet.gz", 69, 68),
        ("cc2024-whirlwind.warc.gz", 4, 1),
        ("cc2024-whirlwind.warc.wet.gz", 2, 1),
        ("cc2024-whirlwind.warc.wat.gz", 2, 0),
        ("aut-archiveorg2008.warc.gz", 822, 100),
        ("dolma-sample-0000.warc.gz", 48, 15),
    ],
)
def test_crawls(name, records, gave):
    """Records of all types as published; at least so many documents; no damage."""
    made, refused, statistics = read(REAL / "crawl" / name)
    assert sum(statistics["records"].values()) == records
    assert len(made) >= gave
    assert [reject for reject in refused if reject.reason in DAMAGE] == []
    assert statistics["bytes_damaged"] == 0


def test_an_arc_file_gives_what_its_conversion_to_warc_gives():
    arc, refused, statistics = read(REAL / "crawl" / "cc2008-small-sample.arc.gz")
    warc, refused_warc, statistics_warc = read(REAL / "crawl" / "cc2008-small-sample.repacked.warc.gz")
    assert len(arc) >= 115
    assert [(page.url, page.text, page.date) for page in arc] == [(page.url, page.text, page.date) for page in warc]
    assert [(reject.reason, reject.detail) for reject in refused] == [(r.reason, r.detail) for r in refused_warc]
    assert statistics["records"] == statistics_warc["records"]
    assert statistics["bytes_damaged"] == 0


DAMAGED = {
    "pywb-missing-status-text.warc": (0, {"status": 1}),
    "resiliparse-block-sized.warc.gz": (0, {}),
    "resiliparse-clipped.warc.gz": (0, {"truncated": 1}),
    "solrwayback-gzip-chunked.warc.gz": (1, {}),
    "solrwayback-truncated.warc.gz": (0, {"truncated": 1}),
    "sparkwarc-cc2016-LF.wat.gz": (0, {"length": 1}),
    "sparkwarc-cc2016-LF.wet.gz": (59, {"length": 10}),
    "ukwa-truncated.arc.gz": (3, {"type": 5}),
    "ukwa-truncated.warc.gz": (3, {"type": 5}),
    "warc2zim-bad-redirections.warc.gz": (1, {"status": 40, "type": 1}),
    "warc2zim-content-resource-types.warc.gz": (2, {"type": 10}),
    "warc2zim-http-return-codes.warc.gz": (5, {"status": 25, "type": 1}),
    "warcio-bad-non-chunked.warc.gz": (1, {}),
    "warcio-bad.arc": (0, {"header": 3, "http": 1}),
    "warcio-digest.warc": (0, {}),
    "warcio-example-bad.warc.gz.bad": (1, {"status": 1}),
    "warcio-example.warc.gz": (1, {}),
    "warcio-iana-chunked.warc": (1, {}),
    "warcio-space-in-uri.warc.gz": (0, {}),
    "warcio-wget-bad-uri.warc.gz": (1, {}),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_files_that_others_keep_as_regression_cases(name):
    made, refused, _ = read(REAL / "warc-damaged" / name)
    assert (len(made), dict(Counter(reject.reason for reject in refused))) == DAMAGED[name]
    if name.startswith(("warcio-example", "warcio-bad-non", "warcio-wget")):
        assert "Example Domain" in made[0].text or "example" in made[0].url


def test_none_of_the_damaged_files_is_forgotten():
    assert {path.name for path in (REAL / "warc-damaged").iterdir()} == set(DAMAGED)


def test_extraction_finds_the_main_text():
    """trafilatura's evaluation: phrases that belong to the main text, and phrases that do not."""
    gold = json.loads(gzip.decompress((REAL / "crawl-pages" / "trafilatura-evaldata.json.gz").read_bytes()))
    found: Counter[str] = Counter()
    for name in ("trafilatura-00.warc.gz", "trafilatura-02.warc.gz"):
        made, _, _ = read(REAL / "crawl-pages" / name)
        texts = {document.url: document.text for document in made}
        for url in gold.keys() & texts.keys():
            text = " ".join(texts[url].split())
            for kind in ("with", "without"):
                for phrase in gold[url][kind] or []:
                    found[f"{kind} {' '.join(phrase.split()) in text}"] += 1
    recall = found["with True"] / (found["with True"] + found["with False"])
    precision = found["with True"] / (found["with True"] + found["without True"])
    f1 = 2 * precision * recall / (precision + recall)
    print(f"{dict(found)}: precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}")
    assert sum(found.values()) > 1000
    assert f1 > 0.80


def test_books_are_read_and_cleaning_agrees_with_ftfy():
    for path in sorted((REAL / "books").glob("*.txt.gz"))[:3]:
        (document,), refused, _ = read(path, "text")
        assert refused == []
        assert document.language in ("en", "fr")
        assert len(document.text) > 150_000
    pages, _, _ = read(REAL / "crawl-pages" / "htmldate-00.warc.gz")
    for document in pages[::4]:
        damaged = document.text.encode().decode("cp1252", "replace")[:5000]  # mojibake of the usual kind
        assert clean(damaged) == slow(damaged)
        assert clean(document.text) == document.text
