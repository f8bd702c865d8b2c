"""Texts of any length as rows of a fixed width and back, since a shuffle's columns are of fixed width.

A text of n bytes is ceil(n / WIDTH) rows, at least one; the last is filled up with zeros, and the text's length,
carried beside, says where it ends.
"""

import numpy as np

WIDTH = 64  # bytes of a row: most URLs (80 characters on average) take one or two, and half a row is lost in each


def chunks_of(sizes: np.ndarray) -> np.ndarray:
    """How many rows texts of these sizes (bytes) take."""
    return np.maximum(1, -(-sizes // WIDTH))


def cut(texts: list[bytes]) -> np.ndarray:
    """uint8 (rows, WIDTH): the rows of the texts, one text after the other."""
    padded = b"".join(text.ljust(max(1, -(-len(text) // WIDTH)) * WIDTH, b"\0") for text in texts)
    return np.frombuffer(padded, np.uint8).reshape(-1, WIDTH)


def joined(rows: np.ndarray, sizes: np.ndarray) -> list[bytes]:
    """The texts of these sizes whose rows (uint8) stand one after the other."""
    data = rows.tobytes()
    ends = np.cumsum(chunks_of(sizes)) * WIDTH
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    return [data[start : start + size] for start, size in zip(starts.tolist(), sizes.tolist(), strict=True)]
