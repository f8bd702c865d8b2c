"""MediaWiki dumps: pages, what is not wanted, damage with its place, and the real head of an English dump."""

import bz2
import gzip
import hashlib
import lzma
import random
import re
from collections import Counter
from datetime import UTC, datetime

import pytest
import zstandard
from corpora import REAL
from hypothesis import given, settings
from hypothesis import strategies as st
from wikis import HEAD, TAIL, dump, page, revision

from conf.sources import Wiki
from tasks.sources.documents import Document, documents
from tasks.sources.input import content
from tasks.sources.parts import Part, plan
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import DAMAGE, POLICY, Reject
from tasks.sources.tally import Tally
from tasks.sources.wiki.dump import Site
from tasks.sources.wiki.mediawiki import address, mediawiki
from tasks.sources.wiki.streams import page_streams


def read(path, data=None, tally=None, limits=None, **wiki):
    """Candidates and rejects of a dump; sees that every byte is accounted for."""
    if data is not None:
        path.write_bytes(data)
    tally = tally or Tally()
    size = path.stat().st_size
    found = list(mediawiki(path, Part("a", size), Reading("s", limits=limits or {}, wiki=Wiki(**wiki)), tally))
    assert tally.counts["bytes"] == size == tally.counts["bytes_in_records"] + tally.counts["bytes_damaged"]
    return found


def texts(found):
    return [item.text for item in found if isinstance(item, Candidate)]


def rejects(found):
    return [(item.reason, item.offset, item.length) for item in found if isinstance(item, Reject)]


def test_a_page(tmp_path):
    text = "'''Zug''' ist ein [[Fahrzeug|Fahr­zeug]] & mehr.[[Kategorie:Bahn]]\n[[Datei:A.jpg|mini]]"
    data = dump(page(5, text, "Zug (Bahn) & mehr/ä?"), page(6, title="Zwei"))
    first, second = read(tmp_path / "a.xml", data)
    assert first.text == "Zug ist ein Fahr­zeug & mehr."
    assert (first.id, first.meta, first.date) == (
        "5",
        {"title": "Zug (Bahn) & mehr/ä?"},
        datetime(2019, 8, 20, 1, 2, 3, tzinfo=UTC),
    )
    assert first.url == "https://de.wikipedia.org/wiki/Zug_(Bahn)_%26_mehr/%C3%A4%3F"
    assert second.text == "Text 6."
    for candidate in (first, second):
        taken = data[candidate.offset : candidate.offset + candidate.length]
        assert taken.startswith(b"<page>") and taken.endswith(b"</page>")
        assert f"<id>{candidate.id}</id>".encode() in taken


def test_what_is_not_wanted(tmp_path):
    pages = [
        page(1, "#REDIRECT [[X]]", redirect=True),
        page(2, "#weiterleitung [[X]]", namespace=None),
        page(3, "#WEITERLEITUNG [[X]]", namespace=None),
        page(4, "Talk", "Diskussion:X", 1),
        page(5, "Old talk", "Diskussion:X", None),
        page(6, "Star Trek: an article", "Star Trek: Picard", None),
        page(7, revisions=[revision(None)]),
        page(8, revisions=[]),
        page(9, revisions=[revision("{}", model="json")]),
        page(10, ""),
        page(11, "#تحويل [[X]]", namespace=None),
        page(12, "# NATO [[x]]"),
        page(13, "# one [[x]]\n# two"),
    ]
    found = read(tmp_path / "a.xml", dump(*pages))
    assert texts(found) == [
        "1. weiterleitung X",
        "Star Trek: an article",
        "1. NATO x",
        "1. one x\n2. two",
    ]
    assert [reason for reason, _, _ in rejects(found)] == [
        "redirect", "redirect", "namespace", "namespace", "empty", "empty", "type", "empty", "redirect",
    ]  # fmt: skip
    assert {reason for reason, _, _ in rejects(found)} <= set(POLICY)
    talk = read(tmp_path / "a.xml", namespaces=(1,))
    assert texts(talk) == ["Talk", "Old talk"]


