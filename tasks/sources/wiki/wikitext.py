"""Wikitext (MediaWiki's markup) to the text that a reader of the page sees.

Links by their label; files, categories, links between languages, references, galleries, comments and templates out, but
for those templates whose words and numbers belong to the sentence (templates.py); headings and lists as lines
(lines.py); what stands in nowiki, pre, syntaxhighlight and poem with its white space; formulas as LaTeX between
dollar signs; entities resolved once. Powers and indices of digits as a reader sees them: 10⁶, H₂O.

Nothing raises and nothing takes longer than in proportion to the text, however it is nested (nest.py).
"""

import html
import re
from dataclasses import dataclass, field

from tasks.sources.wiki.lines import GONE, laid_out, tidy
from tasks.sources.wiki.local_templates import LOCAL
from tasks.sources.wiki.nest import BAR, CELL, LINK, ROW, TABLE, TEMPLATE, Mark, nest
from tasks.sources.wiki.templates import FUNCTIONS, Arguments, lowered, raised, shown

# Signs of our own, of code points that no text has (Unicode's noncharacters; `clean` would delete them).
OURS = dict.fromkeys(range(0xFDD0, 0xFDF0))
KEEP, KEPT = "\ufdd0", "\ufdd1"  # KEEP number KEPT: what is put back last, as it was
VERBATIM = re.compile(f"{KEEP}([0-9]+){KEPT}")
SIGNS = {ROW: "\ufdd3", CELL: "\ufdd4", BAR: "\ufdd5"}
DEPTH = 20  # templates and links kept inside one another; MediaWiki's own limit is 40, texts need three or four

# Names of elements: left out with their content; kept as they are written; whose tags alone are left out.
OUT = (
    "ref|references|gallery|timeline|imagemap|templatedata|templatestyles|mapframe|maplink|graph|chart|hiero|score|"
    "inputbox|includeonly|indicator|categorytree|section|style|script|rss|dynamicpagelist|phonos"
)
AS_IT_IS = "nowiki|pre|syntaxhighlight|source|math|ce|chem"
INLINE = (
    "abbr|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|noinclude|onlyinclude|poem|q|rb|rp|rt|rtc|"
    "ruby|s|samp|small|span|strike|strong|sub|sup|time|tt|u|var|wbr|langconvert|translate|tvar|nobr"
)
BLOCK = "blockquote|br|caption|center|dd|div|dl|dt|h1|h2|h3|h4|h5|h6|hr|li|ol|p|table|tbody|td|tfoot|th|thead|tr|ul"

ELEMENT = re.compile(rf"<!--|<({OUT}|{AS_IT_IS}|table)\b([^<>]*)>", re.IGNORECASE)
TAGS = {
    **dict.fromkeys(OUT.split("|"), GONE),
    **dict.fromkeys(INLINE.split("|"), ""),
    **dict.fromkeys(BLOCK.split("|"), "\n"),
    **dict.fromkeys(("td", "th"), " "),
}
TAG = re.compile(r"</?([a-z][a-z0-9]*)\b[^<>]*>", re.IGNORECASE)
SMALL = re.compile(r"<(su[bp])\b[^<>]{0,99}>([^<>\n]{0,12})</\1\s*>", re.IGNORECASE)
ARGUMENT = re.compile(r"\{\{\{[^{}|\n]{0,99}(?:\|([^{}\n]{0,199}))?\}\}\}")
ADDRESS = re.compile(
    r"\[(?:(?:https?|ftps?|ircs?|gopher|news|nntp|svn|git|telnet):)?(?://|mailto:)[^\s\[\]<>]*+"
    r"([ \t][^\[\]\n]*+)?\]"
)
QUOTES = re.compile(r"'{2,}")
SWITCH = re.compile(
    r"__(?:NO|FORCE)?(?:TOC|EDITSECTION|NEWSECTIONLINK|GALLERY|TITLECONVERT|CONTENTCONVERT|TC|CC|INDEX|STATICREDIRECT|"
    r"GLOBAL|HIDDENCAT|EXPECTUNUSEDCATEGORY|DISAMBIG)(?:LINK)?__"
)
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]{2,10}){0,3}|simple|tokipona")
NAMED = re.compile(r"\s*([^\s=<>{}\[\]|][^=<>{}\[\]|\n]{0,40}?)\s*=")
RULE = re.compile(r"^-{4,}", re.MULTILINE)


