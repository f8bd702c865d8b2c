"""What cuts leave of documents: spans joined, pieces counted, and the verdict; in arrays over many documents at once.

A hit removes its gram and a margin on each side; of what is left, pieces under `shortest` characters go too; a document
that its hits split into more than `pieces` pieces goes whole. Pieces are counted as the cuts leave them, before short
ones go.
"""

from typing import NamedTuple

import numpy as np


class Spans(NamedTuple):
    """Spans of documents, half open, in the order of row and start: arrays of one length."""

    row: np.ndarray
    start: np.ndarray  # bytes
    end: np.ndarray
    begin: np.ndarray  # characters
    stop: np.ndarray


class Verdicts(NamedTuple):
    """Of the documents that have spans, in order: whether they go, and what is removed of them (all, if they go)."""

    row: np.ndarray
    split: np.ndarray  # bool: into too many pieces
    short: np.ndarray  # bool: not that, and no piece is long enough
    removed: np.ndarray  # int64 (spans, 3): row, first byte, end byte; in order, apart from each other


NONE = Spans(*(np.zeros(0, np.int64) for _ in Spans._fields))


def joined(spans: Spans) -> Spans:
    """Overlapping or touching spans as one. Linear: one running maximum over documents laid end to end."""
    if not len(spans.row):
        return NONE
    step = int(spans.end.max()) + 2  # so that no document touches the next
    order = np.cumsum(np.append(0, spans.row[1:] != spans.row[:-1])) * step
    reach = np.maximum.accumulate(spans.end + order)
    first = np.flatnonzero(np.append(True, spans.start[1:] + order[1:] > reach[:-1]))
    return Spans(
        spans.row[first],
        spans.start[first],
        np.maximum.reduceat(spans.end, first),
        spans.begin[first],
        np.maximum.reduceat(spans.stop, first),
    )


def verdicts(spans: Spans, size: np.ndarray, characters: np.ndarray, shortest: int, pieces: int) -> Verdicts:
    """What becomes of each document; spans as `joined` gives them. size, characters: of each span's document."""
    count = len(spans.row)
    opens = np.append(True, spans.row[1:] != spans.row[:-1])[:count]
    closes = np.append(opens[1:], True)[:count]
    document = np.cumsum(opens) - 1
    first = np.flatnonzero(opens)
    # A piece before each span, from the end of the one before, and one after a document's last.
    before = _pieces(
        np.where(opens, 0, np.roll(spans.end, 1)), spans.start, np.where(opens, 0, np.roll(spans.stop, 1)), spans.begin
    )
    after = _pieces(spans.end[closes], size[closes], spans.stop[closes], characters[closes])
    documents = len(first)
    number = np.bincount(document[before[:, 1] > before[:, 0]], minlength=documents)
    number += after[:, 1] > after[:, 0]
    split = number > pieces
    # The pieces that stay, in order: a document's spans each have one before them, and one comes after the last.
    place = np.arange(count) + document  # of the piece before each span, among all pieces
    every = np.empty((count + documents, 4), np.int64)
    every[place] = np.column_stack([document, before])
    every[np.flatnonzero(closes) + np.arange(documents) + 1] = np.column_stack([np.arange(documents), after])
    stays = (every[:, 2] > every[:, 1]) & (every[:, 3] >= shortest) & ~split[every[:, 0]]
    short = ~split & (np.bincount(every[stays, 0], minlength=documents) == 0)
    # What lies between the pieces that stay, the document's two ends among them, is removed.
    left = every[stays]
    edges = np.concatenate(
        [
            np.column_stack([np.arange(documents), np.zeros(documents, np.int64), np.zeros(documents, np.int64)]),
            np.column_stack([left[:, 0], left[:, 1], left[:, 2]]),
            np.column_stack([np.arange(documents), size[first], size[first]]),
        ]
    )
    order = np.lexsort((edges[:, 2], edges[:, 1], edges[:, 0]))
    edges = edges[order]
    removed = np.column_stack([edges[:-1, 0], edges[:-1, 2], edges[1:, 1]])
    removed = removed[(edges[:-1, 0] == edges[1:, 0]) & (removed[:, 2] > removed[:, 1])]
    row = spans.row[first]
    removed[:, 0] = row[removed[:, 0]]
    return Verdicts(row, split, short, removed)


def _pieces(start: np.ndarray, end: np.ndarray, begin: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """int64 (pieces, 3): first byte, end byte, characters."""
    return np.column_stack([start, end, stop - begin])
