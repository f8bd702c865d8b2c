"""A pipeline's title, of any length and script, and the name that files get of it."""

import hashlib
import unicodedata
from typing import Annotated

from pydantic import AfterValidator

from conf.keys import Text

PLAIN = " ._-"  # beside letters, marks and digits of any script
LONGEST = 100  # bytes of UTF-8: a name of a file has 255 at most, and fingerprints and endings come behind


def _one_line(title: str) -> str:
    """Without control characters and runs of white space, which no heading shows."""
    return " ".join("".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in title).split())


Title = Annotated[Text, AfterValidator(_one_line)]


def file_name(title: str) -> str:
    """The title itself where it can be a file's name; else what of it can, and 8 digits that are its own."""
    signs = ["-" if unicodedata.category(sign)[0] not in "LMN" and sign not in PLAIN else sign for sign in title]
    name = "".join(signs).strip(PLAIN)
    if name == title and len(name.encode()) <= LONGEST:
        return name
    cut = name.encode()[: LONGEST - 9].decode(errors="ignore").rstrip(PLAIN)
    return "-".join(part for part in (cut, hashlib.sha256(title.encode()).hexdigest()[:8]) if part)
