"""Bytes to characters: labels that are true, lie or are missing; what is no text; every encoding there and back."""

import io
import random
import sqlite3
import struct
import sys
import tarfile
import time
import zipfile
import zlib

import pytest
from corpora import REAL
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.sources.page.charset import decode
from tasks.sources.rejects import FAULTS, Bad

RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 5
UKRAINIAN = "Усі люди народжуються вільними і рівними у своїй гідності та правах, їх наділено розумом. " * 4
FRENCH = "Le chat est assis sur la chaise près de la fenêtre, où il dort depuis ce matin avec sa sœur aînée. " * 5
POLISH = "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw, są obdarzeni rozumem. " * 4
GREEK = "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. " * 4
TURKISH = "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar, akıl ve vicdana sahiptirler. " * 4
HEBREW = "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם, כולם חוננו בתבונה ובמצפון. " * 4
ARABIC = "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق، وقد وهبوا عقلا وضميرا وعليهم أن يعامل بعضهم بعضا. " * 4
LITHUANIAN = "Visi žmonės gimsta laisvi ir lygūs savo orumu ir teisėmis, jiems suteiktas protas ir sąžinė. " * 4
VIETNAMESE = "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền. "
THAI = "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม " * 4
JAPANESE = "すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。吾輩は猫である。" * 4
CHINESE = "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。" * 5
TAIWANESE = "人人生而自由,在尊嚴和權利上一律平等。他們賦有理性和良心,並應以兄弟關係的精神相對待。" * 5
KOREAN = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 이성과 양심을 부여받았다. " * 4

TEXTS = {  # encoding -> text of those who use it
    "utf-8": RUSSIAN,
    "utf-16-le": FRENCH,
    "utf-16-be": JAPANESE,
    "utf-32-le": RUSSIAN,
    "utf-32-be": FRENCH,
    "iso-8859-1": FRENCH.replace("œ", "oe"),
    "iso-8859-15": FRENCH,
    "windows-1252": FRENCH,
    "windows-1250": POLISH,
    "iso-8859-2": POLISH,
    "windows-1251": RUSSIAN,
    "koi8-r": RUSSIAN,
    "koi8-u": UKRAINIAN,
    "iso-8859-5": RUSSIAN,
    "cp866": RUSSIAN,
    "windows-1253": GREEK,
    "iso-8859-7": GREEK,
    "windows-1254": TURKISH,
    "iso-8859-9": TURKISH,
    "windows-1255": HEBREW,
    "windows-1256": ARABIC,
    "windows-1257": LITHUANIAN,
    "cp874": THAI,
    "shift_jis": JAPANESE,
    "euc-jp": JAPANESE,
    "iso2022_jp": JAPANESE,
    "gb2312": CHINESE,
    "gbk": CHINESE,
    "gb18030": CHINESE,
    "hz": CHINESE,
    "big5": TAIWANESE,
    "euc-kr": KOREAN,
    "cp949": KOREAN,
    "iso2022_kr": KOREAN,
}


def html(text: str, meta: str | None = None) -> str:
    declared = f'<meta http-equiv="Content-Type" content="text/html; charset={meta}">' if meta else ""
    return f"<html><head>{declared}<title>x</title></head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize("encoding", TEXTS)
def test_what_bytes_say_counts_more_than_labels(encoding):
    text, wrong = TEXTS[encoding], []
    for header in (encoding, None, "utf-8", "iso-8859-1", "windows-1251", "shift_jis"):
        for meta in (encoding, None, "utf-8", "iso-8859-1", "gb2312"):
            if encoding == "iso-8859-15" and "iso-8859-1" in (header, meta):
                continue  # eight letters differ, of which this text has one
            if text not in decode(html(text, meta).encode(encoding), header, html=True):
                wrong.append((header, meta))
    assert wrong == []


@pytest.mark.parametrize("encoding", TEXTS)
def test_text_files_have_no_label(encoding):
    assert decode(TEXTS[encoding].encode(encoding), None, html=False) == TEXTS[encoding]


@pytest.mark.parametrize(("encoding", "text"), [("utf-8-sig", FRENCH), ("utf-16", KOREAN), ("utf-32", JAPANESE)])
@pytest.mark.parametrize("header", [None, "iso-8859-1", "shift_jis", "utf-8"])
def test_a_byte_order_mark_decides(encoding, text, header):
    assert decode(html(text, "koi8-r").encode(encoding), header, html=True) == html(text, "koi8-r")
    assert decode(text[:20].encode(encoding), header, html=False) == text[:20]


