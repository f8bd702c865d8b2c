"""The demo's input: the same bytes every time, and true about what was planted in it (small variant)."""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from corpora import harm
from fastwarc.warc import ArchiveIterator, WarcRecordType
from resiliparse.extract.html2text import extract_plain_text

from tasks.demo import library
from tasks.demo.leaks import FORMS, SYNONYMS, paraphrased
from tasks.demo.library import Unit, blocks, prose
from tasks.demo.pages import page_of, shortened, substituted, words
from tasks.demo.sample import Sampled, installed, make_sample, sample
from tasks.demo.sources import LEAST_BOOKS
from tasks.runtime.artifact import counted
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure
from tasks.runtime.run import Run

ROOT = Path(__file__).resolve().parents[2]
Made = tuple[Path, Sampled, dict[str, Any]]


def in_order(function, tasks):
    return [function(task) for task in tasks]


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and counted(path.relative_to(folder).as_posix())
    }


def pieces(folder: Path, planted: dict[str, Any]) -> list[tuple[str, bytes]]:
    """The files of the crawl, cut around what is damaged."""
    listed = []
    for path in sorted((folder / "crawl").iterdir()):
        data, at = path.read_bytes(), 0
        for row in sorted((row for row in planted["damaged"] if row["file"] == f"crawl/{path.name}"), key=by_offset):
            listed.append((path.name, data[at : row["offset"]]))
            at = row["offset"] + row["length"]
        listed.append((path.name, data[at:]))
    return listed


def by_offset(row: dict[str, Any]) -> int:
    return row["offset"]


@pytest.fixture(scope="session")
def responses(made: Made) -> dict[str, tuple[int, str, str]]:
    """URL -> status, content type, extracted text, of every record outside of the damages."""
    folder, _, planted = made
    found: dict[str, tuple[int, str, str]] = {}
    for _, data in pieces(folder, planted):
        if not data:
            continue
        for record in ArchiveIterator(io.BytesIO(data), record_types=WarcRecordType.response):
            assert record.http_headers.status_code is not None
            body, kind = record.reader.read(), record.http_content_type or ""
            text = ""
            if kind == "text/html":
                text = extract_plain_text(body.decode(record.http_charset or "utf-8"), main_content=True)
            url = record.headers["WARC-Target-URI"]
            assert url not in found, "a URL stands twice"
            found[url] = (record.http_headers.status_code, kind, text)
    return found


def shingles(text: str) -> set[tuple[str, ...]]:
    split = text.lower().split()
    return set(zip(*(split[i:] for i in range(5)), strict=False))


def better_texts(folder: Path) -> dict[str, str]:
    """Every text outside of the crawl, by the name that planted.json gives its place."""
    texts = {}
    for name, key in (("webtext", "url"), ("wikipedia", "title")):
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            texts.update({f"{row[key]}": row["text"] for row in map(json.loads, file)})
    for shelf in ("books1", "books2"):
        for path in (folder / shelf).iterdir():
            for chapter in path.read_text(encoding="utf-8").split("\n\n\n"):
                texts[f"{shelf}/{path.name}#{chapter.partition(chr(10))[0]}"] = chapter
    return texts


@pytest.mark.parametrize("hash_seed", ["1", "77"])
def test_the_same_bytes_in_another_process(made: Made, tmp_path, hash_seed):
    code = (
        "import sys; from pathlib import Path; from tasks.demo.sample import make_sample;"
        "make_sample(Path(sys.argv[1]), megabytes=2, seed=1, map=lambda f, xs: [f(x) for x in xs])"
    )
    around = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT), "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=around, cwd=tmp_path)
    assert hashes(tmp_path) == hashes(made[0])


def test_the_stage_gives_the_same_bytes_on_a_pool(made: Made, tmp_path):
    engine = LocalEngine(3)
    try:
        artifact = Run(tmp_path, engine)(sample, "demo", megabytes=2, seed=1, machine=installed())
    finally:
        engine.close()
    assert hashes(artifact.folder) == hashes(made[0])
    assert artifact.counts(Sampled) == made[1]
    assert harm(artifact) == []


def test_another_seed_makes_another_sample(made: Made, tmp_path):
    make_sample(tmp_path, megabytes=2, seed=2, map=in_order)
    mine, other = hashes(made[0]), hashes(tmp_path)
    assert not {name for name in mine if mine[name] == other.get(name)}


