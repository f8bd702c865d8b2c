"""A tokenizer that a user has, read from whatever files say it, and made one tokenizer.json.

    tokenizer.json                of `tokenizers` or transformers, as it is
    x.tiktoken                    ranks, a token's bytes in base64 and its rank a line: with GPT-2's pattern
    vocab.json and merges.txt     byte-level BPE with GPT-2's pattern, or GPT-1's (</w>); encoder.json and vocab.bpe,
                                  encoder_bpe_40000.json and vocab_40000.bpe are the same by their makers' names

Files are known by what they hold. Ranks and merges say no pattern: of a tokenizer with another one (cl100k, Llama 3)
give its tokenizer.json.
"""

import base64
import binascii
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.tokenizer import END_OF_TEXT
from tasks.runtime.errors import Mistake
from tasks.tokens.kinds import byte_bpe, gpt1
from tasks.tokens.kinds.alphabet import CHARACTERS, token_of
from tasks.tokens.kinds.files import FILE, MERGES, RANKS, VOCABULARY, by_ranks
from tasks.tokens.kinds.sound import require_sound

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

# What a folder may hold, the first that it has; * matches one file.
FORMS = (
    (FILE,),
    (VOCABULARY, MERGES),
    ("encoder.json", "vocab.bpe"),
    ("encoder_bpe_40000.json", "vocab_40000.bpe"),
    (RANKS,),
    ("*.tiktoken",),
)


def patterns(named: str | list[str]) -> list[str]:
    """What conf's `file` names, as files: of a folder those of FORMS that it holds."""
    if isinstance(named, list):
        return named
    folder = Path(named)
    if not folder.is_dir():
        return [named]
    held = (form for form in FORMS if all(any(folder.glob(name)) for name in form))
    return [str(folder / name) for name in next(held, FORMS[0])]


def read(paths: list[Path], end_of_text: str | None) -> tuple["Library", str]:
    """The tokenizer, sound, and the token that ends a text, which is special in it.

    Args:
        end_of_text: the name of that token; <|endoftext|> if None. Ranks, which hold no special tokens, get it as the
            next id.

    Raises:
        Mistake: the files are none of these forms, are damaged, or have no such token (sound.py).
    """
    where, end = " and ".join(map(str, paths)), end_of_text or END_OF_TEXT
    contents = {path: path.read_bytes() for path in paths}
    if len(paths) == 1:
        (content,) = contents.values()
        library = _of_json(content, where) if content.lstrip()[:1] == b"{" else _of_ranks(content, end, where)
    elif len(paths) == 2:
        library = _of_pair(contents, end, where)
    else:
        raise Mistake(f"tokenizer.file matches {len(paths)} files: name one, or a vocabulary and its merges")
    require_sound(library, end, where)
    return library, end


def _of_json(content: bytes, where: str) -> "Library":
    from tokenizers import Tokenizer

    about = _json(content, where)
    if "model" not in about:
        raise Mistake(f"{where} is no {FILE}: it has no `model`. Of {VOCABULARY}, name {MERGES} beside it")
    _require_merges(about["model"], where)
    try:
        library = Tokenizer.from_buffer(content)
    except Exception as error:  # noqa: BLE001 - the library raises nothing more special
        raise Mistake(f"{where} is no {FILE} that `tokenizers` reads: {error}") from None
    library.no_truncation()  # these would cut documents, or fill them up
    library.no_padding()
    return library


def _require_merges(model: dict[str, Any], where: str) -> None:
    """The library refuses a merge of unknown parts too, without saying which."""
    if model.get("type") != "BPE":
        return
    known = model.get("vocab") or {}
    merges = [
        tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model.get("merges") or ()
    ]
    _require_known(merges, known, model.get("continuing_subword_prefix") or "", where)


