"""Whether a tokenizer that others made can tokenise a corpus: nothing is lost, and no text ends a document."""

import json
from typing import TYPE_CHECKING, Any

from tasks.runtime.errors import Mistake
from tasks.tokens.kinds.alphabet import CHARACTERS
from tasks.tokens.kinds.spelling import is_byte_level, spelled

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

AROUND = ("{}", "a{}b", " {} ", "\n{}\n")  # how a text may spell the token that ends a text


def require_sound(library: "Library", end_of_text: str, where: str) -> None:
    """See to it that `end_of_text` is a special token, and that the tokenizer is whole.

    Raises:
        Mistake: ids are not 0 to n - 1, each once; a byte, or what is unknown, has no id; `end_of_text` is no token, or
            a text that spells it would get its id; a token's text cannot be told.
    """
    about = json.loads(library.to_str())
    ids = library.get_vocab()
    _require_whole(about, ids, where)
    if end_of_text not in ids:
        raise Mistake(f"{where}: there is no token {end_of_text!r}; name the one that ends a text as `end_of_text`")
    _make_special(library, end_of_text)
    library.encode_special_tokens = True
    for around in AROUND:
        if ids[end_of_text] in library.encode(around.format(end_of_text), add_special_tokens=False).ids:
            raise Mistake(
                f"{where}: a text that spells {end_of_text!r} gets its id, so that it would end a document; name "
                "another special token as `end_of_text`"
            )
    library.encode_special_tokens = False
    try:
        spelled(about)
    except ValueError as error:
        raise Mistake(f"{where}: {error}") from None


def _require_whole(about: dict[str, Any], ids: dict[str, int], where: str) -> None:
    by_id = sorted(ids, key=ids.__getitem__)
    for place, token in enumerate(by_id):
        if ids[token] != place:
            raise Mistake(f"{where}: ids must be 0 to {len(ids) - 1}, each once, but {token!r} has {ids[token]}")
    model = about["model"]
    if is_byte_level(about):
        if missing := [character for character in CHARACTERS if character not in ids]:
            raise Mistake(
                f"{where}: {len(missing)} of the 256 bytes have no id, such as {missing[0]!r} (GPT-2's alphabet)"
            )
    elif model.get("byte_fallback"):
        if missing := [token for token in (f"<0x{byte:02X}>" for byte in range(256)) if token not in ids]:
            raise Mistake(f"{where}: {len(missing)} of the 256 bytes have no id, such as {missing[0]}")
    elif model.get("unk_token") not in ids and model.get("unk_id") is None:
        raise Mistake(f"{where}: it has neither all bytes nor a token for what is unknown: text would be lost")


def _make_special(library: "Library", token: str) -> None:
    """As text it is then text, wherever text is encoded (encode_special_tokens)."""
    from tokenizers import AddedToken

    added = {added.content: added for added in library.get_added_tokens_decoder().values()}
    if token not in added or not added[token].special:
        library.add_special_tokens([AddedToken(token, normalized=False, special=True)])