def test_a_header_of_latin_1_over_a_true_meta():
    """Issue 11: 36 of 47 such pages were read as Latin-1 although their `<meta>` was true."""
    for encoding, text in TEXTS.items():
        body = html(text, encoding).encode(encoding)
        assert text in decode(body, "ISO-8859-1", html=True), encoding


def test_labels_tell_where_the_bytes_do_not():
    assert decode(b"2\xbd l", "iso-8859-15", html=False) == "2œ l"
    assert decode(b"2\xbd l", "windows-1252", html=False) == "2½ l"
    assert decode(b"na\xefve", None, html=False) == "naïve"
    for unknown in ("no-such-charset", "", "\0", "x" * 10_000, "utf-7", "rot13", "base64", "idna"):
        assert decode(FRENCH.encode("cp1252"), unknown, html=False) == FRENCH


def test_an_xml_declaration_is_a_label():
    body = '<?xml version="1.0" encoding="iso-8859-15"?><html><p>½</p></html>'.replace("½", "œ").encode("iso-8859-15")
    assert "œ" in decode(body, None, html=True)


@pytest.mark.parametrize("encoding", ["utf-8", "shift_jis", "euc-jp", "gb18030", "big5", "cp949"])
def test_a_few_broken_bytes_in_a_long_page_lose_a_few_characters(encoding):
    text = {"utf-8": KOREAN, **TEXTS}[encoding] * 4
    body = bytearray(html(text).encode(encoding))
    for place in (200, len(body) // 2):
        body[place] = 0xFF
    for header in (encoding, None, "iso-8859-1"):
        found = decode(bytes(body), header, html=True)
        assert (found[:100], found[-300:]) == (html(text)[:100], html(text)[-300:]), header
        assert abs(len(found) - len(html(text))) < 5


def test_a_page_cut_within_a_character_is_read():
    for encoding in ("utf-8", "shift_jis", "gb18030", "cp949", "iso2022_jp", "utf-16-le"):
        text = {**TEXTS, "utf-8": JAPANESE}[encoding]
        body = html(text).encode(encoding)[:-15]
        cut = body[: len(body) - len(body) % 2 - 1]
        assert text[:100] in decode(cut, encoding, html=True), encoding


def test_latin_letters_pasted_into_utf_8():
    body = ("Polycarbonate – café. " * 9).encode() + b"the client\x92s caf\xe9 today"
    assert decode(body, "utf-8", html=False).endswith("the client’s café today")
    assert decode(RUSSIAN.encode() + b"\xd0 \xd1", "utf-8", html=False).endswith(
        "\ufffd \ufffd"
    )  # characters cut in two


def test_seven_bit_text_that_only_looks_like_it_stays():
    for text in (
        "\x1b[31mred\x1b[0m and \x1b(Bplain",
        "a template {~{abcd~}} and ~{ef~}",
        r"\cite~{Knuth84~} and ~{x~}",
        "2 + 2 = 4 +AGE- C++20",
    ):
        assert decode(text.encode(), None, html=False) == text


def tar() -> bytes:
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            entry = tarfile.TarInfo("a.txt")
            entry.size = len(FRENCH.encode())
            archive.addfile(entry, io.BytesIO(FRENCH.encode()))
        return buffer.getvalue()


def database() -> bytes:
    base = sqlite3.connect(":memory:")
    base.execute("create table t (a text)")
    base.executemany("insert into t values (?)", [(f"a row of text, number {row}",) for row in range(500)])
    return base.serialize()


def catalogue() -> bytes:
    """A GNU gettext .mo of two messages."""
    strings = [(b"", b"Content-Type: text/plain; charset=UTF-8\n"), (b"cat", "chat aîné".encode())]
    places, content = [], b""
    start = 28 + 16 * len(strings)
    for column in (0, 1):
        for pair in strings:
            places.append(struct.pack("<II", len(pair[column]), start + len(content)))
            content += pair[column] + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(strings), 28, 28 + 8 * len(strings), 0, 28 + 16 * len(strings))
    return header + b"".join(places) + content


@pytest.mark.parametrize("label", [None, "utf-8", "windows-1252"])
@pytest.mark.parametrize(
    "made",
    [
        lambda: random.Random(1).randbytes(100),
        lambda: random.Random(2).randbytes(100_000),
        lambda: b"\xff\xfe" + random.Random(3).randbytes(2000),
        lambda: zlib.compress(RUSSIAN.encode() * 50),
        tar,
        database,
        catalogue,
        lambda: open(sys.executable, "rb").read(1 << 16),  # noqa: SIM115, PTH123
        lambda: b"\xff\xfe" + bytes([0x00, 0xD8]) * 500,  # lone surrogates
    ],
    ids=["random", "long random", "random after a mark", "deflate", "tar", "sqlite", "mo", "elf", "surrogates"],
)
def test_bytes_that_are_no_text_are_refused(made, label):
    with pytest.raises(Bad) as caught:
        decode(made(), label, html=False)
    assert caught.value.reason == "charset"
    assert "charset" in FAULTS


