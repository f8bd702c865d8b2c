"""Text of others (titles, names, URLs, documents) as Markdown that shows it as it is.

Prefect's UI renders Markdown with the HTML in it, pictures from elsewhere included.
"""

import re

from tasks.runtime.visible import visible

# What begins markup, HTML, an entity or a link in the Markdown that Prefect's UI renders. A backslash takes its meaning
# away, in tables too, where that UI decodes no entities.
MARKED = re.compile(
    r"""[&<>\[\]`*\\|~$@]
    | (?<![a-zA-Z0-9])_ | _(?![a-zA-Z0-9])
    | (?<=:)/(?=/) | (?<=www)\.
    | ^[#+=-] | (?<=^\d)[.)](?=\s|$) | (?<=^\d\d)[.)](?=\s|$)""",
    re.VERBOSE,
)


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
