"""From a page's HTML to its text in blocks, in one pass: what each block is, and which elements it stands in.

Tags, comments, raw text (scripts, styles), and attributes are told apart as the HTML standard's tokenizer does (WHATWG
HTML, 13.2.5), character references are read once. Of its tree only what blocks need is kept: a stack of the open
elements that are not inline, the end tags that the standard implies for p, li, dd, dt, h1..h6 and parts of tables, and
the barrier that a table cell is for end tags. Formatting never nests, so that nothing is opened again. Time and memory
grow with the page's length alone, whatever the page: no search in the stack goes further than REACH.

A block is a paragraph, a heading, an item, a cell, a `<pre>` whole, or a line between `<br>`.
"""

import unicodedata
from functools import cache

import numpy as np
from numba import njit, types, uint32, uint64

from tasks.kernels import tags
from tasks.kernels.references import BASIS, PRIME, reference

LETTER, UPPER, DIGIT, SPACE, STOP, COMMA, MARK, WIDE = 1, 2, 4, 8, 16, 32, 64, 128
STOPS, COMMAS, MARKS = ".!?…。！？．", ",;:—–“”„«»()、，；：「」", "|›>•·/#@©+→←"
PLAIN, PARAGRAPH, ITEM, HEADING, PREFORMATTED, IN_CELL = range(6)  # what a block is
REACH = 1024  # elements that an end tag looks through

# Columns of what is counted of a block.
COUNTED = (
    "length", "linked", "anchors", "letters", "uppers", "digits", "stops", "commas", "marks", "words", "short_words",
    "capital_words", "starts_lower", "ends", "kind", "gap", "ordinal", "element", "breaks", "in_form",
)  # fmt: skip
LENGTH, LINKED, KIND, GAP, ORDINAL, ELEMENT = (
    COUNTED.index(name) for name in ("length", "linked", "kind", "gap", "ordinal", "element")
)
PARENT, TAG, OWN, DEPTH = range(4)  # columns of an element

_NEXT, _FOUND, _TAG_MARKS = tags.NEXT, tags.FOUND, tags.TAG_MARKS
_PROPERTIES, _HASHES, _PLACES = tags.PROPERTIES, tags.HASHES, tags.CODES
_SLOTS = tags.SLOTS
_ATTRIBUTE_HASHES, _ATTRIBUTE_PLACES = tags.slotted(tags.ATTRIBUTES, 64)
_STYLE, _HIDDEN, _HREF = (tags.ATTRIBUTES[name] for name in ("style", "hidden", "href"))
_HIDDEN_MARK = tags.MARK["hidden"]
(
    _A, _BR, _HR, _P, _PRE, _LISTING, _LI, _DD, _DT, _DIV, _ADDRESS, _UL, _OL, _TABLE, _TR, _TD, _TH, _CAPTION, _TITLE,
    _SCRIPT, _SVG, _SELECT, _FORM, _H1, _H6, _TBODY, _THEAD, _TFOOT, _PLAINTEXT, _OBJECT, _TEMPLATE, _SECTION,
    _ARTICLE, _MAIN, _BODY,
) = (
    tags.CODE[name] for name in (
        "a", "br", "hr", "p", "pre", "listing", "li", "dd", "dt", "div", "address", "ul", "ol", "table", "tr", "td",
        "th", "caption", "title", "script", "svg", "select", "form", "h1", "h6", "tbody", "thead", "tfoot",
        "plaintext", "object", "template", "section", "article", "main", "body",
    )
)  # fmt: skip
_VOID, _BREAKS, _PUSHED, _RAW = tags.VOID, tags.BREAKS, tags.PUSHED, tags.RAW
_SKIPPED, _GAPPED, _CELL, _SPECIAL = tags.SKIPPED, tags.GAPPED, tags.CELL, tags.SPECIAL
_KINDS = np.zeros(len(tags.PROPERTIES), np.int32)
_KINDS[:] = -1  # that of the element around
for _name, _kind in (
    ("p", PARAGRAPH), ("li", ITEM), ("dd", ITEM), ("dt", ITEM), ("pre", PREFORMATTED), ("listing", PREFORMATTED),
    ("td", IN_CELL), ("th", IN_CELL), ("article", PLAIN), ("main", PLAIN), ("section", PLAIN), ("blockquote", PLAIN),
    *((f"h{level}", HEADING) for level in range(1, 7)),
):  # fmt: skip
    _KINDS[tags.CODE[_name]] = _kind

