"""WordPiece as BERT's uncased models have it (2018, section 3; tokenization.py of google-research/bert).

Lower case, accents gone, each CJK ideograph and each punctuation mark a word; a word is split into the longest pieces
that are known, from left to right, and those behind the first begin with ##. A word with an unknown character, or of
more than 100, is [UNK]. Encoding is the library's.

Ids: [PAD], [UNK], [CLS], [SEP], [MASK]; the characters, at most 1,000 (as `tokenizers`' BertWordPieceTokenizer) and at
most a quarter of the ids; the same with ##; and the merges in their order. Google's trainer is not published; as in
`tokenizers`, pieces are those of BPE over the words' characters, the ones behind the first with ##, and from exact
counts with a stated tie rule they depend on no order of texts. What ends a text is [SEP].
"""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tasks.kernels.merges import merge
from tasks.tokens.kinds.characters import spelled

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

PAD, UNKNOWN, CLS, SEP, MASK = SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
INSIDE = "##"
CHARACTERS = 1000
LONGEST = 100  # characters of a word that is split


def learn(words: pa.Array, counts: np.ndarray, vocabulary: int) -> tuple["Library", int]:
    """From distinct words, as `words_of` gives them. Words that will be [UNK] teach nothing."""
    text = spelled(words, counts, min(CHARACTERS, (vocabulary - len(SPECIALS)) // 4))
    known = len(text.known)
    lost = np.zeros(len(counts), bool)
    lost[text.words[text.ranks < 0]] = True
    lost |= np.bincount(text.words, minlength=len(counts)) > LONGEST
    symbols = len(SPECIALS) + text.ranks + known * ~text.first
    first = len(SPECIALS) + 2 * known
    pairs = merge(*text.pieces(symbols, ~lost[text.words]), first, vocabulary - first)
    tokens = [*SPECIALS, *text.known, *(INSIDE + character for character in text.known)]
    for left, right in pairs.tolist():
        tokens.append(tokens[left] + tokens[right].removeprefix(INSIDE))
    return made(tokens), len(pairs)


def made(tokens: list[str]) -> "Library":
    """The tokenizer of these tokens, a token's place its id."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, processors

    ids = {token: number for number, token in enumerate(tokens)}
    model = models.WordPiece(ids, unk_token=UNKNOWN, max_input_chars_per_word=LONGEST, continuing_subword_prefix=INSIDE)
    library = Tokenizer(model)
    library.normalizer, library.pre_tokenizer = _before()
    library.decoder = decoders.WordPiece(INSIDE)
    library.post_processor = processors.BertProcessing((SEP, ids[SEP]), (CLS, ids[CLS]))
    library.add_special_tokens([AddedToken(token, normalized=False) for token in SPECIALS])
    return library


def words_of(text: str) -> list[str]:
    """The words of a text, as the tokenizer itself splits it."""
    normalizer, splitter = _before()
    return [word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))]


@cache
def _before() -> tuple[Any, Any]:
    """What is done to a text before its words are split: normaliser and pre-tokeniser."""
    from tokenizers import normalizers, pre_tokenizers

    normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True
    )
    return normalizer, pre_tokenizers.BertPreTokenizer()
