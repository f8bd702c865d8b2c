"""`fill_words` against its plain twin; the definition of words by examples; the table against Java and `regex`."""

import shutil
import subprocess
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.kernels import comparison, folds
from tasks.kernels.words import MOST_WORDS, fill_words

from . import make_tables, twins
from .strategies import TEXT

HERE = Path(__file__).parent
CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
# each class by a few members, so that they meet
MEMBERS = st.text(st.sampled_from("aZ19é漢カガｱﾞกำ\u200d\ufe0f'’`-‐\xad \t\n\u2028.—…$😀㍿½ﬁßİ\u0301\r"), max_size=30)


def filled(
    data: bytes, room: int = 64, start: int = 0, end: int | None = None
) -> tuple[list[tuple[int, int, int]], int]:
    """((hash, start, stop) of each word, the chained hash)."""
    bytes_ = np.frombuffer(data, np.uint8)
    end = len(data) if end is None else end
    hashes, starts, stops = np.empty(room, np.uint64), np.empty(room, np.int64), np.empty(room, np.int64)
    found: list[tuple[int, int, int]] = []
    at, chain = start, np.uint64(7)
    while at < end:
        before = at
        count, at, chain = fill_words(bytes_, at, end, hashes, starts, stops, chain)
        assert at > before
        found += zip(*(part[:count].tolist() for part in (hashes, starts, stops)), strict=True)
    return found, int(chain)


def words(text: str) -> list[str]:
    return [word for word, _, _ in comparison.words(text)]


@given(st.one_of(TEXT, MEMBERS), st.integers(MOST_WORDS + 1, MOST_WORDS + 5))
def test_the_kernel_is_its_twin(text, room):
    expected = list(comparison.words(text))
    found, chain = filled(text.encode(), room)
    assert found == [(twins.word_hash(word), start, stop) for word, start, stop in expected]
    assert chain == twins.chained([word for word, _, _ in expected], 7)


def test_every_code_point_alone_and_between_letters():
    for pattern in ("{}", "a{}b", "1{}2", "漢{}é", "abcdefg{}hijklmnop"):
        for at in range(0, len(CODES), 30_000 if pattern != "{}" else 3_000):
            text = "\n\n".join(pattern.format(chr(code)) for code in CODES[at : at + 300])
            assert [hit[0] for hit in filled(text.encode())[0]] == [twins.word_hash(word) for word in words(text)]


def test_a_row_is_read_in_its_bounds():
    """Whatever stands around it, also where it ends within a code point."""
    data = "before café-\ntain 漢字 Ⅻ after".encode()
    for start in range(len(data)):
        for end in range(start, len(data)):
            inside = filled(data, 32, start, end)[0]
            assert inside == [(h, a + start, b + start) for h, a, b in filled(data[start:end], 32)[0]]
            assert all(start <= a < b <= end for _, a, b in inside)


def test_a_long_row_takes_little_memory():
    text = "x" * 1_000_000 + " wort's" * 100_000 + "漢" * 100_000
    found, _ = filled(text.encode(), 512)
    assert len(found) == 200_001
    assert found[0] == (twins.word_hash("x" * 1_000_000), 0, 1_000_000)


