"""GPT-1's tokenizer (2018, section 4.1): BPE over lower-case words, a word's last character marked by </w>.

The released one has 40,478 ids: <unk>, 238 characters, the same 238 with </w>, both the most frequent first, 40,000
merges, and \\n</w>, a line break, which spaCy takes for a word. Ours are the same but for the last, which is
<|endoftext|>: 478 that are no merges. Of equally frequent characters the smaller code point comes first; those past the
238th are <unk>. Of a vocabulary smaller than 954, at most a quarter of the ids goes to characters, and as many to those
with </w>.

Text is first what the release makes of it: ftfy, `text_standardize` (text_utils.py of finetune-transformer-lm), lower
case. Of ftfy, `ingest` has mended the text and spelt out its ligatures (tasks/sources/texts/clean.py); its straight
quotes and text_standardize's dashes, ellipsis and acute accents are here. The blanks that text_standardize sets around
punctuation part nothing that the words don't part themselves. Full-width forms, which ftfy would narrow, stay.

Words are BERT's basic ones (white space and punctuation apart, accents gone), the released fallback of transformers
where spaCy is absent, and the only way of OpenAIGPTTokenizerFast: spaCy's English words, which the paper used, would
take spaCy along wherever text is encoded, and no tokenizer.json can say them. It parts "don't" as do n't; BERT as
don ' t.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from model.tokenizer import END_OF_TEXT
from tasks.kernels.merges import merge
from tasks.tokens.kinds.characters import spelled

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

UNKNOWN = "<unk>"
WORD_END = "</w>"
SPECIALS = 2  # <unk> and <|endoftext|>
CHARACTERS = 238
# Before lower case, in this order. The first two are ftfy's uncurl_quotes, with U+00B4 of text_standardize.
REPLACED = (
    ("[\u02bc\u2018-\u201b\u00b4]", "'"),
    ("[\u201c-\u201f]", '"'),
    ("[\u2013\u2014\u2015]", "-"),
    ("\u2026", "..."),
)


def learn(words: pa.Array, counts: np.ndarray, vocabulary: int) -> tuple["Library", int]:
    """From distinct words, as `words_of` gives them."""
    text = spelled(words, counts, min(CHARACTERS, (vocabulary - SPECIALS) // 4))
    known = len(text.known)
    symbols = 1 + text.ranks + known * text.last
    first = 1 + 2 * known
    pairs = merge(*text.pieces(symbols, text.ranks >= 0), first, vocabulary - SPECIALS - 2 * known)
    tokens = [UNKNOWN, *text.known, *(character + WORD_END for character in text.known)]
    for left, right in pairs.tolist():
        tokens.append(tokens[left] + tokens[right])
    return made(tokens, [(tokens[left], tokens[right]) for left, right in pairs.tolist()], END_OF_TEXT), len(pairs)


def made(tokens: list[str], merges: list[tuple[str, str]], end_of_text: str) -> "Library":
    """The tokenizer of these tokens, a token's place its id; `end_of_text` comes last where it is none of them."""
    from tokenizers import AddedToken, Tokenizer, decoders, models

    ids = {token: number for number, token in enumerate(tokens)}
    library = Tokenizer(models.BPE(ids, merges, unk_token=UNKNOWN, end_of_word_suffix=WORD_END, fuse_unk=False))
    library.normalizer, library.pre_tokenizer = _before()
    library.decoder = decoders.BPEDecoder(suffix=WORD_END)
    library.add_special_tokens([AddedToken(token, normalized=False) for token in (UNKNOWN, end_of_text)])
    return library


def words_of(text: str) -> list[str]:
    """The words of a text, as the tokenizer itself splits it."""
    normalizer, splitter = _before()
    return [word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))]


@cache
def _before() -> tuple[Any, Any]:
    """What is done to a text before its words are merged: normaliser and pre-tokeniser."""
    from tokenizers import Regex, normalizers, pre_tokenizers

    replaced = [normalizers.Replace(Regex(pattern), content) for pattern, content in REPLACED]
    return normalizers.Sequence([*replaced, normalizers.BertNormalizer()]), pre_tokenizers.BertPreTokenizer()
