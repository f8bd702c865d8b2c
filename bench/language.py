"""Languages: how often each way names a text's language rightly, by length, and how many texts a second on one core.

    python bench/language.py [--data ../shared/data] [--texts 30]

Texts: pieces of 50, 150 and 2,048 characters from the second half of the Universal Declaration of Human Rights (the
library was chosen, and our reading of it tried, on the first half), as they are, in capitals, and with digits and an
address thrown in; 30 a declaration and length. Declarations: the 103 of UDHR's (99 languages) whose language pycld2 and
py3langid both name by themselves, so that the set is nobody's own. `groups` counts Bosnian, Croatian and Serbian in
Latin letters as one language, and Indonesian and Malay as one: their declarations differ in a word here and there.
`others` are 11 declarations that py3langid's model does not know, told for what they are called instead.

Speed: CPU seconds of one core on the same texts, and on the documents of the crawl pages below --data, as long as they
are on the web. Ways: ours; resiliparse's detect_fast (what Millrace used before); pycld2; py3langid itself.
Peers that are not installed are left out (pip install pycld2). Prints tables; writes bench/results/language.json.
"""

import argparse
import json
import os
import sys
import time
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tasks.sources.texts.language import MACRO, Language, language  # noqa: E402

# Language -> its files in udhr2.zip.
DECLARATIONS = (
    "af:afr am:amh ar:arb az:azj_latn be:bel bg:bul bn:ben br:bre bs:bos_latn ca:cat cs:ces cy:cym da:dan de:deu "
    "el:ell_monotonic en:eng eo:epo es:spa et:est eu:eus fa:pes_1 fi:fin fo:fao fr:fra fy:fri ga:gle gd:gla "
    "gl:glg gu:guj ha:hau_NG he:heb hi:hin hr:hrv ht:hat_popular hu:hun hy:hye id:ind ig:ibo is:isl it:ita "
    "ja:jpn jv:jav ka:kat kk:kaz km:khm kn:kan ko:kor ky:kir la:lat lb:ltz lg:lug ln:lin lo:lao lt:lit lv:lav "
    "mg:plt mk:mkd ml:mal mn:khk mr:mar ms:mly_latn mt:mlt my:mya ne:nep nl:nld nn:nno no:nob pa:pan pl:pol "
    "pt:por_PT pt:por_BR ro:ron ru:rus rw:kin sa:san sk:slk sl:slv sn:sna so:som sq:als sr:srp_cyrl sr:srp_latn "
    "st:sot sv:swe sw:swh ta:tam tg:tgk th:tha tk:tuk_latn tl:tgl tr:tur tt:tat ug:uig_arab uk:ukr ur:urd "
    "uz:uzn_latn uz:uzn_cyrl vi:vie xh:xho yo:yor zh:cmn_hans zh:cmn_hant zu:zul"
)
OTHERS = "mi:mri ny:nya_chechewa os:oss rm:roh sm:smo su:sun ti:tir tn:tsn to:ton wo:wol yi:ydd"
GROUPS = {"bs": "hr", "sr": "hr", "ms": "id"}  # Serbian in Cyrillic is told apart by its file
NAMES = {"iw": "he", "jw": "jv", "nb": "no", "fil": "tl", "zh-Hant": "zh", "sr-ME": "sr", "ps-AF": "ps"}  # pycld2's
LENGTHS = (50, 150, 2048)