def test_word_borders_show_in_both_hashes():
    texts = ["ab c", "a bc", "abc", "abcdefgh i", "abcdefghi", "abcdefgh", "漢字", "漢 字", "abcdefgh ijklmnop", "abcdefghijklmnop"]  # fmt: skip  # noqa: E501
    found = [filled(text.encode()) for text in texts]
    assert len({chain for _, chain in found}) == len(texts) - 1  # 漢字 is 漢 字
    assert len({tuple(h for h, _, _ in one) for one, _ in found}) == len(texts) - 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't DON’T don`t donʼt don＇t don´t dont", ["dont"] * 7),
        ("the dogs' 'tis rock'n'roll", ["the", "dogs", "tis", "rocknroll"]),
        ("1990's 1'000 5'10 O'2", ["1990s", "1", "000", "5", "10", "o", "2"]),
        ("word—word word - word word -- word word…word", ["word"] * 8),
        ("cap-\ntain cap-\n  tain cap- \n\ttain cap‐\ntain cap\xad\ntain cap\xadtain cap-\r\ntain", ["captain"] * 7),
        ("cap-\n\ntain well-known cap- tain 19-\n20 cap--\ntain -\ntain",
         ["cap", "tain", "well", "known", "cap", "tain", "19", "20", "cap", "tain", "tain"]),
        ("3.14 1,000 x=y+1 C++ $5 5€ a_b", ["3", "14", "1", "000", "x", "y", "1", "c", "5", "5", "a", "b"]),
        ("ﬁne Ｆｕｌｌ Ⅻ x² ① № ſo", ["fine", "full", "xii", "x2", "1", "no", "so"]),
        ("STRASSE Straße ΟΔΟΣ οδος", ["strasse", "strasse", "οδοσ", "οδοσ"]),
        ("caf\u00e9 cafe\u0301 CAFÉ", ["cafe\u0301"] * 3),
        ("Foo™ Foo® Foo", ["foo"] * 3),
        ("z\u200be\u2060r\ufeffo me\ufe0f\u200dn م\u0640ن", ["zero", "men", "من"]),
        ("漢字x漢 ভাষা২৩", ["漢", "字", "x", "漢", "ভাষা২৩"]),
        ("カﾞガー", ["カ\u3099", "カ\u3099", "ー"]),
        ("ภาษา ㍿", [*"ภาษา株式会社"]),
        ("ที่ น้ำ བོད་", ["ที่", "น้\u0e4d", "า", "བོ", "ད"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("😀 👍🏽 1️⃣ — … $ ^ \x00 ``", ["1"]),
        ("İstanbul ISTANBUL ıstanbul", ["i\u0307stanbul", "istanbul", "istanbul"]),
    ],
)  # fmt: skip
def test_the_definition(text, expected):
    assert words(text) == expected
    assert [h for h, _, _ in filled(text.encode())[0]] == [twins.word_hash(word) for word in expected]


def test_spans_are_of_the_text_given():
    text = "“Don’t”, ﬁne ㍿. cap-\ntain…"
    data = text.encode()
    spans = [data[start:stop].decode() for _, start, stop in filled(data)[0]]
    assert spans == ["Don’t", "ﬁne", *["㍿"] * 4, "cap-\ntain"]


def test_case_and_composition_do_not_count():
    """Of every character that Python's Unicode and ours know; but conjoining Hangul, which `clean` composes."""
    for char in map(chr, CODES):
        if unicodedata.ucd_3_2_0.category(char) in ("Cn", "Co") or "가" <= char <= "힣" or "㐀" < char < "鿿":
            continue
        expected = words(f"a{char}b")
        assert words(f"A{char.upper()}B") == expected, ascii(char)
        assert words(unicodedata.normalize("NFD", f"a{char}b")) == expected, ascii(char)


def test_no_code_point_makes_more_words_than_the_kernel_has_room_for():
    most = max(len(words("a" + chr(code) + "a")) for code in CODES if comparison.fold(chr(code))[1:])
    assert most <= MOST_WORDS


def test_letters_of_scripts_without_spaces_are_those_that_lines_break_at():
    """UAX #14's classes ID and SA, by another table, of letters that are not folded (full-width Latin, lone Hangul)."""
    regex = pytest.importorskip("regex")
    letters = regex.findall(r"(?=\p{L})[\p{Line_Break=ID}\p{Line_Break=SA}]", "".join(map(chr, CODES)))
    folded = {char: comparison.fold(char) for char in letters if unicodedata.ucd_3_2_0.category(char) != "Cn"}
    own = {char: parts[0][1] for char, parts in folded.items() if [into for into, _ in parts] == [char]}
    assert len(own) > 70_000
    assert [char for char, kind in own.items() if kind != "A"] == ["\u3164", "\uffa0"]  # Hangul fillers: invisible


def test_the_table_is_of_java():
    if shutil.which("java") is None:
        pytest.skip("no Java here")
    version = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    if '"17.' not in version and '"17"' not in version:
        pytest.skip(f"folds.py holds Java 17's Unicode, and this is {version.splitlines()[0]}")
    run = subprocess.run(["java", "CodePoints.java"], cwd=HERE, capture_output=True, text=True)
    if "compiler" in run.stderr and run.returncode:
        pytest.skip("a Java without its compiler (a JRE)")
    assert run.returncode == 0, run.stderr
    values, several = folds.unpack()
    expected = make_tables.folds(run.stdout.splitlines())
    assert (values.tolist(), several.tolist()) == expected
