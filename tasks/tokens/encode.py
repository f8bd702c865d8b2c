"""Text columns to token ids: by gigatoken where the tokenizer is byte-level BPE, by `tokenizers` where it is not.

gigatoken (MIT; Rød, 2026) caches what a word is encoded to and classifies 64 bytes at once: 17 times tiktoken's speed
on English, nearly 3 times on CJK that it has never met (bench/encoding.py). What was held against it, 0.10.0, before it
was let in: ids equal to those of `tokenizers` for every code point in four surroundings, for 180,000 random strings
(white space of all kinds, NUL, lone marks, unassigned code points) and for runs of equal characters, 10^6 of them in
.2 s at most; vocabularies of 400, 4,096, 32,000 and 70,256 ids, ids with gaps, tokens that no merge reaches; forked
processes; no socket opened. Not held, and so not handed to it: dropout, a ByteLevel without a pattern. Its cache has no
bound (its issue 36), hence FRESH. And a sample of what it answers is compared with `tokenizers` for every shard
(`Checked`).
"""

import json
import os
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.kernels.buffers import buffers
from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.tokens.tokenizer import tokenizer_file

# Text after which the cache begins anew. Measured: of words of 8 random letters, the worst met, it takes 11 bytes a
# byte of text, and stays below 0.73 GB over 158 MB; of books 1.2 bytes. To begin anew costs 0.07 s (32,000 ids).
FRESH = 64 << 20
CHECKED = 16  # documents of a shard that are encoded twice, at most
CHECKED_BYTES = 128 << 10  # and of their text, but for the first: `tokenizers` encodes 2 MB a second