@dataclass(frozen=True)
class Forms:
    """What of a text is kept, and the names of namespaces whose links are out (files and categories, in lower case).

    `language`: the wiki's, whose names of templates are known beside the English ones.
    """

    tables: bool = False
    math: bool = True
    media: frozenset[str] = frozenset({"file", "image", "media"})
    categories: frozenset[str] = frozenset({"category"})
    language: str = ""
    label: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = "|".join(re.escape(name).replace(r"\ ", "[ _]") for name in sorted(self.media))
        object.__setattr__(self, "label", re.compile(rf"[\s_]*(?:{names})[\s_]*:", re.IGNORECASE))


def plain(wikitext: str, forms: Forms = Forms()) -> str:
    """The text of a page."""
    text, verbatim = _elements(wikitext.translate(OURS) if _ours(wikitext) else wikitext, forms)
    text = ARGUMENT.sub(lambda found: found.group(1) or "", text) if "{{{" in text else text
    text = _Page(text, nest(text, forms.label, forms.tables), forms).whole()
    text = SMALL.sub(_small, text)
    text = TAG.sub(_tag, text)
    text = ADDRESS.sub(lambda found: (found.group(1) or "").strip() or GONE, text)
    text = QUOTES.sub(_quotes, text)
    text = RULE.sub("", SWITCH.sub(GONE, text)).replace("&nbsp;", " ")
    text = ENTITY.sub(_entity, tidy(laid_out(text)))  # last: `&#42;` begins no list
    return VERBATIM.sub(lambda found: verbatim[int(found.group(1))], text)


def _ours(text: str) -> bool:
    return not text.isascii() and re.search("[\ufdd0-\ufdef]", text) is not None


def _elements(text: str, forms: Forms) -> tuple[str, list[str]]:
    """The text without comments and OUT, with signs in place of what is AS_IT_IS; and that, in order."""
    parts: list[str] = []
    verbatim: list[str] = []
    without_end: set[str] = set()  # names of which no end follows: not looked for again
    at = 0
    while found := ELEMENT.search(text, at):
        parts.append(text[at : found.start()])
        name = (found.group(1) or "").lower()
        at = found.end()
        if not name:  # a comment without an end goes to the page's end, as in MediaWiki
            end = text.find("-->", at)
            at = len(text) if end < 0 else end + 3
            continue
        if found.group(2).endswith("/") or name in without_end:
            parts.append(GONE if TAGS.get(name) == GONE else "")
            continue
        if name == "table" and forms.tables:
            parts.append("\n")
            continue
        end_tag = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(text, at)
        if end_tag is None:
            without_end.add(name)
            parts.append(GONE if TAGS.get(name) == GONE else "")
            continue
        body = text[at : end_tag.start()]
        at = end_tag.end()
        if TAGS.get(name) == GONE or name == "table" or (name == "math" and not forms.math):
            parts.append(GONE)
            continue
        before, body, after = _as_it_is(name, found.group(2), body)
        parts.append(f"{before}{KEEP}{len(verbatim)}{KEPT}{after}")
        verbatim.append(body)
    parts.append(text[at:])
    return "".join(parts), verbatim


def _as_it_is(name: str, attributes: str, body: str) -> tuple[str, str, str]:
    """(what comes before, body, what comes after) of an element whose content is not wikitext."""
    if name == "math":
        body = body.strip()
        return ("\n", f"$${body}$$", "\n") if "block" in attributes else ("", f"${body}$", "")
    if name in ("ce", "chem"):
        return "", body.strip(), ""
    if name in ("nowiki", "pre"):
        body = ENTITY.sub(_entity, re.sub(r"</?nowiki\s*/?>", "", body))
    if name in ("pre", "syntaxhighlight", "source") and not re.search(r"\binline\b", attributes):
        return "\n\n", body.strip("\n").rstrip(), "\n\n"
    return "", body, ""


