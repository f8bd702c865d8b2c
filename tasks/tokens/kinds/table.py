"""The kinds of tokenizers that are fitted, by the name that conf gives them. A user's own files are given.py's."""

from tasks.tokens.kinds.byte_bpe import BYTE_BPE
from tasks.tokens.kinds.gpt1 import GPT1
from tasks.tokens.kinds.kind import Kind
from tasks.tokens.kinds.wordpiece import WORDPIECE

KINDS: dict[str, Kind] = {"byte-bpe": BYTE_BPE, "gpt1": GPT1, "wordpiece": WORDPIECE}