def test_tables_and_formulas_by_choice(tmp_path):
    data = dump(page(1, "A <math>x</math>\n{|\n|-\n|a||b\n|}"))
    assert texts(read(tmp_path / "a.xml", data)) == ["A $x$"]
    assert texts(read(tmp_path / "a.xml", tables=True, math=False)) == ["A\n\na | b"]


def test_the_latest_revision_is_read(tmp_path):
    history = [revision("old", "2019-01-01T00:00:00Z"), revision("new", "2020-01-01T00:00:00Z")]
    restored = [*history[::-1], revision("older still", "2018-01-01T00:00:00Z")]
    same = [revision("first", "2019-01-01T00:00:00Z"), revision("second", "2019-01-01T00:00:00Z")]
    deleted = [*history, revision(None, "2021-01-01T00:00:00Z")]
    found = read(
        tmp_path / "a.xml", dump(*(page(n, revisions=r) for n, r in enumerate((history, restored, same, deleted))))
    )
    assert texts(found) == ["new", "new", "second"]
    assert found[0].date == datetime(2020, 1, 1, tzinfo=UTC)
    assert [reason for reason, _, _ in rejects(found)] == ["empty"]


def test_a_page_is_bounded(tmp_path):
    """A text over the limit is counted, not held; a long history is no longer than its longest text."""
    long = page(2, "x" * 300_000)
    history = page(3, revisions=[revision("y" * 90_000, f"20{year:02}-01-01T00:00:00Z") for year in range(10)])
    data = dump(page(1), long, history)
    found = read(tmp_path / "a.xml", data, limits={"payload": 100_000})
    assert [len(text) for text in texts(found)] == [7, 90_000]
    assert rejects(found) == [("too-large", data.index(long.strip().encode()), len(long.strip()))]