def test_a_few_zero_bytes_do_no_harm():
    assert decode(b"plain\0text, and more of it " * 9, None, html=False) == "plain\0text, and more of it " * 9
    assert RUSSIAN in decode(html(RUSSIAN + "\0").encode("windows-1251"), None, html=True)
    assert "mostly good" in decode(b"mostly good \xff but one byte is not " * 3, "utf-8", html=False)


@pytest.mark.parametrize(
    ("piece", "times"),
    [
        (b"<", 400_000),
        (b"<meta ", 60_000),
        (b"~{!!", 100_000),
        (b"!!", 300_000),
        (b"\x1b$B", 99_999),
        (b"\xe9<", 200_000),
        (b"\xe9 ", 300_000),
        (b"\xc3", 500_000),
        (b"\x81", 500_000),
        (b"\0", 500_000),
        (b"\xe9\0", 250_000),
    ],
)
def test_hostile_bytes_take_no_long(piece, times):
    start = time.monotonic()
    for body in (piece * times, piece * times + b"\xe9", b"~{" + piece * times):
        for html_too in (True, False):
            try:
                decode(body, None, html=html_too)
            except Bad as bad:
                assert bad.reason == "charset"
    assert time.monotonic() - start < 30  # else it hangs: quadratic work would take minutes


LABELS = st.one_of(
    st.none(), st.sampled_from([*TEXTS, "utf-7", "utf-16", "idna", "punycode", "hex"]), st.text(max_size=12)
)
PIECES = st.sampled_from(
    [
        b"\x1b$B",
        b"\x1b(B",
        b"\x1b$)C",
        b"~{",
        b"~}",
        b"<meta charset=",
        b"\xff\xfe",
        b"\0\0",
        b"\xc3\xa9",
        b"\x8e\xa1",
        b"\xfe",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    body=st.lists(st.one_of(PIECES, st.binary(max_size=40)), max_size=12).map(b"".join),
    label=LABELS,
    html_too=st.booleans(),
)
@example(body=b"", label=None, html_too=True)
@example(body=b"\xe9", label="utf-16", html_too=True)
@example(body=b"\0", label="utf-32", html_too=False)
def test_any_bytes_are_text_or_refused(body, label, html_too):
    """And text that can be stored: no lone surrogates."""
    try:
        found = decode(body, label, html_too)
    except Bad as bad:
        assert bad.reason == "charset"
    else:
        assert found.encode("utf-8").decode("utf-8") == found
        assert decode(body, label, html_too) == found


@settings(max_examples=150, deadline=None)
@given(data=st.data(), encoding=st.sampled_from([*TEXTS]))
def test_there_and_back(data, encoding):
    """Long text of an encoding's users, in any order and with ASCII between, comes back exactly under a true label."""
    words = TEXTS[encoding].split(" " if " " in TEXTS[encoding] else "。")
    drawn = data.draw(st.permutations([*words, *words]))
    for more in data.draw(st.lists(st.sampled_from(["2009", "http://example.org/", "(a)", "OK?", "\n", '"', "- 1 -"]))):
        drawn.insert(data.draw(st.integers(0, len(drawn))), more)
    text = " ".join(drawn)
    assert decode(text.encode(encoding), encoding, html=False) == text


@pytest.mark.real
def test_declarations_in_many_languages():
    """Real text in encodings of its languages, under lies of each sort; bench/charset.py has the whole table."""
    archive = zipfile.ZipFile(REAL / "text-good" / "nltk" / "udhr2.zip")
    wrong = []
    pairs = {
        "windows-1252": "deu spa por_PT swe",
        "windows-1250": "ces hun",
        "windows-1251": "bul srp_cyrl",
        "euc-kr": "kor",
    }
    for encoding, languages in {
        **pairs,
        "shift_jis": "jpn",
        "big5": "cmn_hant",
        "koi8-r": "rus",
        "utf-8": "ben tam",
    }.items():
        for language in languages.split():
            whole = archive.read(f"udhr2/{language}.txt").decode()
            text = whole[1000:2000].encode(encoding, "ignore").decode(encoding)
            for header in (None, encoding, "iso-8859-1", "utf-8", "gb2312"):
                for meta in (None, encoding, "windows-1251", "utf-8", "euc-jp"):
                    found = decode(html(text, meta).encode(encoding), header, html=True)
                    if text not in found:
                        wrong.append((encoding, language, header, meta))
    assert wrong == []
