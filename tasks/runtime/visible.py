"""Text that others wrote, made visible: what has no shape of its own, or turns the text around it, is spelt out."""

import re
import unicodedata
from typing import Final

# Cc: controls (a terminal's escapes among them); Cf: zero-width and soft characters, and those that turn the direction
# of writing (RFC 9839 and Unicode TR36, section 2.4 name what they hide); Cs: halves of surrogates; Zl, Zp: line
# and paragraph separators. White space that every page and terminal shows as such is left alone.
HIDDEN: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")
LEFT: Final = "\n\t"
_ASCII = re.compile(r"[\n\t\x20-\x7e]*\Z")


def visible(text: str) -> str:
    """The text with every hidden character as `[U+202E]`; letters of right-to-left scripts are letters."""
    if _ASCII.match(text):
        return text
    return "".join(
        f"[U+{ord(char):04X}]" if unicodedata.category(char) in HIDDEN and char not in LEFT else char for char in text
    )