def test_every_kind_is_there_and_most_is_junk(made: Made, responses):
    _, statistics, planted = made
    counts: Counter[str] = Counter()
    for url in responses:
        path = url.split("/", 3)[3]
        first, second = path.split("/")[:2]
        counts["good" if first == "good" else second if first == "junk" else f"{first}/{second}"] += 1
    assert dict(counts) == planted["pages"]
    good = sum(any(mark in url for mark in planted["marks"]["good"]) for url in responses)
    junk = sum(planted["marks"]["junk"][0] in url for url in responses)
    assert (good, good + junk) == (planted["good_pages"], len(responses))
    assert junk == planted["junk_pages"] > 0.8 * (good + junk)
    assert {status for status, _, _ in responses.values()} == {200, 404, 500}
    assert {"image/jpeg", "application/pdf", "application/json", "text/plain"} < {k for _, k, _ in responses.values()}
    assert statistics.documentation.failed == ()


def test_each_response_has_its_request_and_metadata(made: Made):
    kinds: Counter[int] = Counter()
    identifiers = []
    for _, data in pieces(made[0], made[2]):
        for record in ArchiveIterator(io.BytesIO(data), parse_http=False) if data else ():
            kinds[int(record.record_type)] += 1
            identifiers.append(record.record_id)
            if record.headers.get("WARC-Block-Digest"):
                assert record.verify_block_digest()
    html = kinds[int(WarcRecordType.request)]
    assert html == kinds[int(WarcRecordType.metadata)] > 300
    assert kinds[int(WarcRecordType.warcinfo)] == 8
    assert len(set(identifiers)) == len(identifiers)
    assert sum(kinds.values()) + len(made[2]["damaged"]) == made[1].records


def test_near_copies_have_the_jaccard_that_is_written_down(made: Made, responses):
    texts = better_texts(made[0])
    rows = made[2]["near_copies"]
    assert {row["kind"] for row in rows} == {"within", "across"} and {row["made"] for row in rows} == {
        "words",
        "shortened",
    }
    for row in rows:
        of = responses[row["of_url"]][2] if row["kind"] == "within" else texts[row["of_url"]]
        one, other = shingles(responses[row["url"]][2]), shingles(of)
        assert len(one & other) / len(one | other) == pytest.approx(row["jaccard"], abs=1e-6)
        assert 0.4 < row["jaccard"] < 1
    spread = sorted(row["jaccard"] for row in rows)
    assert spread[0] < 0.65 and spread[-1] > 0.9


def test_exact_copies_extract_to_the_same_text(made: Made, responses):
    for row in made[2]["exact_copies"]:
        assert responses[row["url"]][2] == responses[row["of_url"]][2]
        assert len(responses[row["url"]][2].split()) > 100


def test_good_pages_keep_their_text_and_lose_their_surroundings(made: Made, responses):
    pages = {url: text for url, (_, _, text) in responses.items() if "/good/" in url}
    assert min(len(text.split()) for text in pages.values()) >= 40
    for around in ("use cookies", "Copyright 2019 Site", "Accept all", "Recent posts"):
        assert not [url for url, text in pages.items() if around in text]


def test_nothing_else_in_the_sample_is_a_near_copy(made: Made, responses):
    """All pairs of good texts: those at 0.5 or more are the planted ones."""
    named = {url: shingles(text) for url, (_, _, text) in responses.items() if "/junk/" not in url}
    named |= {name: shingles(text) for name, text in better_texts(made[0]).items()}
    planted = {frozenset((row["url"], row["of_url"])) for row in made[2]["near_copies"] + made[2]["exact_copies"]}
    holders: dict[tuple[str, ...], list[str]] = {}
    for name, held in named.items():
        for shingle in held:
            holders.setdefault(shingle, []).append(name)
    shared: Counter[frozenset[str]] = Counter()
    for names in holders.values():
        if len(names) < 20:
            shared.update(frozenset((a, b)) for i, a in enumerate(names) for b in names[:i])
    found = set()
    for pair, common in shared.items():
        one, other = pair
        if common / (len(named[one]) + len(named[other]) - common) >= 0.5:
            found.add(pair)
    assert found <= planted


WINDOW = 13


def benchmark_words(text: str) -> list[str]:
    return "".join(ch for ch in text.lower() if ch.isalnum() or ch.isspace()).split()


