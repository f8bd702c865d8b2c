"""A byte-level tokenizer, as tests of model/ use it."""

from collections.abc import Sequence
from pathlib import Path

VOCABULARY, END = 257, 256  # the 256 bytes and <|endoftext|>


def write_tokenizer(path: Path, added: Sequence[str] = ()) -> Path:
    """`added`: special tokens behind the vocabulary."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    library = Tokenizer(models.BPE({**{s: n for n, s in enumerate(symbols)}, "<|endoftext|>": END}, []))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    library.add_special_tokens(["<|endoftext|>", *added])  # it is there, and now known to be special
    library.save(str(path))
    return path
