"""The nesting of wikitext: which `{{`, `[[` and `{|` have their end, found in one pass over the text.

Time and memory are in proportion to the text, whatever it holds: a token is pushed once and popped once, nothing is
parsed again because an end was missing. (mwparserfromhell 0.7, the well-kept library for this, parses again: 3,000
times `<ref name=`, or `{{a|[[b|<b>`, take it longer than anyone waits. It is the reference in the tests, not in use.)

What is not nested well is a stray mark: an end without a beginning, a beginning without an end, a link over a
paragraph's end, a link in a link that is no file's. The text around it stays.
"""

import re
from bisect import bisect
from typing import NamedTuple

TOKEN = re.compile(r"\{\{|\}\}|\[\[|\]\]|^[ \t:*#]*\{\||^[ \t]*\|\}(?!\})|\|", re.MULTILINE)
TABLES = re.compile(
    r"\{\{|\}\}|\[\[|\]\]|^[ \t:*#]*\{\||^[ \t]*\|\}(?!\})|^[ \t]*\|-+|^[ \t]*\|\+|^[ \t]*[|!]|\|\||!!|\|", re.MULTILINE
)
PARAGRAPH = re.compile(r"\n[ \t]*\n")
TEMPLATE, LINK, TABLE, BAR, ROW, CELL, END, STRAY = "{{", "[[", "{|", "|", "row", "cell", "end", "stray"


class Mark(NamedTuple):
    """A token: its place, what it is, and, of a beginning that has its end, the index of the end's mark (else -1)."""

    start: int
    end: int
    what: str
    partner: int


def nest(text: str, media: re.Pattern[str], tables: bool) -> list[Mark]:
    """Marks of a text in its order.

    Args:
        text: wikitext without comments and without elements whose content is no wikitext.
        media: matches behind the `[[` of a link to a file, whose caption may hold links.
        tables: whether rows and cells are marked.
    """
    marks: list[Mark] = []
    open_: list[int] = []  # marks that wait for their end
    waiting = {TEMPLATE: 0, LINK: 0, TABLE: 0}
    paragraphs = [match.start() for match in PARAGRAPH.finditer(text)]
    header: list[bool] = []  # of each open table: whether the line at hand began with `!`

    def push(start: int, end: int, what: str) -> None:
        open_.append(len(marks))
        waiting[what] += 1
        marks.append(Mark(start, end, what, -1))

    def pop() -> int:
        number = open_.pop()
        waiting[marks[number].what] -= 1
        if marks[number].what == TABLE:
            header.pop()
        return number

    def close(start: int, end: int) -> None:
        number = pop()
        marks[number] = marks[number]._replace(partner=len(marks))
        marks.append(Mark(start, end, END, -1))

    def stray(start: int, end: int) -> None:
        marks.append(Mark(start, end, STRAY, -1))

    for match in (TABLES if tables else TOKEN).finditer(text):
        start, end = match.span()
        token = match.group().lstrip(" \t:*#")
        top = marks[open_[-1]].what if open_ else ""
        if token == BAR or (token == "||" and top != TABLE):
            if top in (TEMPLATE, LINK) or (top == TABLE and tables):
                if top == TABLE and (start == 0 or text[start - 1] == "\n"):
                    marks.append(Mark(start, end, CELL, -1))
                    header[-1] = False
                else:
                    marks.extend(Mark(at, at + 1, BAR, -1) for at in range(end - len(token), end))
        elif token == TEMPLATE:
            push(start, end, TEMPLATE)
        elif token == "}}":
            while waiting[TEMPLATE] and marks[open_[-1]].what != TEMPLATE:
                pop()
            if waiting[TEMPLATE]:
                close(start, end)
            else:
                stray(start, end)
        elif token == LINK:
            if top == LINK and not media.match(text, marks[open_[-1]].end):
                pop()
            push(start, end, LINK)
        elif token == "]]":
            begin = marks[open_[-1]].end if top == LINK else 0
            one = bisect(paragraphs, begin) == bisect(paragraphs, start)
            if top == LINK and (one or media.match(text, begin)):
                close(start, end)
            else:
                if top == LINK:
                    pop()
                stray(start, end)
        elif token == TABLE:
            push(start, end, TABLE)
            header.append(False)
        elif token == "|}":
            while waiting[TABLE] and marks[open_[-1]].what == LINK:
                pop()
            if open_ and marks[open_[-1]].what == TABLE:
                close(start, end)
            elif open_ and marks[open_[-1]].what == TEMPLATE:
                marks.append(Mark(end - 2, end - 1, BAR, -1))
            else:
                stray(start, end)
        elif tables:
            _cell(marks, start, end, token, top, header)
    return marks


def _cell(marks: list[Mark], start: int, end: int, token: str, top: str, header: list[bool]) -> None:
    """Mark what divides a table; the same characters in a template are its bar, elsewhere text."""
    if top == TABLE:
        if token.startswith("|-"):
            marks.append(Mark(start, end, ROW, -1))
        elif token == "|+":
            marks.extend((Mark(start, end, ROW, -1), Mark(end, end, CELL, -1)))
        elif token == "||" or (token == "!!" and header[-1]):
            marks.append(Mark(start, end, CELL, -1))
        elif token != "!!":
            marks.append(Mark(start, end, CELL, -1))
            header[-1] = token == "!"
    elif top in (TEMPLATE, LINK) and "|" in token:
        at = end - len(token.lstrip())
        marks.append(Mark(at, at + 1, BAR, -1))
