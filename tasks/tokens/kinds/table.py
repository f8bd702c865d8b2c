"""The kinds of tokenizers that are fitted, by the name that conf gives them. A user's own files are given.py's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from model.tokenizer import END_OF_TEXT
from tasks.tokens.counts import Splitter, Words, gpt2_pretokens
from tasks.tokens.kinds import byte_bpe, gpt1, wordpiece

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library


@dataclass(frozen=True)
class Kind:
    """`splitter` counts a text's words; `learn` makes a tokenizer of distinct words, int64 counts, and ids asked for.

    What it makes, and how many merges that has, is answered. It holds `end_of_text` among its special tokens, has the
    ids 0 to n - 1, at most those asked for, and splits text into the words of `splitter`.
    """

    splitter: Splitter
    learn: Callable[[pa.Array, np.ndarray, int], tuple["Library", int]]
    end_of_text: str


KINDS: dict[str, Kind] = {
    "byte-bpe": Kind(gpt2_pretokens, byte_bpe.learn, END_OF_TEXT),
    "gpt1": Kind(Words(gpt1.words_of), gpt1.learn, END_OF_TEXT),
    "wordpiece": Kind(Words(wordpiece.words_of), wordpiece.learn, wordpiece.SEP),
}