_CODES = types.Array(types.uint32, 1, "C", readonly=True)
_TABLE8 = types.Array(types.uint8, 1, "C")


@cache
def classes() -> np.ndarray:
    """uint8 (65537,): what a code point is; the last stands for all beyond."""
    table = np.zeros(0x10001, np.uint8)
    for code in range(0x10000):
        character = chr(code)
        category = unicodedata.category(character)
        value = LETTER if category[0] == "L" else 0
        value |= UPPER if category == "Lu" else 0
        value |= DIGIT if category == "Nd" else 0
        value |= WIDE if category == "Lo" and unicodedata.east_asian_width(character) == "W" else 0
        value = SPACE if character.isspace() else value
        table[code] = value
    table[0x10000] = LETTER | WIDE
    for characters, value in ((STOPS, STOP), (COMMAS, COMMA), (MARKS, MARK)):
        table[[ord(character) for character in characters]] |= value
    table[: ord(" ") + 1] = SPACE
    return table


@njit(types.boolean(types.uint32), cache=True, nogil=True, inline="always")
def _blank(code):
    return code == 32 or (9 <= code <= 13 and code != 11)


@njit(types.boolean(types.uint32), cache=True, nogil=True, inline="always")
def _letter(code):
    return 97 <= (code | 32) <= 122


@njit(types.boolean(_CODES, types.int64, types.int64, types.int64), cache=True, nogil=True)
def _named(codes, at, start, end):
    """Whether the name in codes[start:end] stands at a place, in any case, and ends there."""
    size = end - start
    n = len(codes)
    if at + size >= n:
        return False
    for i in range(size):
        if (codes[at + i] | 32) != (codes[start + i] | 32):
            return False
    code = codes[at + size]
    return _blank(code) or code == 47 or code == 62


@njit(types.int64(_CODES, types.int64, types.int64, types.int64, types.boolean), cache=True, nogil=True)
def _raw_end(codes, at, start, end, script):
    """Where raw text that begins at a place ends: at its end tag, whose name is codes[start:end], or the page's end.

    Of a script: `<!-- <script> </script>` does not end it (script data double escaped).
    """
    n = len(codes)
    escaped = 0
    i = at
    while i < n:
        code = codes[i]
        if code == 60 and i + 1 < n:
            if codes[i + 1] == 47 and _named(codes, i + 2, start, end):
                if escaped < 2:
                    return i
                escaped = 1
            elif script and escaped == 0 and i + 3 < n and codes[i + 1] == 33 and codes[i + 2] == 45:
                if codes[i + 3] == 45:
                    escaped = 1
                    i += 2  # `<!-->` ends what it began
                    continue
            elif escaped == 1 and _named(codes, i + 1, start, end):
                escaped = 2
        elif script and escaped > 0 and code == 45 and i + 2 < n and codes[i + 1] == 45 and codes[i + 2] == 62:
            escaped = 0
        i += 1
    return n


@njit(types.int64(_CODES, types.int64), cache=True, nogil=True)
def _comment_end(codes, at):
    """Behind the comment, declaration or instruction that begins with the `<` at a place."""
    n = len(codes)
    i = at + 2
    if at + 3 < n and codes[at + 1] == 33 and codes[at + 2] == 45 and codes[at + 3] == 45:
        i = at + 4
        if i < n and codes[i] == 62:
            return i + 1
        if i + 1 < n and codes[i] == 45 and codes[i + 1] == 62:
            return i + 2
        while i < n:
            if codes[i] == 45 and i + 1 < n and codes[i + 1] == 45:
                if i + 2 < n and codes[i + 2] == 62:
                    return i + 3
                if i + 3 < n and codes[i + 2] == 33 and codes[i + 3] == 62:
                    return i + 4
            i += 1
        return n
    while i < n and codes[i] != 62:
        i += 1
    return min(n, i + 1)


