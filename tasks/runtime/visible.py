"""Text of others as a terminal or a page may show it: what acts, hides or turns text round is written as an escape.

A page can hold ESC sequences that rewrite the screen, and marks of direction that show a text in another order than it
stands (CVE-2021-42574). Characters of the categories Cc (controls), Cf (format, but for the two joiners that scripts
need), Cs (lone surrogates), Zl and Zp (line and paragraph separators) become `\\x1b`, `\\u202e` and the like.
"""

import re

# Cc: C0, DEL and C1. Of Cf what lies outside of these ranges is shown by a glyph (Arabic number signs), or is a joiner.
HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)


def visible(text: str, kept: str = "\n\t") -> str:
    """The text with every such character escaped, but those of `kept`."""
    return HIDDEN.sub(lambda found: found[0] if found[0] in kept else _escaped(found[0]), text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