DAMAGED = {
    "a bad tag": ("<text xml:space", "<text xml:space=<"),
    "a control character": ("Text 2", "Text \x01"),
    "a wrong end": ("</revision>", "</revisiun>"),
    "an entity": ("Text 2", "Text &lol;"),
    "no id": ("<id>2</id>", ""),
    "no end": ("</page>", "<!-- -->"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_page_costs_only_itself(tmp_path, kind):
    pages = [page(number) for number in (1, 2, 3)]
    pages[1] = pages[1].replace(*DAMAGED[kind])
    data = dump(*pages)
    tally = Tally()
    found = read(tmp_path / "a.xml", data, tally)
    assert texts(found) == ["Text 1.", "Text 3."]
    ((reason, offset, length),) = rejects(found)
    damaged = pages[1].encode()
    assert reason == "xml"
    assert data.index(damaged) <= offset < offset + length <= data.index(damaged) + len(damaged) + 2
    assert tally.counts["bytes_damaged"] == length


def test_bytes_that_are_not_utf_8(tmp_path):
    data = dump(page(1), page(2), page(3)).replace(b"Text 2", b"Text \xff")
    found = read(tmp_path / "a.xml", data)
    assert (texts(found), [reason for reason, *_ in rejects(found)]) == (["Text 1.", "Text 3."], ["xml"])


def test_entities_are_not_declared(tmp_path):
    """A bomb of entities, and a file asked for from outside: refused where they are declared."""
    bomb = '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>\n'
    data = dump(page(1), page(2, "x").replace("x</text>", "&b;&c;</text>"), head='<?xml version="1.0"?>' + bomb + HEAD)
    found = read(tmp_path / "a.xml", data)
    assert texts(found) == ["Text 1."]
    assert [reason for reason, *_ in rejects(found)] == ["xml", "xml"]
    inside = dump(page(1, "x").replace("<title>", bomb + "<title>"), page(2))
    found = read(tmp_path / "a.xml", inside)
    assert (texts(found), [reason for reason, *_ in rejects(found)]) == (["Text 2."], ["xml"])


def test_a_dump_that_ends_early(tmp_path):
    whole = dump(page(1), page(2), page(3))
    third = whole.rindex(b"<page>")
    tally = Tally()
    found = read(tmp_path / "a.xml", whole[: third + 100], tally)
    assert (texts(found), rejects(found)) == (["Text 1.", "Text 2."], [("truncated", third, 100)])
    assert tally.counts["bytes_damaged"] == 100
    found = read(tmp_path / "a.xml", whole[:third])
    assert (texts(found), rejects(found)) == (["Text 1.", "Text 2."], [("truncated", third, 0)])
    random.seed(1)
    noise = "".join(random.choices("abcdefgh ", k=200_000))
    packed = gzip.compress(dump(page(1), page(2, noise), page(3)))[:-20_000]
    tally = Tally()
    found = read(tmp_path / "a.xml.gz", packed, tally)
    ((reason, offset, length),) = rejects(found)
    assert (texts(found), reason, offset + length) == (["Text 1."], "truncated", len(packed))
    assert tally.counts["bytes_damaged"] == length > 0


def test_what_is_no_dump(tmp_path):
    assert rejects(read(tmp_path / "a.xml", b"")) == [("empty-file", 0, 0)]
    assert rejects(read(tmp_path / "a.xml", b"<html>" * 500_000)) == [("xml", 0, 3_000_000)]
    assert rejects(read(tmp_path / "a.xml", b"<html>")) == [("xml", 0, 6)]
    assert read(tmp_path / "a.xml", dump()) == []
    assert rejects(read(tmp_path / "a.xml", b"</page>" + dump(page(1)))) == [("xml", 0, 7)]
    stray = dump(page(1), "garbage\n", page(2))
    found = read(tmp_path / "a.xml", stray)
    assert texts(found) == ["Text 1.", "Text 2."]
    assert [reason for reason, *_ in rejects(found)] == ["xml"]


def test_two_dumps_one_after_the_other(tmp_path):
    other = HEAD.replace("de.wikipedia.org/wiki/Wikipedia:Hauptseite", "en.wikibooks.org/wiki/Main_Page")
    found = read(tmp_path / "a.xml", dump(page(1)) + dump(page(2), head=other))
    assert [item.url for item in found] == [
        "https://de.wikipedia.org/wiki/Page_1",
        "https://en.wikibooks.org/wiki/Page_2",
    ]


def test_addresses():
    for base, url in {
        "https://en.wikipedia.org/wiki/Main_Page": "https://en.wikipedia.org/wiki/A_'b'/c",
        "http://w.org/wiki/Portal/Start": "http://w.org/wiki/A_'b'/c",
        "http://w.org/w/index.php?title=Main_Page": "http://w.org/w/index.php?title=A_'b'/c",
        "http://w.org/index.php/Main_Page": "http://w.org/index.php/A_'b'/c",
        "": "",
    }.items():
        assert address(Site(base), "A 'b'/c").replace("%27", "'") == url


def has(form):
    """Whether `content` reads a form of compression."""
    return form in content.PIECES


def multistream(data):
    """As Wikimedia packs it: a bzip2 stream for the head, one for every two pages, one for the end."""
    pages = re.split(rb"(?=  <page>)", data.removesuffix(TAIL.encode()))
    streams = [pages[0], *(b"".join(pages[at : at + 2]) for at in range(1, len(pages), 2)), TAIL.encode()]
    return b"".join(bz2.compress(stream) for stream in streams)


BZIP2 = pytest.mark.xfail(not has("bzip2"), reason="content reads no bzip2 yet", strict=True)
XZ = pytest.mark.xfail(not has("xz"), reason="content reads no xz yet", strict=True)


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("xml", bytes),
        ("xml.gz", gzip.compress),
        ("xml.zst", zstandard.compress),
        pytest.param("xml.bz2", multistream, marks=BZIP2),
        pytest.param("xml.xz", lzma.compress, marks=XZ),
    ],
)
def test_compressed_or_not(tmp_path, name, pack):
    data = dump(*(page(number, f"Text {number} " * 500) for number in range(1, 200)))
    plain = read(tmp_path / "a.xml", data)
    assert len(plain) == 199
    assert read(tmp_path / f"a.{name}", pack(data)) == plain


