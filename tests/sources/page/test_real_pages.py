"""Real pages: the scanner sees the words that a parser of trees sees."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tasks.sources.archive.framing import Record
from tasks.sources.archive.responses import page
from tasks.sources.archive.warc import records
from tasks.sources.page.charset import decode
from tasks.sources.page.main_content import blocks, render
from tasks.sources.rejects import Bad

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "crawl-pages"
WORD = re.compile(r"\w+")


def words(text: str) -> Counter[str]:
    return Counter(WORD.findall(text))


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/crawl-pages")
def test_words_that_a_parser_of_trees_finds_are_found():
    from resiliparse.extract.html2text import extract_plain_text

    missed = seen = count = 0
    for record in records(DATA / "htmldate-00.warc.gz"):
        if not isinstance(record, Record) or record.type != "response" or record.block is None:
            continue
        try:
            found = page(record, 32 << 20)
            html = decode(found.body, found.charset, html=True) if found is not None and found.html else ""
        except Bad:
            continue
        theirs = words(extract_plain_text(html, alt_texts=False))
        missed += (theirs - words(render(blocks(html)).text)).total()
        seen += theirs.total()
        count += 1
    assert count >= 100
    assert missed < seen / 200
