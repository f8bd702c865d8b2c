"""What is typical, where nothing was counted yet: each figure with where it comes from. `plan` tells all that it uses.

A source's own `expect`, its listing, and what this store has counted of it stand before these. All are of English or
of the web at large; text of other scripts has other ratios.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Typical:
    """Of a kind of input: bytes of clean text a byte of input, and of text a document."""

    text: float
    document: float
    source: str


# Common Crawl's February 2019 (its blog, 2019-03-01): 2.9e9 pages, WARC 59.86 TiB in 64,000 files, WET 7.62 TiB.
PAGES, WARC_BYTES, WET_BYTES, CRAWL_FILES = 2.9e9, 59.86 * 2**40, 7.62 * 2**40, 64_000
CRAWL_FILE = {"warc": WARC_BYTES / CRAWL_FILES, "wet": WET_BYTES / CRAWL_FILES}  # 1.03 GB, 131 MB
OF_CRAWL_FILE = "Common Crawl's files of February 2019: 1.03 GB (WARC), 131 MB (WET)"

# Real files of ../shared/data, read by `bench/paces.py` (2026-11-30), unless said otherwise.
PACKED = {".gz": 2.53, ".zst": 3.55, ".bz2": 3.55, ".xz": 3.55}  # bytes of text a byte: 24 books as .gz, 466 as .zst
OF_PACKED = "packed text is 2.5 (gzip) or 3.6 times (zstd) as long"
WEB_DOCUMENT = 40e9 / 8e6  # GPT-2, section 2.1: WebText, 40 GB in 8 million documents
TYPICAL = {
    "warc": Typical(0.329, 5691, "943 real pages: .33 bytes of text a byte of WARC, 5.7 kB a page"),
    "wet": Typical(2.34, 6028, "a WET file of 2016: 2.3 bytes of text a byte, 6.0 kB a page"),
    "mediawiki": Typical(1.74, 27_578, "206 articles of a dump's head, longer than most: 1.7 bytes of text a byte"),
    "jsonl": Typical(1.0, WEB_DOCUMENT, "5 kB a document, as WebText"),
    "parquet": Typical(2.5, WEB_DOCUMENT, "5 kB a document, as WebText; 2.5 bytes of text a byte of Parquet"),
    "text": Typical(1.0, 383_863, "384 kB a file, as 23 books"),
}

KEPT_BY_PARETO = 0.0141  # of documents; what it is of bytes nobody tells
OF_PARETO = "1.41 % kept by the paper's draw (of documents, by a replica of its classifier)"
SURVIVE = 0.9
OF_SURVIVORS = "90 % left by deduplication (GPT-3, appendix A)"
CUT = 1.0
OF_CUT = "nothing lost to decontamination"
UNJUDGED = "all kept by thresholds, languages and rules (an upper bound)"
TEXT_ON_DISK = 0.35  # bytes of Parquet a byte of text: pages .33, articles .35, books .42
OF_TOKENS = "of byte-level BPE on English"


def typical(kind: str, names: list[str]) -> Typical | None:
    """Of a kind of input, and of text and JSONL by how the names of their files, or the patterns, end."""
    found = TYPICAL.get(kind)
    if found is None or kind not in ("jsonl", "text"):
        return found
    packed = [PACKED.get("." + name.rpartition(".")[2], 1.0) for name in names] or [1.0]
    ratio = sum(packed) / len(packed)
    source = found.source if ratio == 1.0 else f"{found.source}; {OF_PACKED}"
    return Typical(ratio, found.document, source)


def token_bytes(vocabulary: int) -> float:
    """Bytes of English a token of byte-level BPE: 3.06 at 4,096 ids (the demo), 4.09 at 50,257 (92 MB of books); of
    other vocabularies by their logarithm, on the line through these two."""
    slope = (4.09 - 3.06) / math.log(50_257 / 4_096)
    return min(5.0, max(1.0, 3.06 + slope * math.log(vocabulary / 4_096)))
