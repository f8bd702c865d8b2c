"""What a kind of tokenizer that is fitted consists of. The table of them is table.py."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

# (distinct words, counts int64 of them, ids asked for) -> the tokenizer, and how many merges it has
Learn = Callable[[pa.Array, np.ndarray, int], tuple["Library", int]]


@dataclass(frozen=True)
class Kind:
    """`splitter` gives a text's words, as counts.py takes it; `learn` makes a tokenizer of counted words.

    What `learn` makes holds `end_of_text` among its special tokens, has the ids 0 to n - 1, at most those asked for,
    and splits text into the words of `splitter`.
    """

    splitter: Any
    learn: Learn
    end_of_text: str
