"""The files that say a tokenizer, all made from one tokenizer.json, for whoever reads another form.

    tokenizer.json          `tokenizers` and transformers: everything
    tokenizer_config.json   transformers: which special token is what; eos_token ends a text
    vocab.json, merges.txt  BPE: tokens with their ids; merges in their order (GPT-2's encoder.json and vocab.bpe)
    tokenizer.tiktoken      byte-level BPE: a token's bytes in base64, and its rank, a line; without special tokens
    vocab.txt               WordPiece: a token a line, by id

tiktoken knows no merges: it joins neighbours whose bytes together have the lowest rank. That is the same where each
token's own bytes, merged by the ranks below its own, end as the two parts that its merge names (`by_ranks`). Of a
tokenizer of ours it holds; a file of a user's for which it does not gets no ranks.
"""

import base64
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tasks.tokens.kinds.alphabet import bytes_of
from tasks.tokens.kinds.spelling import is_byte_level

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

FILE = "tokenizer.json"
CONFIG = "tokenizer_config.json"
VOCABULARY, MERGES = "vocab.json", "merges.txt"
RANKS = "tokenizer.tiktoken"
PIECES = "vocab.txt"
BERT = {"[PAD]": "pad_token", "[UNK]": "unk_token", "[CLS]": "cls_token", "[SEP]": "sep_token", "[MASK]": "mask_token"}


def files_of(library: "Library", end_of_text: str) -> dict[str, bytes]:
    """The files of a tokenizer, by name."""
    text = library.to_str(pretty=True)
    about = json.loads(text)
    model, ids = about["model"], library.get_vocab()
    by_id = sorted(ids, key=ids.__getitem__)
    files = {FILE: text.encode(), CONFIG: _json(_config(about, end_of_text))}
    if model["type"] == "BPE":
        files[VOCABULARY] = _json({token: ids[token] for token in by_id})
        files[MERGES] = "\n".join(["#version: 0.2", *map(" ".join, model["merges"]), ""]).encode()
        if is_byte_level(about) and (ranks := ranks_of(about)) is not None:
            files[RANKS] = b"".join(b"%s %d\n" % (base64.b64encode(spelt), rank) for spelt, rank in ranks.items())
    if model["type"] == "WordPiece":
        files[PIECES] = "\n".join([*by_id, ""]).encode()
    return files


def ranks_of(about: dict[str, Any]) -> dict[bytes, int] | None:
    """The ranks that give the same ids as a byte-level tokenizer.json; None where no ranks do."""
    model = about["model"]
    special = {token["content"] for token in about["added_tokens"]}
    tokens = {token: rank for token, rank in model["vocab"].items() if token not in special}
    ranks = {bytes_of(token): rank for token, rank in sorted(tokens.items(), key=lambda item: item[1])}
    merges = [(bytes_of(left), bytes_of(right)) for left, right in model["merges"]]
    made = [ranks[left + right] for left, right in merges]
    same = made == sorted(set(made)) and len(merges) == sum(len(token) > 1 for token in ranks)
    if not same or any(by_ranks(left + right, ranks) != (left, right) for left, right in merges):
        return None
    return ranks


def by_ranks(token: bytes, ranks: dict[bytes, int]) -> tuple[bytes, ...]:
    """A token's parts before its own rank's turn: its bytes, merged by ranks below its own; two of a token of BPE's."""
    parts = [token[place : place + 1] for place in range(len(token))]
    limit = ranks[token]
    while True:
        joined = [ranks.get(left + right, limit) for left, right in pairwise(parts)]
        lowest = min(joined, default=limit)
        if lowest >= limit:
            return tuple(parts)
        place = joined.index(lowest)
        parts[place : place + 2] = [parts[place] + parts[place + 1]]


def _config(about: dict[str, Any], end_of_text: str) -> dict[str, Any]:
    """tokenizer_config.json for transformers."""
    special = {token["content"] for token in about["added_tokens"] if token["special"]}
    if about["model"]["type"] == "WordPiece":
        named = {role: token for token, role in BERT.items() if token in special}
    else:
        unknown = about["model"].get("unk_token")
        named = {"bos_token": end_of_text} | ({"unk_token": unknown} if isinstance(unknown, str) else {})
    return {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": end_of_text, **named}


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
