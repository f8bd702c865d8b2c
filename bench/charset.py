"""Character sets: how often each way reads a page rightly, over true, lying and absent labels, and how fast.

    python bench/charset.py [--data ../shared/data] [--choose]

A case is a page of real text (the Universal Declaration of Human Rights in the encoding's languages; a body of 100,
300, 2000 or 8000 bytes in paragraphs, with tags, title and menu) in one encoding, under an HTTP header and a `<meta>`
that each are true, absent, or a lie of one of three sorts: another single-byte set, UTF-8 (for UTF-8: windows-1251),
another multi-byte set; and with a byte order mark too where the encoding has one. It is right if the body's text
comes out, every character. The first table is issue 11's (12 encodings), the second adds 16 more.

The numbers in tasks/sources/page/charset.py (what a label adds, DOUBT) were chosen with --choose (and bodies of 40
bytes), which reads the first half of each declaration, and of the languages of an encoding those at even places;
without it, the second halves of all languages are read. What counts as odd (ODD there) was found on the real pages
and on this table's faults, so that on the real pages nothing was held out.

Ways: ours; the order of browsers (mark > header > meta > windows-1252); resiliparse's detect_encoding with
from_html_meta; chardet's and charset-normalizer's detection alone. Then the real pages of crawl-pages/ and
crawl/*.wet.gz that are UTF-8, written anew in windows-1252 (or windows-1251 and KOI8-R) under four headers, and
rejects: random bytes and binaries that must be refused, and every text below --data, none of which may be. Prints
tables; writes bench/results/charset.json.
"""

import argparse
import gzip
import io
import json
import lzma
import os
import random
import sqlite3
import sys
import tarfile
import time
import unicodedata
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tasks.sources.page.charset import decode  # noqa: E402
from tasks.sources.rejects import Bad  # noqa: E402

# Encoding -> its languages (files of udhr2.zip), and the lies told about it: single-byte, UTF-8, multi-byte.
TWELVE = {
    "utf-8": ("fra rus jpn ell_monotonic arb vie", "iso-8859-1 windows-1251 shift_jis"),
    "utf-16-le": ("fra rus jpn kor", "iso-8859-1 utf-8 euc-kr"),
    "utf-16-be": ("deu ukr cmn_hans tha", "windows-1251 utf-8 gb2312"),
    "windows-1252": ("fra deu spa por_PT swe ita fin dan nld isl", "windows-1250 utf-8 big5"),
    "windows-1250": ("pol ces hun slk hrv slv als", "iso-8859-1 utf-8 euc-kr"),
    "windows-1251": ("rus ukr bul bel srp_cyrl mkd", "iso-8859-1 utf-8 gb2312"),
    "koi8-r": ("rus", "windows-1251 utf-8 euc-jp"),
    "shift_jis": ("jpn", "iso-8859-1 utf-8 euc-jp"),
    "euc-jp": ("jpn", "iso-8859-1 utf-8 shift_jis"),
    "gb18030": ("cmn_hans", "iso-8859-1 utf-8 big5"),
    "big5": ("cmn_hant", "iso-8859-1 utf-8 gb2312"),
    "euc-kr": ("kor", "iso-8859-1 utf-8 gb2312"),
}
MORE = {
    "windows-1253": ("ell_monotonic", "iso-8859-1 utf-8 gb2312"),
    "windows-1254": ("tur", "iso-8859-1 utf-8 shift_jis"),
    "windows-1255": ("heb", "iso-8859-1 utf-8 gb2312"),
    "windows-1256": ("arb pes_1", "iso-8859-1 utf-8 euc-kr"),
    "windows-1257": ("lit lav est", "iso-8859-1 utf-8 gb2312"),
    "windows-1258": ("vie", "iso-8859-1 utf-8 gb2312"),
    "windows-874": ("tha", "iso-8859-1 utf-8 big5"),
    "iso-8859-2": ("pol ces hun slk hrv", "windows-1250 utf-8 euc-kr"),
    "iso-8859-5": ("rus bul", "windows-1251 utf-8 gb2312"),
    "iso-8859-6": ("arb", "windows-1256 utf-8 gb2312"),
    "iso-8859-7": ("ell_monotonic", "iso-8859-1 utf-8 gb2312"),
    "iso-8859-8": ("heb", "iso-8859-1 utf-8 gb2312"),
    "koi8-u": ("ukr", "windows-1251 utf-8 gb2312"),
    "cp866": ("rus", "windows-1251 utf-8 gb2312"),
    "iso-2022-jp": ("jpn", "iso-8859-1 utf-8 shift_jis"),
    "iso-2022-kr": ("kor", "iso-8859-1 utf-8 euc-kr"),
    "hz": ("cmn_hans", "iso-8859-1 utf-8 gb2312"),
    "utf-32-le": ("fra jpn", "iso-8859-1 utf-8 gb2312"),
}
MARKED = {"utf-8": "utf-8-sig", "utf-16-le": "utf-16", "utf-16-be": "utf-16", "utf-32-le": "utf-32"}
PYTHON = {"windows-874": "cp874", "shift_jis": "cp932", "euc-kr": "cp949", "big5": "big5hkscs"}  # as browsers read them
PAGE = (
    '<!DOCTYPE html>\n<html>\n<head>\n{meta}<title>{title}</title>\n<link rel="stylesheet" href="/style.css">\n'
    '<script>var a = {{"id": 1}};</script>\n</head>\n<body>\n<div class="menu"><a href="/">Home</a>'
    '<a href="/2">{title}</a></div>\n<p>{text}</p>\n<p class="end">&copy; 2009 example.org</p>\n</body>\n</html>\n'
)


