"""Text of others (titles, names, URLs, documents) as a terminal and Prefect's pages may show it.

A terminal obeys control characters, both obey marks that turn the direction of writing, and Prefect's UI renders
Markdown with the HTML in it, pictures from elsewhere included.
"""

import re
import unicodedata

# Marks that turn the direction of writing or are not seen: a name may look like another by them (Unicode UAX 9, TR36).
UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
# What begins markup, HTML, an entity or a link in the Markdown that Prefect's UI renders. A backslash takes its meaning
# away, in tables too, where that UI decodes no entities.
MARKED = re.compile(
    r"""[&<>\[\]`*\\|~$@]
    | (?<![a-zA-Z0-9])_ | _(?![a-zA-Z0-9])
    | (?<=:)/(?=/) | (?<=www)\.
    | ^[#+=-] | (?<=^\d)[.)](?=\s|$) | (?<=^\d\d)[.)](?=\s|$)""",
    re.VERBOSE,
)


def visible(text: str) -> str:
    """Control characters and unseen marks as escapes (\\x1b); line ends and tabs stay."""
    return "".join(_escape(letter) if _hidden(letter) else letter for letter in text)


def plain(text: str) -> str:
    """One line that Markdown shows as it is, in a table's cell too: no markup, no link, no HTML."""
    line = " ".join(visible(text).split())
    return MARKED.sub(lambda found: "\\" + found[0], line)


def code(text: str) -> str:
    """One line in the type of code, outside of tables."""
    line = " ".join(visible(text).split()) or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    space = " " if "`" in (line[0], line[-1]) else ""
    return f"{fence}{space}{line}{space}{fence}"


def _hidden(letter: str) -> bool:
    return (unicodedata.category(letter) == "Cc" and letter not in "\n\t") or bool(UNSEEN.match(letter))


def _escape(letter: str) -> str:
    return f"\\x{ord(letter):02x}" if ord(letter) < 256 else f"\\u{ord(letter):04x}"