@njit(types.UniTuple(types.int64, 2)(_CODES, types.int64, types.boolean), cache=True, nogil=True)
def _attributes(codes, at, wanted):
    """Behind a tag whose attributes begin at a place (-1 where the page ends first), and the marks they give it.

    The last mark but one, 1 << 30, says that there is a href. wanted: without, nothing is looked for.
    """
    n = len(codes)
    marks = 0
    i = at
    while True:
        while i < n and (_blank(codes[i]) or codes[i] == 47):
            i += 1
        if i >= n:
            return -1, 0
        if codes[i] == 62:
            return i + 1, marks
        first = i
        hashed = uint64(BASIS)
        while i < n:
            code = codes[i]
            if _blank(code) or code == 47 or code == 62 or (code == 61 and i > first):
                break
            if wanted:
                hashed = (hashed ^ uint64(code | 32)) * uint64(PRIME)
            i += 1
        what = 0
        if wanted:
            place = hashed & uint64(63)
            while _ATTRIBUTE_HASHES[place] != 0:
                if _ATTRIBUTE_HASHES[place] == hashed:
                    what = _ATTRIBUTE_PLACES[place]
                    break
                place = (place + uint64(1)) & uint64(63)
        while i < n and _blank(codes[i]):
            i += 1
        start = end = i
        if i < n and codes[i] == 61:
            i += 1
            while i < n and _blank(codes[i]):
                i += 1
            if i >= n:
                return -1, 0
            quote = codes[i]
            if quote == 34 or quote == 39:
                i += 1
                start = i
                while i < n and codes[i] != quote:
                    i += 1
                if i >= n:
                    return -1, 0
                end = i
                i += 1
            else:
                start = i
                while i < n and not _blank(codes[i]) and codes[i] != 62:
                    i += 1
                end = i
        if what == _HREF:
            marks |= 1 << 30
        elif what == _HIDDEN:
            marks |= _HIDDEN_MARK
        elif what != 0:
            state, before, found = types.int64(_NEXT[0, 26]), 26, 0
            for k in range(start, end + 1):
                symbol = 26
                if k < end and _letter(codes[k]):
                    symbol = types.int64(codes[k] | 32) - 97
                if symbol != 26 or before != 26:
                    state = types.int64(_NEXT[state, symbol])
                    found |= _FOUND[state]
                before = symbol
            marks |= found & _HIDDEN_MARK if what == _STYLE else found