class Case(NamedTuple):
    encoding: str
    language: str
    mark: bool
    header: str | None
    meta: str | None
    labels: str  # "true", "none" or the sort of lie: of header, of meta
    body: bytes
    text: str


def declaration(archive: zipfile.ZipFile, language: str) -> str:
    text = archive.read(f"udhr2/{language}.txt").decode()
    return unicodedata.normalize("NFC", " ".join(text.split("\n", 2)[2].split()))


def typed(text: str, encoding: str) -> str:
    """The text as the encoding's users type it: Vietnamese tones apart, Romanian cedillas; what is left is dropped."""
    if encoding == "windows-1258":
        letters = []
        for letter in text:
            parts = unicodedata.normalize("NFD", letter)
            tone = [part for part in parts[1:] if part in "\u0300\u0301\u0303\u0309\u0323"]
            rest = unicodedata.normalize("NFC", "".join(part for part in parts if part not in tone))
            letters.append(rest + "".join(tone))
        text = "".join(letters)
    return " ".join(text.encode(codec(encoding), "ignore").decode(codec(encoding)).split())


def codec(encoding: str) -> str:
    return PYTHON.get(encoding, encoding)


def cut(text: str, encoding: str, size: int) -> str:
    """The text's beginning that takes so many bytes."""
    share = len(text) / len(text.encode(codec(encoding)))
    return text[: max(10, int(size * share))].strip()