def test_benchmark_text_stands_only_where_it_was_planted(made: Made, responses):
    folder, _, planted = made
    owners: dict[tuple[str, ...], tuple[str, int]] = {}
    checkable = 0
    for kind in ("cloze", "choice"):
        lines = (folder / "benchmarks" / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            row = json.loads(line)
            text = f"{row['context']} {row['continuation']}" if kind == "cloze" else row["query"]
            if kind == "choice":
                assert len(row["choices"]) == 4 and 0 <= row["gold"] < 4
            split = benchmark_words(text)
            checkable += len(split) >= WINDOW
            for i in range(len(split) - WINDOW + 1):
                gram = tuple(split[i : i + WINDOW])
                assert gram not in owners, "two items share a gram"
                owners[gram] = (kind, number)
    assert checkable >= 20
    starts = {gram[0] for gram in owners}
    texts = {url: text for url, (_, _, text) in responses.items()} | better_texts(folder)
    found = set()
    for place, text in texts.items():
        split = benchmark_words(text)
        for i, word in enumerate(split):
            if word in starts and tuple(split[i : i + WINDOW]) in owners:
                found.add((*owners[tuple(split[i : i + WINDOW])], place))
    wanted = {(row["benchmark"], row["line"], row["where"]): row["form"] for row in planted["leaks"]}
    assert found <= set(wanted)
    assert {place for place, form in wanted.items() if form in ("whole", "deep", "rewrapped")} <= found
    assert {(row["form"], row["source"]) for row in planted["leaks"]} == {
        *((form, "crawl") for form in FORMS), ("whole", "webtext"), ("whole", "books2"),
    }  # fmt: skip
    for row in planted["leaks"]:
        assert " ".join(row["said"].split()) in " ".join(texts[row["where"]].split())
        if row["form"] == "respaced":
            assert "".join(row["said"].split()) == "".join(row["text"].split()) and row["said"] != row["text"]
        elif row["form"] == "changed":
            pairs = zip(row["said"].split(), row["text"].split(), strict=True)
            assert sum(one != other for one, other in pairs) == 1
        elif row["form"] == "paraphrased":
            assert row["said"] == paraphrased(row["text"]) != row["text"]
        elif row["form"] != "rewrapped":
            assert row["said"] == row["text"]
        if row["form"] == "deep":
            text = " ".join(texts[row["where"]].split())  # pydoc's spaces do not break
            assert text.index(row["text"]) > 4000 and len(text.split()) > 2000
        elif row["form"] == "rewrapped":
            assert row["text"] not in texts[row["where"]]


def test_damages_are_damaged_and_the_rest_of_their_files_reads(made: Made, responses):
    folder, _, planted = made
    kinds = Counter(row["kind"] for row in planted["damaged"])
    assert set(kinds) == {"corrupt-member", "truncated", "warc-header", "endless-line", "http-header"}
    for row in planted["damaged"]:
        data = (folder / row["file"]).read_bytes()
        piece = data[row["offset"] : row["offset"] + row["length"]]
        assert row["url"] not in responses
        after = len(data) - row["offset"] - row["length"]
        assert after == 0 if row["kind"] == "truncated" else after > len(data) // 4
        if row["kind"] == "corrupt-member":
            with pytest.raises(zlib.error):
                zlib.decompress(piece, wbits=31)
        elif row["kind"] == "truncated":
            unpacker = zlib.decompressobj(wbits=31)
            assert unpacker.decompress(piece) and not unpacker.eof
        elif row["kind"] == "http-header":
            held = [record.reader.read() for record in ArchiveIterator(io.BytesIO(piece), parse_http=False)]
            assert len(held) == 1 and b"\r\n\r\n" not in held[0]
        else:
            with pytest.raises(OSError):
                list(ArchiveIterator(io.BytesIO(piece)))


def test_a_text_stands_in_one_source_only(made: Made, responses):
    names = Counter(place.rpartition("#")[2].rpartition("/")[2] for place in better_texts(made[0]))
    pages = {url.rpartition("/")[2].removesuffix(".html") for url in responses if "/good/" in url}
    assert max(names.values()) == 1
    assert not pages & set(names)


def test_a_small_sample_has_shorter_books_rather_than_one_that_validation_may_hold_out_whole(made: Made):
    for shelf in ("books1", "books2"):
        assert len(list((made[0] / shelf).iterdir())) >= LEAST_BOOKS // 2


def test_too_little_documentation_is_a_failure_with_a_sentence(tmp_path, monkeypatch):
    few, absent = library.groups()
    monkeypatch.setattr(library, "groups", lambda: (few[1:2], absent))
    monkeypatch.setattr(library, "distribution_texts", list)
    with pytest.raises(Failure, match="too few for the sample"):
        make_sample(tmp_path, megabytes=2, seed=1, map=in_order)


def test_a_file_that_does_not_parse_is_listed_and_the_others_are_read(tmp_path):
    long = " ".join(f"word{i}" for i in range(80))
    (tmp_path / "good.py").write_text(f'"""{long}"""\ndef f(a, b=2):\n    """{long} more"""\n')
    (tmp_path / "wrong.py").write_text('"""doc"""\ndef f(:\n    """doc"""\n')
    group = library.Group("pack", (str(tmp_path / "good.py"), str(tmp_path / "wrong.py")), str(tmp_path))
    units, failed = library.read_group(group)
    assert [(unit.name, unit.kind, unit.signature) for unit in units] == [
        ("pack.good.f", "function", "(a, b=2)"),
        ("pack.good", "module", ""),
    ]
    assert failed == [("pack/wrong", "SyntaxError")]


def test_documentation_added_by_calls_is_read():
    long = " ".join(f"word{i}" for i in range(70))
    source = (
        f'add_newdoc("numpy._core", "arange", """{long} one""")\n'
        f'add_newdoc("numpy._core", "ndarray", ("fill", """{long} two"""))\n'
        f'add_newdoc("erf", """{long} three""")\n'
        f'add_docstr(torch.pow, """{long} """ + """four""".format(x=1))\n'
        f'other("name", """{long} five""")\n'
    )
    units = list(library.parsed(source.encode(), "numpy.mod", "numpy"))
    assert [(unit.name, unit.text.split()[-1]) for unit in units] == [
        ("numpy._core.arange", "one"),
        ("numpy._core.ndarray.fill", "two"),
        ("numpy.mod.erf", "three"),
        ("numpy.mod.pow", "four"),
    ]


def test_documentation_becomes_blocks_and_prose():
    text = "Adds :func:`~a.b` to\n``c``.\n\nNotes\n-----\nIt is\nso.\n>>> add(1)\n2\n\nx : int\n    The first."
    unit = Unit("p.add", "function", "p", "(x)", text)
    assert blocks(unit) == [
        ("p", "Adds :func:`~a.b` to ``c``."),
        ("h", "Notes"),
        ("p", "It is so."),
        ("pre", ">>> add(1)\n2"),
        ("pre", "x : int\n    The first."),
    ]
    assert prose(unit) == "Adds a.b to c.\n\nNotes\n\nIt is so.\n\nx : int\n    The first."


def test_a_paraphrase_has_other_words_for_the_commonest_and_keeps_marks_and_capitals():
    assert paraphrased("The list, if given: (Return) it to X.") == (
        "This series, whenever supplied: (Give back) this thing towards X."
    )
    assert not [word for word, other in SYNONYMS.items() if word == other or not other]


@pytest.mark.parametrize("aim", [0.5, 0.7, 0.9])
def test_alterations_come_near_what_they_aim_at(aim):
    letters = "abcdefghijklmnopqrstuvwxyz"
    text = " ".join(letters[i % 26] + letters[i // 26] + letters[i * 7 % 26] for i in range(600))
    page = page_of(Unit("p.long", "function", "p", "", text), 1)

    def similarity(other) -> float:
        one, two = (shingles(" ".join(text for _, text in page.blocks)) for page in (page, other))
        return len(one & two) / len(one | two)

    assert similarity(substituted(page, aim, 1)) == pytest.approx(aim, abs=0.03)
    assert similarity(shortened(page, aim)) == pytest.approx(aim, abs=0.03)
    assert words(shortened(page, aim)) == round(words(page) * aim)


@pytest.mark.long  # 30 s; the others look at a small one
def test_the_full_sample_has_the_promised_size(tmp_path):
    engine = LocalEngine(2)
    try:
        statistics = make_sample(tmp_path, megabytes=48, seed=1, map=engine.map)
    finally:
        engine.close()
    assert 40e6 <= statistics.crawl_bytes <= 80e6
    packed = [size for name, size in statistics.crawl_files.items() if name.endswith(".gz")]
    assert len(packed) >= 6 and max(packed) < 1.2 * min(packed)
    assert statistics.junk_pages > 0.8 * (statistics.junk_pages + statistics.good_pages)
    assert statistics.planted == {"near_copies": 180, "exact_copies": 80, "leaks": 88, "damaged": 6}
    assert statistics.benchmarks == {"cloze": 100, "choice": 60}
    assert 6e6 < sum(source["bytes"] for source in statistics.sources.values()) < 15e6
