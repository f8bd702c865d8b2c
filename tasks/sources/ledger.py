"""Every byte of a file in one record or one listed range, and none in two."""

from tasks.runtime.errors import Failure


class Ledger:
    """Adds up a file's ranges as they come and holds them against its size."""

    def __init__(self, name: str):
        self.name, self.at, self.in_records, self.damaged = name, 0, 0, 0

    def add(self, offset: int, length: int, damaged: bool) -> None:
        if offset != self.at or length < 0:
            raise Failure(f"{self.name}: byte {self.at} to {offset} is in no record and no damaged range; {REPORT}")
        self.at += length
        if damaged:
            self.damaged += length
        else:
            self.in_records += length

    def close(self, size: int) -> None:
        """Raises Failure unless the ranges cover the file."""
        if self.at != size or self.in_records + self.damaged != size:
            raise Failure(f"{self.name}: {self.at} of its {size} bytes are accounted for; {REPORT}")


REPORT = "this is a fault of Millrace's WARC reader: please report it with the file"
