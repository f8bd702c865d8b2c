"""Languages that are told apart: the codes that a document's `language` may have, which a test compares with the model.

ISO 639-1, of two letters, where the language has one; else ISO 639-3.
"""

from typing import Annotated

from pydantic import AfterValidator

CODES = frozenset(
    """
af am an ar as az ba be bg bn bo br bs ca cs cy da de dv dz el en eo es et eu fa ff fi fo fr fy ga gd gl gn gu ha he
hi hr ht hu hy id ig ii is it iu ja jv ka ki kk km kn ko ku ky la lb lg ln lo lt lv mg mk ml mn mr ms mt my ne nl nn
no oc om or pa pl ps pt qu ro ru rw sa se si sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz vi vo wa
xh yo zh zu ace bcl chr crh ext gcf gcr gom grc guw kab lij nqo nso pcm sat syr vai vec zgh
""".split()  # noqa: SIM905 (a list would be 12 lines)
)
# Codes that ISO 639 gave up, or gives to a part or the whole of what is told apart; and how countries write theirs.
OTHERS = {"iw": "he", "in": "id", "nb": "no", "sh": "sr", "cmn": "zh", "yue": "zh", "fil": "tl", "jp": "ja", "cn": "zh"}


def _known(code: str) -> str:
    """A code as documents have it; one that is nearly so is refused with the one that is meant."""
    if code in CODES:
        return code
    plain = code.strip().lower()
    first = plain.replace("_", "-").partition("-")[0]
    for guess in (plain, first, OTHERS.get(first, ""), plain[:2] if len(plain) == 3 else ""):
        if guess in CODES:
            raise ValueError(f"{code} is no code of a language that is told apart; did you mean {guess}?")
    raise ValueError(f"{code} is no code of a language that is told apart (ISO 639-1, such as en, de, zh)")


Language = Annotated[str, AfterValidator(_known)]