def pieces(archive: zipfile.ZipFile, name: str, length: int, count: int) -> list[str]:
    """Pieces of the declaration's second half, each from a word's beginning."""
    text = archive.read(f"udhr2/{name}.txt").decode().split("\n", 2)[2]
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    text = text[len(text) // 2 :]
    step = max(1, (len(text) - length) // count)
    made = []
    for at in range(0, step * count, step):
        space = text.find(" ", at, at + 20)
        made.append(text[space + 1 if space >= 0 else at :][:length])
    return made


def noisy(text: str) -> str:
    """With digits and addresses between, a third of it."""
    words = text.split(" ")
    return " ".join(
        [
            *words[: len(words) // 2],
            "2019-03-14 10:45",
            "https://www.example.com/en/index.html?p=3",
            *words[len(words) // 2 :],
        ]
    )


def ours(text: str) -> Language:
    return language(text.encode(), len(text))


def ways() -> dict[str, Callable[[str], str | None]]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier
    from resiliparse.parse.lang import detect_fast

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)

    def langid(text: str) -> str | None:
        code = identifier.classify(text)[0]
        return MACRO.get(code, code)

    made: dict[str, Callable[[str], str | None]] = {
        "ours": lambda text: ours(text).code,
        "resiliparse": lambda text: detect_fast(text[:2048])[0],
        "py3langid": langid,
    }
    try:
        import pycld2
    except ImportError:
        return made

    def cld2(text: str) -> str | None:
        code = pycld2.detect(text.encode(), isPlainText=True, bestEffort=True)[2][0][1]
        return NAMES.get(code, code)

    return {**made, "pycld2": cld2}


def grouped(code: str | None, name: str) -> str | None:
    return GROUPS.get(code, code) if code and name != "srp_cyrl" else code


def timed(way: Callable[[str], str | None], texts: list[str]) -> tuple[list[str | None], float]:
    """Answers, and texts a second of CPU."""
    start = time.process_time()
    found = [way(text) for text in texts]
    return found, len(texts) / (time.process_time() - start)


def documents(data: Path) -> list[str]:
    from tasks.sources.documents import Document
    from tasks.sources.documents import documents as read
    from tasks.sources.parts import Part
    from tasks.sources.reading import Reading
    from tasks.sources.tally import Tally

    found = []
    for path in sorted(
        [*data.glob("crawl/*.warc.gz"), *data.glob("crawl/*.wet.gz"), *data.glob("crawl-pages/*.warc.gz")]
    ):
        for item in read(path, Part(str(path), path.stat().st_size), "warc", Reading("bench"), Tally()):
            if isinstance(item, Document):
                found.append(item.text)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--texts", type=int, default=30)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
    archive = zipfile.ZipFile(arguments.data / "text-good" / "nltk" / "udhr2.zip")
    made = ways()
    for way in made.values():
        way("Libraries load, and kernels are compiled.")
    results: dict[str, object] = {}
    pairs = [tuple(pair.split(":")) for pair in DECLARATIONS.split()]
    print(f"{len(pairs)} declarations, {len({code for code, _ in pairs})} languages, {arguments.texts} texts each")
    for form, change in (("as it is", str), ("capitals", str.upper), ("noisy", noisy)):
        for length in LENGTHS:
            cases = [
                (code, name, change(text))
                for code, name in pairs
                for text in pieces(archive, name, length, arguments.texts)
            ]
            for way, function in made.items():
                found, speed = timed(function, [text for _, _, text in cases])
                wrong = Counter((name, got) for (code, name, _), got in zip(cases, found, strict=True) if got != code)
                apart = sum(
                    grouped(got, name) != grouped(code, name) for (code, name, _), got in zip(cases, found, strict=True)
                )
                right, groups = 1 - wrong.total() / len(cases), 1 - apart / len(cases)
                most = " ".join(f"{name}:{got}x{count}" for (name, got), count in wrong.most_common(5))
                print(f"{form:<9} {length:5} {way:<12} {right:.4f} groups {groups:.4f} {speed:9,.0f}/s  {most}")
                results[f"{form}, {length}, {way}"] = {
                    "right": round(right, 4),
                    "groups": round(groups, 4),
                    "per_second": round(speed),
                }
    called = {}
    for code, name in (tuple(pair.split(":")) for pair in OTHERS.split()):
        answers = [ours(text) for text in pieces(archive, name, 2048, 10)]
        called[code] = Counter(f"{answer.code} {answer.score:.2f}" for answer in answers).most_common(1)[0][0]
    print(f"others: {called}")
    real = documents(arguments.data)
    lengths = sorted(map(len, real))
    print(f"{len(real)} documents of the crawls, median {lengths[len(lengths) // 2]} characters")
    for way, function in made.items():
        found, speed = timed(function, real)
        agree = sum(a == b.code for a, b in zip(found, map(ours, real), strict=True)) / len(real)
        print(f"  {way:<12} {speed:9,.0f}/s   agrees with ours on {agree:.3f}")
        results[f"documents, {way}"] = {"per_second": round(speed), "agrees": round(agree, 3)}
    results["others"] = called
    for name in ("py3langid", "resiliparse", "pycld2", "numba"):
        try:
            results[f"version {name}"] = version(name)
        except PackageNotFoundError:
            print(f"{name} is not installed")
    path = ROOT / "bench" / "results" / "language.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