class _Page:
    """A nested text, written out from its marks."""

    def __init__(self, text: str, marks: list[Mark], forms: Forms):
        self.text, self.marks, self.forms = text, marks, forms
        self.local = LOCAL.get(forms.language, {})

    def whole(self) -> str:
        return "".join(self._inside(-1, len(self.marks), 0, bars=False))

    def _inside(self, opening: int, ending: int, depth: int, bars: bool = True) -> list[str]:
        """The text between two marks (-1 and their number: the whole), split at its own bars where `bars`."""
        marks, text = self.marks, self.text
        at = marks[opening].end if opening >= 0 else 0
        parts: list[list[str]] = [[]]
        number = opening + 1
        while number < ending:
            mark = marks[number]
            parts[-1].append(text[at : mark.start])
            at = mark.end
            if mark.partner >= 0:
                parts[-1].append(self._written(number, depth + 1))
                number, at = mark.partner, marks[mark.partner].end
            elif mark.what in SIGNS and opening >= 0 and marks[opening].what == TABLE:
                parts[-1].append(SIGNS[mark.what])
            elif mark.what == BAR and bars:
                parts.append([])
            elif mark.what in (BAR, TABLE):  # a table without an end: its line goes with its rows (lines.py)
                parts[-1].append("|")
            number += 1
        parts[-1].append(text[at : marks[ending].start if ending < len(marks) else len(text)])
        return ["".join(part) for part in parts]

    def _written(self, number: int, depth: int) -> str:
        """What is seen of a template, link or table."""
        mark = self.marks[number]
        if depth > DEPTH:
            return GONE
        if mark.what == TEMPLATE:
            return self._template(number, depth)
        if mark.what == LINK:
            return self._link(number, depth)
        if not self.forms.tables:
            return f"\n{GONE}\n"
        return f"\n{_rows(''.join(self._inside(number, mark.partner, depth)))}\n"

    def _template(self, number: int, depth: int) -> str:
        mark, following = self.marks[number], self.marks[number + 1]
        name = self.text[mark.end : following.start].strip() if following.start - mark.end < 99 else ""
        seen = shown(name, self.local)
        function = name.lower().startswith(FUNCTIONS)
        if seen is None or (following.what == TEMPLATE and not function):
            return GONE
        name, *values = self._inside(number, mark.partner, depth)
        if function:
            values.insert(0, name)
        given = Arguments([], {})
        for value in values:
            if named := NAMED.match(value):
                given.named[named.group(1).lower()] = value[named.end() :]
            else:
                given.placed.append(value)
        return seen(given) or GONE

    def _link(self, number: int, depth: int) -> str:
        mark = self.marks[number]
        start, end = mark.end, self.marks[mark.partner].start
        target = self.text[start : min(end, self.marks[number + 1].start)].strip()
        prefix, colon, rest = target.partition(":")
        prefix = prefix.replace("_", " ").strip()
        if colon and prefix.lower() in self.forms.media | self.forms.categories:
            return GONE
        name, *labels = self._inside(number, mark.partner, depth)
        if not labels:
            if LANGUAGE.fullmatch(prefix) and colon and not rest.startswith(" "):
                return GONE  # the same page in another language, which stands beside the text
            return name.strip().removeprefix(":")
        label = "|".join(labels)
        return label if label.strip() else re.sub(r"\s*[(,].*", "", name.strip().removeprefix(":"))


def _rows(table: str) -> str:
    """Rows of a table as lines, cells between bars; attributes out."""
    rows = []
    for row in table.split(SIGNS[ROW]):
        cells = [cell.partition(SIGNS[BAR]) for cell in row.split(SIGNS[CELL])[1:]]
        contents = [(content if bar else cell).replace(SIGNS[BAR], "|") for cell, bar, content in cells]
        texts = [" ".join(TAG.sub(_tag, content).split()) for content in contents]
        if filled := [text for text in texts if text.strip(GONE)]:
            rows.append(" | ".join(filled))
    return "\n".join(rows) or GONE


def _small(found: re.Match[str]) -> str:
    return (raised if found.group(1).lower() == "sup" else lowered)(found.group(2).strip(GONE))


def _tag(found: re.Match[str]) -> str:
    return TAGS.get(found.group(1).lower(), found.group())


def _quotes(found: re.Match[str]) -> str:
    """Signs of italics (2), bold (3) or both (5) out; one of four stays, and what is above five."""
    count = found.end() - found.start()
    return "'" if count == 4 else "'" * max(0, count - 5)


def _entity(found: re.Match[str]) -> str:
    return html.unescape(found.group())
