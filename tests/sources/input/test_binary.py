"""What is no text, told by its first bytes; what is text in any encoding, left alone."""

import io
import pickle
import sqlite3
import sys
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.sources.input.binary import binary_kind, looks_binary
from tasks.sources.parts import Part
from tasks.sources.reading import Reading
from tasks.sources.rejects import Reject
from tasks.sources.rows.jsonl import jsonl
from tasks.sources.tally import Tally
from tasks.sources.text import whole


def tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"), io.BytesIO())
    return data.getvalue()


def zipped() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.txt", "text")
    return data.getvalue()


def array() -> bytes:
    data = io.BytesIO()
    np.save(data, np.arange(5))
    return data.getvalue()


def database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (x)")
    return connection.serialize()


def program() -> bytes:
    with open(sys.executable, "rb") as file:  # noqa: PTH123 (the interpreter itself)
        return file.read(5000)


MADE = {
    "a tar archive": tar,
    "a zip archive": zipped,
    "a NumPy array": array,
    "an SQLite database": database,
    "an ELF program": program,
    "a pickle": lambda: pickle.dumps({"a": [1, 2]}),
    "a PDF file": lambda: b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj",
    "a gettext catalogue": lambda: b"\xde\x12\x04\x95" + bytes(24),
    "a PNG image": lambda: b"\x89PNG\r\n\x1a\n",
    "a JPEG image": lambda: b"\xff\xd8\xff\xe0\0\x10JFIF",
    "an Office document": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "binary data": lambda: bytes((number * 7919 >> 3) % 256 for number in range(3000)),
}


@pytest.mark.parametrize("kind", MADE)
def test_binaries_named_txt_are_no_documents(kind, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(MADE[kind]())
    reject = whole(path, "a.txt")
    assert isinstance(reject, Reject)
    assert (reject.reason, reject.length) == ("format", path.stat().st_size)
    assert reject.detail.startswith(f"the file is no text but {kind}")
    tally = Tally()
    (reject,) = jsonl(path, Part("a.jsonl", path.stat().st_size), Reading("s"), tally)
    assert isinstance(reject, Reject)
    assert (reject.reason, reject.length) == ("format", path.stat().st_size)
    assert tally.counts["bytes_damaged"] == path.stat().st_size
    assert reject.detail.startswith(f"the file is no JSONL but {kind}")


WORDS = {
    "en": "It was the best of times, it was the worst of times. ",
    "ru": "Все счастливые семьи похожи друг на друга. ",
    "el": "Μήνιν άειδε, θεά, Πηληϊάδεω Αχιλήος. ",
    "ja": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    "zh": "道可道，非常道。名可名，非常名。無名天地之始；有名萬物之母。",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. ",
    "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है। ",
}
CHARSETS = [
    *((text, charset) for text in WORDS for charset in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32-le")),
    ("ru", "koi8-r"),
    ("ru", "cp1251"),
    ("el", "iso-8859-7"),
    ("ja", "shift-jis"),
    ("ja", "euc-jp"),
    ("ja", "iso2022-jp"),
    ("zh", "gb18030"),
    ("zh", "big5"),
    ("zh", "hz"),
    ("ko", "euc-kr"),
    ("ko", "iso2022-kr"),
]


@pytest.mark.parametrize(("language", "charset"), CHARSETS)
def test_text_is_text_in_any_encoding(language, charset):
    if charset in ("big5", "hz"):
        data = "道可道".encode(charset) * 200
    else:
        data = (WORDS[language] * 40).encode(charset)
    assert binary_kind(data) is None


@pytest.mark.parametrize(
    "text",
    ["BM is a company.", "MZ", "ID3 tags", "PK", "GIF files", "ustar", "%PDX", "Rar!", "OTTO was here", "FWS", ""],
)
def test_books_that_begin_as_magic_numbers_do(text):
    assert binary_kind(text.encode()) is None
    assert binary_kind((text + WORDS["en"] * 100).encode()) is None


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(blacklist_categories=("Cc", "Cs"))), st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_no_printable_text_is_binary(text, charset):
    assert binary_kind(text.encode(charset)) is None
    assert not looks_binary(text.encode())