def cases(archive: zipfile.ZipFile, table: dict[str, tuple[str, str]], size: int, choose: bool) -> Iterator[Case]:
    """Every header with every meta, for each language of each encoding."""
    for encoding, (languages, lies) in table.items():
        names = languages.split()
        for number, language in enumerate(names[::2] if choose else names):
            whole = typed(declaration(archive, language), encoding)
            half = whole[: len(whole) // 2] if choose else whole[len(whole) // 2 :]
            start = half.find(" ", (number * 997) % max(1, len(half) // 3)) + 1  # not the same words in every case
            text = cut(half[start:], encoding, size)
            claims = [("true", encoding), ("none", None), *zip(("single", "utf-8", "multi"), lies.split(), strict=True)]
            for mark in (False, True) if encoding in MARKED else (False,):
                for sort_header, header in claims:
                    for sort_meta, meta in claims:
                        declared = f'<meta http-equiv="Content-Type" content="text/html; charset={meta}">\n'
                        page = PAGE.format(meta=declared if meta else "", title=text[:20], text=text)
                        body = page.encode(MARKED[encoding] if mark else codec(encoding))
                        yield Case(encoding, language, mark, header, meta, f"{sort_header}/{sort_meta}", body, text)


def ours(case: Case) -> str:
    return decode(case.body, case.header, True)


def browser(case: Case) -> str:
    """Mark, header, meta, windows-1252."""
    from tasks.sources.page.charset import MARKS, _codec, _declared

    for mark, name in MARKS:
        if case.body.startswith(mark):
            return case.body.decode(name, "replace")
    return case.body.decode(_codec(case.header) or _codec(_declared(case.body)) or "cp1252", "replace")


def resiliparse(case: Case) -> str:
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    return bytes_to_str(case.body, detect_encoding(case.body, from_html_meta=True) or "utf-8")


def chardet(case: Case) -> str:
    from chardet import detect

    return case.body.decode(detect(case.body, prefer_superset=True)["encoding"] or "cp1252", "replace")


def charset_normalizer(case: Case) -> str:
    from charset_normalizer import from_bytes

    return str(from_bytes(case.body).best() or "")


WAYS: dict[str, Callable[[Case], str]] = {
    "ours": ours,
    "browser": browser,
    "resiliparse": resiliparse,
    "chardet": chardet,
    "charset-normalizer": charset_normalizer,
}


def right(way: Callable[[Case], str], case: Case) -> bool:
    try:
        found = way(case)
    except (Bad, LookupError, ValueError):
        return False
    return case.text in found or case.text in found.replace("\u3000", " ")


def measure(made: list[Case], ways: dict[str, Callable[[Case], str]]) -> tuple[dict[str, list[Case]], dict[str, float]]:
    """The cases that each way reads wrongly, and its CPU microseconds a page."""
    wrong: dict[str, list[Case]] = {name: [] for name in ways}
    spent: dict[str, float] = {}
    for name, way in ways.items():
        start = time.process_time()
        wrong[name] = [case for case in made if not right(way, case)]
        spent[name] = (time.process_time() - start) / len(made) * 1e6
    return wrong, spent


def binaries() -> dict[str, bytes]:
    """Bytes that are no text, by kind; some are pieces of what this machine has."""
    draw = random.Random(11)
    noise = {f"random {size}": draw.randbytes(size) for size in (64, 1000, 100_000)}
    words = " ".join(draw.choice(["alpha", "beta", "gamma", "delta"]) for _ in range(20_000)).encode()
    made = {**noise, "deflate": zlib.compress(words), "gzip": gzip.compress(words, mtime=0), "xz": lzma.compress(words)}
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name in ("a.txt", "b.txt"):
                entry = tarfile.TarInfo(name)
                entry.size = len(words)
                tar.addfile(entry, io.BytesIO(words))
        made["tar of text"] = buffer.getvalue()
    base = sqlite3.connect(":memory:")
    base.execute("create table t (a text)")
    base.executemany("insert into t values (?)", [(f"a row of text, number {row}",) for row in range(2000)])
    made["sqlite"] = base.serialize()
    made["elf"] = Path(sys.executable).resolve().read_bytes()[:200_000]
    catalogue = next(iter(sorted(Path(sys.prefix).rglob("*.mo"))), None)
    if catalogue:
        made[f"catalogue {catalogue.name}"] = catalogue.read_bytes()
    picture = next(iter(sorted(Path(sys.prefix).rglob("*.png"))), None)
    if picture:
        made["png"], made["png without its head"] = picture.read_bytes(), picture.read_bytes()[64:]
    return made


def texts(data: Path) -> Iterator[tuple[str, bytes]]:
    """Every text file below a folder, unpacked, and the lines of the books as bytes of a file."""
    for path in sorted(data.rglob("*")):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.endswith(".txt"):
                        yield f"{path.name}/{name}", archive.read(name)
        elif path.name.endswith((".txt", ".csv", ".tsv", ".md", ".jsonl", ".json")):
            yield path.name, path.read_bytes()
        elif path.name.endswith((".txt.gz", ".csv.gz", ".tsv.gz", ".jsonl.gz", ".json.gz")):
            yield path.name, gzip.decompress(path.read_bytes())


def transcoded(data: Path, ways: dict[str, Callable[[Case], str]]) -> dict[str, object]:
    """Real pages in UTF-8, written anew in their language's old encoding; their own `<meta>` (mostly utf-8) stays."""
    from conf.sources import Limits
    from tasks.sources.archive.responses import page
    from tasks.sources.archive.warc import records
    from tasks.sources.rejects import Reject

    limits = Limits()
    made = []
    for path in sorted([*data.glob("crawl-pages/*.warc.gz"), *data.glob("crawl/*.wet.gz")]):
        for record in records(path, path.name, limits.payload, limits.header):
            try:
                found = None if isinstance(record, Reject) else page(record, limits.payload)
                text = found.body.decode() if found else ""
            except (Bad, UnicodeDecodeError):
                continue
            cyrillic = sum("а" <= letter <= "я" for letter in text[:20_000]) > 500
            for encoding in ("windows-1251", "koi8-r") if cyrillic else ("windows-1252",):
                body = text.encode(encoding, "xmlcharrefreplace")
                if body.isascii():
                    continue
                for sort, header in (("true", encoding), ("none", None), ("utf-8", "utf-8"), ("multi", "gb2312")):
                    made.append(Case(encoding, "", False, header, None, sort, body, body.decode(encoding)))
    wrong, spent = measure(made, ways)
    print(f"\n{len(made)} cases of real pages, written anew")
    for name in ways:
        which = dict(Counter(f"{case.encoding} {case.labels}" for case in wrong[name]))
        print(f"  {name:<20} {len(wrong[name]):5} wrong   {spent[name]:8.0f} us   {which}")
    return {"cases": len(made), **{name: len(wrong[name]) for name in ways}}


def rejects(data: Path) -> dict[str, list[str]]:
    missed, false, total = [], [], 0
    for name, body in binaries().items():
        try:
            decode(body, None, False)
            missed.append(name)
        except Bad:
            pass
    for name, body in texts(data):
        total += 1
        try:
            decode(body, None, False)
        except Bad as bad:
            false.append(f"{name}: {bad.detail}")
    print(f"binaries: {len(binaries())}, taken for text: {missed}")
    print(f"texts: {total}, refused: {false}")
    return {"missed": missed, "false": false}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--ways", default=",".join(WAYS))
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
    ways = {name: WAYS[name] for name in arguments.ways.split(",")}
    archive = zipfile.ZipFile(arguments.data / "text-good" / "nltk" / "udhr2.zip")
    results: dict[str, object] = {}
    for title, table in (("12 encodings", TWELVE), ("18 more encodings", MORE)):
        for size in (100, 300, 2000, 8000):
            made = list(cases(archive, table, size, arguments.choose))
            wrong, spent = measure(made, ways)
            print(f"\n{title}, {size} bytes of text: {len(made)} cases; wrong of 328, and microseconds a page")
            row: dict[str, object] = {"cases": len(made)}
            for name in ways:
                per = len(wrong[name]) / len(made) * 328
                print(f"  {name:<20} {len(wrong[name]):5} = {per:6.1f} of 328   {spent[name]:8.0f} us")
                row[name] = {"wrong": len(wrong[name]), "of_328": round(per, 1), "microseconds": round(spent[name])}
            which: dict[str, Counter[str]] = defaultdict(Counter)
            for case in wrong.get("ours", []):
                which[f"{case.encoding} {case.language}{' with mark' * case.mark}"][case.labels] += 1
            for name, labels in sorted(which.items()):
                print(f"    ours, wrong: {name}: {sum(labels.values())} of 25 ({dict(labels)})")
            row["ours_wrong"] = {name: dict(labels) for name, labels in sorted(which.items())}
            results[f"{title}, {size}"] = row
    if arguments.choose:
        return
    results["real pages"] = transcoded(arguments.data, ways)
    results["rejects"] = rejects(arguments.data)
    results["versions"] = {name: version(name) for name in ("chardet", "resiliparse", "charset-normalizer")}
    path = ROOT / "bench" / "results" / "charset.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