@njit(
    types.Tuple(
        (
            types.Array(types.uint32, 1, "C"),
            types.Array(types.int64, 2, "C"),
            types.Array(types.int32, 2, "C"),
            types.Array(types.uint64, 1, "C"),
            types.Array(types.int32, 2, "C"),
            types.UniTuple(types.int64, 2),
        )
    )(_CODES, _TABLE8),
    cache=True, nogil=True,
)  # fmt: skip
def scan(codes, table):
    """Blocks that have something to see.

    Args:
        codes: uint32 (n,), code points. table: `classes()`.

    Returns:
        text: uint32 (k,), what is seen, references read, white space as in the page only in `<pre>`.
        spans: int64 (m, 2), half-open, of the text. counts: int32 (m, len(COUNTED)). hashes: uint64 (m,) of the visible
        characters. elements: int32 (e, 4): parent, tag, marks, depth; the first stands for the page.
        title: half-open span of `codes`, references not read; empty where the page has none.
    """
    n = len(codes)
    opening = 2
    for i in range(n):
        opening += codes[i] == 60
    text = np.empty(n + 2, np.uint32)
    spans = np.empty((opening, 2), np.int64)
    counts = np.zeros((opening, 20), np.int32)
    hashes = np.empty(opening, np.uint64)
    elements = np.zeros((opening, 4), np.int32)
    stack = np.zeros((opening, 5), np.int64)  # element, tag, kind, next number of a list (0: bullets), pre
    opens = np.zeros(256, np.int64)  # open elements by tag
    elements[0, 0] = -1
    made, depth, skipped = 1, 0, 0
    found, size, start = 0, 0, 0
    title_start, title_end, titled = 0, 0, False
    link, link_depth = False, 0
    form = 0
    word, stopped, blank = 0, 0, False
    gap, ordinal = 0, 0
    preformatted, fresh = False, False
    hashed = uint64(BASIS)
    row = counts[0]
    i = 0
    while i <= n:
        code = codes[i] if i < n else uint32(0)
        flush, behind = i == n, i + 1
        tag, closes, marks = 0, False, 0
        is_tag = False
        if code == 60 and i + 1 < n:
            second = codes[i + 1]
            closes = second == 47 and i + 2 < n and _letter(codes[i + 2])
            is_tag = closes or _letter(second)
            if not is_tag and (second == 33 or second == 63 or second == 47):
                i = _comment_end(codes, i) if second != 47 or i + 2 >= n or codes[i + 2] != 62 else i + 3
                continue
        if is_tag:
            name = i + 1 + closes
            behind = name
            named = uint64(BASIS)
            while behind < n:
                code = codes[behind]
                if _blank(code) or code == 47 or code == 62:
                    break
                named = (named ^ uint64(code | 32 if 65 <= code <= 90 else code)) * uint64(PRIME)
                behind += 1
            name_end = behind
            place = named & uint64(_SLOTS - 1)
            while _HASHES[place] != 0:
                if _HASHES[place] == named:
                    tag = types.int64(_PLACES[place])
                    break
                place = (place + uint64(1)) & uint64(_SLOTS - 1)
            what = _PROPERTIES[tag]
            behind, marks = _attributes(codes, behind, not closes and (what & _PUSHED != 0 or tag == _A))
            if behind < 0:  # the page ends inside a tag
                i = n
                continue
            if what & _RAW and not closes and opens[_SVG] == 0:
                inner = behind
                behind = n if tag == _PLAINTEXT else _raw_end(codes, inner, name, name_end, tag == _SCRIPT)
                if tag == _TITLE and not titled and skipped == 0:
                    title_start, title_end, titled = inner, behind, True
            if tag == _A:
                link = not closes and marks >= 1 << 30
                link_depth = depth
                if link and skipped == 0:
                    row[2] += 1
            elif tag == _BR:
                if skipped == 0 and preformatted:
                    text[size] = 10
                    size += 1
                    row[9] += word > 0
                    row[10] += 0 < word <= 3
                    word = 0
                elif skipped == 0:
                    flush = True
                    row[18] += 1
            elif tag == _FORM:
                form = 0 if closes else 1
            if preformatted and what & _BREAKS and tag != _PRE and tag != _LISTING:
                if skipped == 0 and size > start and text[size - 1] != 10:
                    text[size] = 10
                    size += 1
                    row[9] += word > 0
                    row[10] += 0 < word <= 3
                    word = 0
            elif what & _BREAKS:
                flush = skipped == 0 or what & _PUSHED != 0
            if what == 0 or not (flush or what & _PUSHED):
                i = behind
                continue
        elif i < n:
            i += 1
            if skipped > 0:
                while i < n and codes[i] != 60:
                    i += 1
                continue
            # One visible character, two where a reference stands for two.
            more = 0
            if code == 38:
                one, more, i = reference(codes, i - 1)
                code = uint32(one)
            while code != 0:
                kind = table[min(code, uint32(65536))]
                if kind & 8:
                    if word > 0:
                        row[9] += 1
                        row[10] += word <= 3
                        word = 0
                    if preformatted:
                        if code == 13:
                            code = uint32(10)
                            if i < n and codes[i] == 10:
                                i += 1
                        if not (fresh and code == 10):
                            text[size] = code
                            size += 1
                    else:
                        blank = True
                    fresh = False
                else:
                    if row[0] == 0:
                        row[17] = stack[depth, 0]
                        row[14] = stack[depth, 2]
                        row[19] = form
                        row[12] = kind & 1 and not kind & 2 and not kind & 128
                    elif blank and not preformatted:
                        text[size] = 32
                        size += 1
                    blank, fresh = False, False
                    text[size] = code
                    size += 1
                    wide = 2 if kind & 128 else 1
                    row[11] += word == 0 and kind & 2 != 0
                    word += 1
                    row[0] += wide
                    if link:
                        row[1] += wide
                    row[3] += kind & 1
                    row[4] += (kind >> 1) & 1
                    row[5] += (kind >> 2) & 1
                    row[6] += (kind >> 4) & 1
                    row[7] += (kind >> 5) & 1
                    row[8] += (kind >> 6) & 1
                    if kind & 16:
                        stopped = 1
                    elif code == 58:
                        stopped = 2
                    elif not (code == 34 or code == 41 or code == 187 or code == 0x201C or code == 0x201D
                              or code == 0x300D):  # fmt: skip
                        stopped = 0
                    hashed = (hashed ^ uint64(code)) * uint64(PRIME)
                code, more = uint32(more), 0
            continue
        # A block ends here.
        if flush:
            if word > 0:
                row[9] += 1
                row[10] += word <= 3
                word = 0
            if row[0] > 0:
                row[13] = stopped
                row[15] = gap
                row[16] = ordinal
                spans[found, 0], spans[found, 1] = start, size
                hashes[found] = hashed
                found += 1
                row = counts[found]
                gap, ordinal = 0, 0
            else:
                if tag == _BR and row[18] > 0:
                    gap = 1
                size = start
                breaks = row[18]
                row[:] = 0
                row[18] = breaks
            start = size
            blank, stopped = False, 0
            hashed = uint64(BASIS)
        if i == n:
            break
        i = behind
        what = _PROPERTIES[tag]
        if what & _GAPPED:
            gap = 1
        if not what & _PUSHED:
            continue
        # The stack: elements that end here, and the one that begins.
        down = depth
        if closes:
            if opens[tag] == 0:
                continue
            part = what & _CELL or tag in (_TABLE, _TR, _TBODY, _THEAD, _TFOOT)
            low = max(0, depth - REACH)
            while down > low and stack[down, 1] != tag:
                if not part and _PROPERTIES[stack[down, 1]] & _CELL:
                    break
                if part and tag != _TABLE and stack[down, 1] == _TABLE:
                    break
                down -= 1
            if down <= low or stack[down, 1] != tag:
                continue
            down -= 1
        elif what & _BREAKS:
            while stack[down, 1] == _SVG or stack[down, 1] == _SELECT:
                down -= 1
            if down > 0 and stack[down, 1] == _P:
                down -= 1
            top = stack[down, 1]
            if _H1 <= tag <= _H6 and _H1 <= top <= _H6:
                down -= 1
            elif tag in (_LI, _DD, _DT):
                k = down
                low = max(0, depth - REACH)
                while k > low:
                    top = stack[k, 1]
                    if top == tag or (tag != _LI and top in (_DD, _DT)):
                        down = k - 1
                        break
                    if _PROPERTIES[top] & _SPECIAL:
                        break
                    k -= 1
            elif what & _CELL or tag in (_TR, _TBODY, _THEAD, _TFOOT):
                k = down
                low = max(0, depth - REACH)
                while k > low:
                    top = stack[k, 1]
                    if top == _TABLE:
                        break
                    section = top in (_TBODY, _THEAD, _TFOOT)
                    if what & _CELL:
                        if _PROPERTIES[top] & _CELL:
                            down = k - 1
                        if top == _TR or section:
                            break
                    elif tag == _TR:
                        if top == _TR:
                            down = k - 1
                        if section:
                            break
                    elif section:
                        down = k - 1
                    k -= 1
        while depth > down:
            top = stack[depth, 1]
            opens[top] -= 1
            skipped -= _PROPERTIES[top] & _SKIPPED != 0
            depth -= 1
            if depth < link_depth:
                link = False
        if not closes:
            above = depth
            depth += 1
            stack[depth, 0] = made
            stack[depth, 1] = tag
            kind = _KINDS[tag]
            stack[depth, 4] = 1 if kind == 4 else stack[above, 4]
            stack[depth, 2] = 4 if stack[depth, 4] == 1 else kind if kind >= 0 else stack[above, 2]
            stack[depth, 3] = 1 if tag == _OL else 0
            if tag == _LI:
                ordinal = -1
                if stack[above, 3] > 0:
                    ordinal = stack[above, 3]
                    stack[above, 3] += 1
            elements[made, 0] = stack[above, 0]
            elements[made, 1] = tag
            elements[made, 2] = (marks & 0x3FFFFFFF) | _TAG_MARKS[tag]
            elements[made, 3] = depth
            made += 1
            opens[tag] += 1
            skipped += what & _SKIPPED != 0
            fresh = kind == 4
        preformatted = stack[depth, 4] == 1
    return text[:size], spans[:found], counts[:found], hashes[:found], elements[:made], (title_start, title_end)
