"""What is typical, where nothing was counted yet: each figure with where it comes from. `plan` tells all that it uses.

A source's own `expect`, its listing, and what this store has counted of it stand before these. All are of English or
of the web at large; text of other scripts has other ratios.
"""

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

TYPICAL: dict[str, Typical] = {
    "text": Typical(1.0, 4e5, "placeholder"),
}

KEPT_BY_PARETO = 0.0141  # documents; of their bytes nobody tells
OF_PARETO = "1.41 % kept by the paper's draw (a replica of its classifier)"
SURVIVE = 0.9
OF_SURVIVORS = "90 % left by deduplication (GPT-3, appendix A)"
CUT = 1.0
OF_CUT = "nothing lost to decontamination"
UNJUDGED = "all kept by thresholds, languages and rules (an upper bound)"

# Bytes of Parquet a byte of text: of documents.
DISK = {"text": 0.4}

OF_TOKENS = "placeholder"


def token_bytes(vocabulary: int) -> float:
    """Bytes of English a token of byte-level BPE."""
    return 4.2 if vocabulary > 30000 else 3.2
