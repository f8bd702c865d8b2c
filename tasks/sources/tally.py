"""What is counted while a shard is read: the numbers of `ingest`'s statistics."""

from collections import Counter
from typing import Any

from tasks.sources.rejects import Reject


class Tally:
    """What a shard's statistics count; nested dictionaries of numbers that sum over shards."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.records: Counter[str] = Counter()  # by type
        self.status: Counter[str] = Counter()  # of HTTP responses
        self.rejects: Counter[str] = Counter()  # by reason
        self.languages: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()  # values of records that could not be read, by field; see rows/record.py
        self.files: dict[str, Counter[str]] = {}  # documents, rejects by reason

    def file(self, name: str) -> None:
        self.files.setdefault(name, Counter())

    def document(self, name: str, characters: int, size: int, language: str | None) -> None:
        """A document of so many characters, and bytes of UTF-8."""
        self.counts["documents"] += 1
        self.counts["characters"] += characters
        self.counts["text_bytes"] += size
        self.languages[language or "unknown"] += 1
        self.files[name]["documents"] += 1

    def reject(self, reject: Reject) -> None:
        self.rejects[reject.reason] += reject.records
        self.files[reject.file][reject.reason] += reject.records

    def bytes(self, in_records: int, damaged: int) -> None:
        self.counts.update(bytes=in_records + damaged, bytes_in_records=in_records, bytes_damaged=damaged)

    def statistics(self) -> dict[str, Any]:
        keys = ("files", "bytes", "bytes_in_records", "bytes_damaged", "documents", "characters", "text_bytes")
        return {
            **{key: self.counts[key] for key in (*keys, "fell_back")},
            "records": dict(sorted(self.records.items())),
            "status": dict(sorted(self.status.items())),
            "rejects": dict(sorted(self.rejects.items())),
            "languages": dict(sorted(self.languages.items())),
            "unread": dict(sorted(self.unread.items())),
            "by_file": {name: dict(sorted(counts.items())) for name, counts in sorted(self.files.items())},
        }
