"""Documents whose fate is written down by hand: ROWS says what became of each, PLANTED what was planted among them.

What the report must find follows from them by counting.
"""

from typing import Any

import numpy as np

N = 13
PERMUTATIONS, BANDS, WIDTH = 128, 14, 8
FREQUENT = 999  # a gram that stands in too many documents to count
LEAKS = {n: " ".join(f"leak{n}word{i}" for i in range(20)) for n in range(1, 7)}
AROUND = " ".join(f"plain{i}" for i in range(60))
HOSTILE = "<script>alert('crawl')</script><img src=x onerror=alert(1)> {{ 7*7 }} & \"quoted\""


def holding(leak: str) -> str:
    return f"{AROUND} {leak} {AROUND}"


def span(text: str, leak: str) -> list[dict[str, int]]:
    start = text.encode().index(leak.encode())
    return [{"start": start - 10, "end": start + len(leak.encode()) + 10}]


def doc(url: str | None, text: str = AROUND, **fate: Any) -> dict[str, Any]:
    """fate: score; dropped (at keep); duplicate (of number), why, similarity; items (hit); whole; like, share."""
    return {"url": url, "text": text, "score": 0.9, **fate}


def wrapped(leak: str) -> str:
    return leak.upper().replace(" LEAK2WORD7", ",\n Leak2word7!")


ROWS: dict[str, list[dict[str, Any]]] = {
    "webtext2": [
        doc("https://linked.example/p/w0"),
        doc("https://linked.example/p/w1", holding(LEAKS[4]), items=[4]),
    ],
    "books2": [doc(None, holding(LEAKS[5]), items=[5])],
    "crawl": [
        doc("https://a.example/good/p/c0.html", f"{HOSTILE} one two three"),
        doc("https://m.example/copy/exact/c0.html", f"{HOSTILE} one two three", duplicate=0, why="exact", like=0),
        doc("https://a.example/good/p/c2.html", f"{HOSTILE} {AROUND} stays", also=FREQUENT),
        doc(
            "https://m.example/copy/within/c2.html",
            f"{HOSTILE} {AROUND} leaves",
            duplicate=2,
            why="near",
            similarity=0.9,
            like=2,
            share=0.9,
        ),
        doc("https://a.example/good/p/c4.html"),
        doc("https://m.example/copy/within/c4.html", like=4, share=0.6),  # missed
        doc("https://a.example/good/p/c6.html", dropped="quality", score=0.3),
        doc("https://m.example/copy/within/c6.html", like=6, share=0.95),  # its original was dropped: not met
        doc("https://m.example/copy/across/w0.html"),
        doc("https://m.example/leak/whole/c9.html", holding(LEAKS[1]), items=[1]),
        doc("https://m.example/leak/rewrapped/c10.html", holding(wrapped(LEAKS[2])), dropped="quality", score=0.2),
        doc("https://m.example/leak/deep/c11.html", holding(LEAKS[3])),  # the filter misses it
        doc("https://s.example/junk/spam/0", "spam spam", score=0.1),
        *(doc(f"https://s.example/junk/spam/{n}", "spam spam", dropped="quality", score=0.1) for n in (1, 2, 3)),
        *(doc(f"https://s.example/junk/menus/{n}", "home about", dropped="quality", score=0.05) for n in (0, 1)),
        doc("https://a.example/good/p/c18.html", holding(LEAKS[1]), items=[1], whole=True),
    ],
}
LIMITS = {"webtext2": 2, "books2": 1, "crawl": 7}  # documents a shard
GROUPS = {"webtext2": "webtext2", "books2": "books2", "crawl": "common-crawl"}
REJECTED = [
    ("/somewhere/crawl/00001.warc.gz", 100, 50, "gzip", "bad data"),
    ("/somewhere/crawl/00001.warc.gz", 500, 100, "status", "404"),
    ("/somewhere/crawl/00002.warc.gz", 900, 10, "http", "no status"),
]


def near(url: str, of_url: str, jaccard: float) -> dict[str, Any]:
    kind = url.split("/")[1]
    return {"url": f"https://m.example/{url}", "of_url": of_url, "kind": kind, "made": "words", "jaccard": jaccard}


def leak(line: int, form: str, where: str, source: str = "crawl") -> dict[str, Any]:
    where = f"https://m.example/leak/{form}/{where}" if source == "crawl" else where
    text = LEAKS[line]
    about = {"benchmark": "cloze", "line": line, "source": source, "where": where, "form": form}
    return {**about, "text": text, "said": wrapped(text) if form == "rewrapped" else text}


PLANTED = {
    "near_copies": [
        near("copy/within/c2.html", "https://a.example/good/p/c2.html", 0.92),
        near("copy/within/c4.html", "https://a.example/good/p/c4.html", 0.93),
        near("copy/within/c6.html", "https://a.example/good/p/c6.html", 0.95),
        near("copy/across/w0.html", "https://linked.example/p/w0", 0.65),
        near("copy/across/gone.html", "https://linked.example/p/w0", 0.6),
    ],
    "exact_copies": [{"url": "https://m.example/copy/exact/c0.html", "of_url": "https://a.example/good/p/c0.html"}],
    "leaks": [
        leak(1, "whole", "c9.html"),
        leak(2, "rewrapped", "c10.html"),
        leak(3, "deep", "c11.html"),
        leak(4, "whole", "https://linked.example/p/w1", "webtext"),
        leak(5, "whole", "books2/book-000.txt#x.y", "books2"),
        leak(6, "whole", "gone.html"),
    ],
    "damaged": [
        {"file": "crawl/00001.warc.gz", "offset": 110, "length": 40, "kind": "corrupt-member", "url": "u"},
        {"file": "crawl/00001.warc.gz", "offset": 500, "length": 100, "kind": "http-header", "url": "u"},
    ],
    "pages": {"good": 5, "copy/exact": 1, "copy/within": 3, "copy/across": 2, "leak/whole": 2, "leak/rewrapped": 1,
              "leak/deep": 1, "spam": 4, "menus": 3, "image": 2},
}  # fmt: skip


def id_of(source: str, number: int) -> str:
    return f"{source}:{number:032x}"


def signature_of(source: str, number: int) -> np.ndarray:
    """Random places; of a copy, the first `share` of them its original's."""
    row = ROWS[source][number]
    seed = sum(source.encode()) * 1000 + number
    mine = np.random.Generator(np.random.PCG64(seed)).integers(0, 2**32 - 1, PERMUTATIONS, np.uint32)
    if "like" in row:
        same = round(row.get("share", 1.0) * PERMUTATIONS)
        mine[:same] = signature_of(source, row["like"])[:same]
    return mine


def shards(source: str) -> list[tuple[str, list[int]]]:
    numbers, limit = list(range(len(ROWS[source]))), LIMITS[source]
    return [(f"{at // limit:05}", numbers[at : at + limit]) for at in range(0, len(numbers), limit)]


def fate(source: str, number: int) -> dict[str, Any]:
    row = ROWS[source][number]
    keep = "dropped" not in row
    survives = keep and "duplicate" not in row
    return {**row, "kept": keep, "survives": survives, "trained": survives and not row.get("whole")}