class Encoder:
    """The ids of a tokenizer. `content`: its tokenizer.json."""

    def __init__(self, content: bytes) -> None:
        self.plain = plain(content)
        self._content = _for_gigatoken(content)
        self._fast = None if self._content is None else _gigatoken(self._content)
        self._seen = 0

    @property
    def fast(self) -> bool:
        """Whether it is gigatoken that encodes."""
        return self._fast is not None

    def encode(self, text: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """(uint32 ids of all rows of a large_string array, int64 (rows,) where each row's end). Nothing is added, and
        text that spells a special token is text."""
        if self._fast is None or self._content is None:
            return encode_plainly(self.plain, text)
        import awkward as ak

        data, starts, ends = buffers(text)
        if len(starts) == 0:
            return np.zeros(0, np.uint32), np.zeros(0, np.int64)
        self._seen += int(ends[-1] - starts[0])
        if self._seen > FRESH:
            self._fast, self._seen = _gigatoken(self._content), 0
        characters = ak.contents.NumpyArray(data, parameters={"__array__": "char"})
        rows = ak.contents.ListOffsetArray(
            ak.index.Index64(np.append(starts, ends[-1])), characters, parameters={"__array__": "string"}
        )
        # The engine has a process a core: on its threads, gigatoken would only contend.
        found = self._fast.encode_batch(ak.Array(rows), parallel=False).layout
        return np.asarray(found.content.data), np.asarray(found.offsets.data)[1:]


@lru_cache(maxsize=1)  # once a worker: a shard of a crawl has less text than it takes to load a tokenizer
def encoder_of(tokenizer: Artifact) -> Encoder:
    return Encoder(tokenizer_file(tokenizer).read_bytes())


def plain(content: bytes) -> Any:
    """`tokenizers` on a tokenizer.json; text that spells a special token is text, and no text is cut short."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the engine has a process a core
    from tokenizers import Tokenizer

    library = Tokenizer.from_buffer(content)
    library.encode_special_tokens = True
    library.no_truncation()
    library.no_padding()
    return library


def encode_plainly(library: Any, text: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """As `Encoder.encode`, by `tokenizers`."""
    encoded = library.encode_batch_fast(text.to_pylist(), add_special_tokens=False)
    rows = [np.array(one.ids, np.uint32) for one in encoded]
    ends = np.cumsum(np.array([len(row) for row in rows], np.int64))
    return np.concatenate([np.zeros(0, np.uint32), *rows]), ends


def _for_gigatoken(content: bytes) -> str | None:
    """The tokenizer.json to hand it; None for what is not byte-level BPE as held above.

    Without the added tokens: it would read them out of text. They must be special, so that no text is to be read so.
    """
    about = json.loads(content)
    model = about["model"]
    spelled_otherwise = ("dropout", "byte_fallback", "continuing_subword_prefix", "end_of_word_suffix")
    if (
        model["type"] != "BPE"
        or about.get("normalizer") is not None
        or not _splits_bytes(about.get("pre_tokenizer") or {})
        or any(model.get(key) for key in spelled_otherwise)
        or not all(token["special"] for token in about.get("added_tokens", []))
    ):
        return None
    own: dict[str, Any] = {"added_tokens": [], "post_processor": None, "truncation": None, "padding": None}
    return json.dumps(about | own, ensure_ascii=False)


def _splits_bytes(splitter: dict[str, Any]) -> bool:
    """ByteLevel with its own pattern (GPT-2's), or behind the pattern that a Split names (GPT-4's, Llama's)."""
    *before, last = splitter.get("pretokenizers", [splitter])
    if last.get("type") != "ByteLevel" or last.get("add_prefix_space"):
        return False
    if not before:
        return bool(last.get("use_regex", True))
    return len(before) == 1 and before[0].get("type") == "Split" and not last.get("use_regex", True)


def _gigatoken(content: str) -> Any:
    """Its tokenizer; None where it says that it cannot be this one (a Split whose pattern it does not know)."""
    from gigatoken.gigatoken_rs import load_hf_json  # the package's own loader also looks for files on the net

    try:
        return load_hf_json(content)
    except RuntimeError:
        return None


class Checked:
    """The documents of a shard that are encoded again by `tokenizers`, the reference, and must get the same ids.

    Of those kept the CHECKED of smallest draw, in that order as long as their text has no more than CHECKED_BYTES; the
    first whatever its size. ids: of all rows; sizes: int64 (rows,), bytes of their text; keep: bool (rows,).
    """

    def __init__(self, encoder: Encoder, ids: pa.ChunkedArray, sizes: np.ndarray, keep: np.ndarray, seed: int) -> None:
        self.encoder = encoder
        draws = np.where(keep, uniform(ids, seed, "encode"), 2.0)
        drawn = np.argsort(draws, kind="stable")[: min(CHECKED, int(keep.sum()))]
        fits = np.cumsum(sizes[drawn]) <= CHECKED_BYTES
        fits[:1] = True
        self.rows = drawn[fits] if encoder.fast else drawn[:0]

    def check(self, rows: np.ndarray, ids: pa.Array, text: pa.Array, tokens: np.ndarray, ends: np.ndarray) -> None:
        """What `Encoder.encode` made of the pieces of some rows.

        Raises:
            Failure: `tokenizers` makes something else of a document that is checked.
        """
        for place in np.flatnonzero(np.isin(rows, self.rows)).tolist():
            found = tokens[ends[place - 1] if place else 0 : ends[place]]
            expected, _ = encode_plainly(self.encoder.plain, text.slice(place, 1))
            if not np.array_equal(found, expected):
                raise Failure(_told(self.encoder.plain, ids[place].as_py(), found, expected))


def _told(library: Any, document: str, found: np.ndarray, expected: np.ndarray) -> str:
    shorter = min(len(found), len(expected))
    differing = np.flatnonzero(found[:shorter] != expected[:shorter])
    at = int(differing[0]) if len(differing) else shorter
    before = library.decode(expected[max(0, at - 20) : at].tolist(), skip_special_tokens=False)
    return (
        f"document {document}: from token {at} on, after {before[-40:]!r}, gigatoken {version('gigatoken')} gives "
        f"the ids {found[at : at + 5].tolist()} and tokenizers {version('tokenizers')}, the reference, "
        f"{expected[at : at + 5].tolist()}; install the versions that pyproject.toml names, or report it to gigatoken"
    )
