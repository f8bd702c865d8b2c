"""Byte-level BPE as GPT-2's (2019, section 2.2): any text has ids, and comes back byte for byte.

Ids: the 256 bytes (alphabet.py), the merges in their order, and <|endoftext|> last. So a token's id is its rank, and
tiktoken, which merges by ranks, gives the same ids.
"""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from model.tokenizer import END_OF_TEXT
from tasks.kernels.merges import merge
from tasks.tokens.kinds.alphabet import CHARACTERS, IDS

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library


def learn(words: pa.Array, counts: np.ndarray, vocabulary: int) -> tuple["Library", int]:
    """From distinct words, as GPT-2's pattern splits text into them."""
    column = pa.concat_arrays([words.cast(pa.large_binary())])
    bounds = np.frombuffer(column.buffers()[1], np.int64)[: len(column) + 1]
    data = np.frombuffer(column.buffers()[2] or b"", np.uint8)[bounds[0] : bounds[-1]]
    pairs = merge(IDS[data], bounds - bounds[0], counts, 256, vocabulary - 257)
    tokens = list(CHARACTERS)
    for left, right in pairs.tolist():
        tokens.append(tokens[left] + tokens[right])
    return made(tokens, [(tokens[left], tokens[right]) for left, right in pairs.tolist()], END_OF_TEXT), len(pairs)


def made(tokens: list[str], merges: list[tuple[str, str]], end_of_text: str) -> "Library":
    """The tokenizer of these tokens, a token's place its id; `end_of_text` comes last where it is none of them."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    library = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)}, merges))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    library.decoder = decoders.ByteLevel()
    library.add_special_tokens([AddedToken(end_of_text, normalized=False)])
    return library