def _require_known(merges: list[tuple[str, ...]], ids: Any, inside: str, where: str) -> None:
    for number, merge in enumerate(merges):
        if len(merge) != 2:
            raise Mistake(f"{where}: merge {number} is {' '.join(merge)!r}, which is no pair of tokens")
        for token in (*merge, merge[0] + merge[1].removeprefix(inside)):
            if token not in ids:
                raise Mistake(f"{where}: merge {number} ({merge[0]!r}, {merge[1]!r}) has {token!r}, which is no token")


def _of_pair(contents: dict[Path, bytes], end: str, where: str) -> "Library":
    by_json = sorted(contents, key=lambda path: contents[path].lstrip()[:1] != b"{")
    vocabulary, listed = by_json
    ids = _json(contents[vocabulary], str(vocabulary))
    tokens = _in_order(ids, str(vocabulary))
    try:
        lines = contents[listed].decode().split("\n")
    except UnicodeDecodeError:
        raise Mistake(f"{listed} is not UTF-8: it is no list of merges") from None
    lines = lines[1:] if lines[0].startswith("#version") else lines
    merges = [tuple(line.rstrip("\r").split(" ")) for line in lines if line.strip()]
    _require_known(merges, ids, "", str(listed))
    pairs = [(left, right) for left, right in merges]
    if end not in ids:
        raise Mistake(f"{where}: there is no token {end!r}; name the one that ends a text as `end_of_text`")
    if any(token.endswith(gpt1.WORD_END) for token in tokens) and gpt1.UNKNOWN in ids:
        return gpt1.made(tokens, pairs, end)
    if missing := [character for character in CHARACTERS if character not in ids]:
        raise Mistake(f"{where}: {len(missing)} of the 256 bytes have no id, such as {missing[0]!r} (GPT-2's alphabet)")
    return byte_bpe.made(tokens, pairs, end)


def _in_order(ids: dict[str, Any], where: str) -> list[str]:
    """Tokens by their ids, which are 0 to n - 1, each once."""
    if any(not isinstance(number, int) or isinstance(number, bool) for number in ids.values()):
        raise Mistake(f"{where} is no vocabulary: it maps tokens to ids, whole numbers")
    tokens = sorted(ids, key=ids.__getitem__)
    for place, token in enumerate(tokens):
        if ids[token] != place:
            raise Mistake(f"{where}: ids must be 0 to {len(ids) - 1}, each once, but {token!r} has {ids[token]}")
    return tokens


def _of_ranks(content: bytes, end: str, where: str) -> "Library":
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            spelt, rank = line.split()
            token, place = base64.b64decode(spelt, validate=True), int(rank.decode())
        except (ValueError, binascii.Error):
            raise Mistake(f"{where}, line {number}: not a token in base64 and its rank, as tiktoken has them") from None
        if token in ranks or place != len(ranks) or not token:
            raise Mistake(f"{where}, line {number}: ranks must ascend from 0, each token once; this one is {place}")
        ranks[token] = place
    if absent := [byte for byte in range(256) if bytes([byte]) not in ranks]:
        raise Mistake(f"{where}: {len(absent)} of the 256 bytes have no rank, such as 0x{absent[0]:02x}")
    pairs: list[tuple[str, str]] = []
    for spelling, place in ranks.items():
        if len(spelling) > 1:
            parts = by_ranks(spelling, ranks)
            if len(parts) != 2:
                raise Mistake(
                    f"{where}: the token of rank {place} ({token_of(spelling)}) is no two tokens of lower rank"
                )
            pairs.append((token_of(parts[0]), token_of(parts[1])))
    return byte_bpe.made([token_of(token) for token in ranks], pairs, end)


def _json(content: bytes, where: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) < len(pairs):
            twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
            raise Mistake(f"{where}: {twice!r} is there twice")
        return found

    try:
        value = json.loads(content, object_pairs_hook=once)
    except ValueError as error:
        raise Mistake(f"{where} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Mistake(f"{where} is no tokenizer: its JSON is no object")
    return value