@BZIP2
def test_a_damaged_stream_of_many(tmp_path):
    packed = multistream(dump(*(page(number) for number in range(1, 100))))
    cut = len(packed) // 2
    found = read(tmp_path / "a.xml.bz2", packed[:cut])
    assert 30 < len(texts(found)) < 60
    assert rejects(found)[-1][0] in ("truncated", "bzip2")
    assert rejects(found)[-1][1] + rejects(found)[-1][2] == cut


def in_parts(path, shard_bytes):
    """Documents, rejects (without their places) and counted bytes of a dump, part by part as it is planned."""
    size = path.stat().st_size
    parts = [part for _, parts in plan([{"path": str(path), "size": size}], "mediawiki", shard_bytes) for part in parts]
    tally = Tally()
    found = [item for part in parts for item in documents(path, part, "mediawiki", Reading("s"), tally)]
    assert tally.counts["bytes"] == size
    return (
        parts,
        [item for item in found if isinstance(item, Document)],
        Counter(item.reason for item in found if isinstance(item, Reject)),
    )


@pytest.mark.parametrize(
    "pack", [multistream, bz2.compress, lambda data: bz2.compress(data[:9999]) + bz2.compress(data[9999:])]
)
def test_where_a_dump_is_cut(tmp_path, pack):
    """Only at streams that begin with a page; the first bytes of one inside a text cut nothing."""
    path = tmp_path / "a.xml.bz2"
    random.seed(2)
    made = ["".join(random.choices("abcdefgh ", k=3000)) for _ in range(60)]
    path.write_bytes(pack(dump(*(page(number, text) for number, text in enumerate(made)))))
    size = path.stat().st_size
    spans = page_streams(path, -(-size // 5))
    assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]
    assert spans[-1][1] == size
    assert len(spans) == (5 if pack is multistream else 1)
    for start, end in spans:
        content = bz2.decompress(path.read_bytes()[start:end])
        assert content.lstrip().startswith(b"<page>" if start else b"<mediawiki")
    path.write_bytes(b"x" * 1000 + b"BZh91AY&SY" * 200)
    assert page_streams(path, 100) == [(0, 3000)]


@BZIP2
@pytest.mark.parametrize("shard_bytes", [500, 3000, 10**9])
def test_parts_give_what_the_whole_gives(tmp_path, shard_bytes):
    path = tmp_path / "a.xml.bz2"
    made = [page(number, f"Text {number} [[Datei:A|x]]", redirect=number % 3 == 0) for number in range(1, 100)]
    made[50] = made[50].replace("<title>", "<titel>")
    path.write_bytes(multistream(dump(*made)))
    (_,), *whole = in_parts(path, 10**9)
    parts, *found = in_parts(path, shard_bytes)
    # An origin counts from the beginning of its part, which alone is decompressed.
    assert [one._replace(origin=None) for one in found[0]] == [one._replace(origin=None) for one in whole[0]]
    assert [(one.origin.length, one.origin.record) for one in found[0]] == [
        (one.origin.length, one.origin.record) for one in whole[0]
    ]
    assert found[1] == whole[1]
    assert (len(parts) > 1) == (shard_bytes < 10**9)
    assert whole[0][0].url.startswith("https://de.wikipedia.org/wiki/")
    data = path.read_bytes()
    for part in parts:
        for low, high, sha256 in part.spans:
            assert hashlib.sha256(data[low:high]).hexdigest() == sha256


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_is_told_and_nothing_else_is_lost(tmp_path_factory, data):
    """Bytes put in, cut out or changed anywhere: no exception, every byte accounted for, every page that was not
    touched is read."""
    pages = [page(number).encode() for number in range(1, 6)]
    clean = HEAD.encode() + b"".join(pages) + TAIL.encode()
    at = data.draw(st.integers(len(HEAD), len(clean)))
    cut = data.draw(st.integers(0, 40))
    put = data.draw(st.binary(max_size=20) | st.sampled_from([b"<page>", b"</page>", b"</mediawiki>", b"<", b"&"]))
    damaged = clean[:at] + put + clean[at + cut :]
    found = read(tmp_path_factory.mktemp("d") / "a.xml", damaged)
    start = len(HEAD)
    for number, made in enumerate(pages, start=1):
        begin, end = start + made.index(b"<page>"), start + made.rindex(b"</page>") + 7
        if end <= at or begin >= at + cut:
            # An edge put in just before a page may take that page's beginning for its own.
            torn = begin >= at + cut and b"<page" in put + clean[at - 8 : at]
            assert torn or f"Text {number}." in texts(found)
        start += len(made)


REAL_DUMP = REAL / "text-good" / "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
KNOWN = {  # read by eye, as the page shows them
    "39": "Earth's average surface temperature due to its albedo and the greenhouse effect is currently about 15 °C.",
    "639": "Under standard conditions, from CH₄ to C₄H₁₀ alkanes are gaseous; from C₅H₁₂ to C₁₇H₃₆ they are liquids",
    "12": (
        "The term anarchism is a compound word composed from the word anarchy and the suffix -ism, themselves derived "
        'respectively from the Greek ἀναρχία, i.e. anarchy (from ἄναρχος, anarchos, meaning "one without rulers";'
    ),
    "305": "In Greek mythology, Achilles (/əˈkɪliːz/; Ἀχιλλεύς, Akhilleus, [akʰilːéu̯s]) was a Greek hero of the Trojan",
}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """(bytes, documents, rejects) of the real head of a dump."""
    data = bz2.decompress(REAL_DUMP.read_bytes())
    path = tmp_path_factory.mktemp("real") / "a.xml"
    path.write_bytes(data)
    found = list(documents(path, Part("a", len(data)), "mediawiki", Reading("real"), Tally()))
    made = {item.meta: item for item in found if isinstance(item, Document)}
    return data, made, [item for item in found if isinstance(item, Reject)]


@pytest.mark.real
def test_the_real_dump_gives_what_is_counted_in_it(real):
    data, made, refused = real
    others = len(re.findall(rb"<ns>[1-9]", data))
    redirects = len([one for one in data.split(b"<page>")[1:] if b"<redirect" in one and b"<ns>0</ns>" in one])
    assert (data.count(b"<page>"), others, redirects) == (206, 1, 99)
    assert Counter(reject.reason for reject in refused) == {"namespace": others, "redirect": redirects}
    assert len(made) == 206 - others - redirects
    assert not DAMAGE.keys() & {reject.reason for reject in refused}


@pytest.mark.real
def test_no_markup_remains_in_the_real_dump(real):
    _, made, _ = real
    for document in made.values():
        prose = re.sub(r"\$[^$]+\$", "", document.text)  # formulas have braces of their own
        for mark in ("[[", "]]", "{{", "}}", "<ref", "'''", "|}", "{|", "&nbsp;", "__NOTOC__", "thumb|", "Category:"):
            assert mark not in prose, (document.meta, prose[max(0, prose.find(mark) - 60) :][:120])
        assert not re.search(r"\( *[;,]| [;,] *\)|^\||^=+ ", prose, re.MULTILINE)


@pytest.mark.real
def test_known_sentences_of_the_real_dump(real):
    data, made, _ = real
    for identity, sentence in KNOWN.items():
        (title,) = re.findall(rf"<title>([^<]*)</title>\s*<ns>0</ns>\s*<id>{identity}</id>".encode(), data)
        (document,) = [one for one in made.values() if f'"title": "{title.decode()}"' in one.meta]
        assert sentence in document.text


@pytest.mark.real
@BZIP2
def test_the_real_dump_as_it_is_published(real, tmp_path):
    _, made, _ = real
    found = list(documents(REAL_DUMP, Part("a", REAL_DUMP.stat().st_size), "mediawiki", Reading("real"), Tally()))
    assert [item for item in found if isinstance(item, Document)] == list(made.values())
